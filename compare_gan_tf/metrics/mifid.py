"""Memorization-informed FID: FID with a penalty for fakes that repeat training samples.

Bai et al., On Training Sample Memorization: Lessons from Benchmarking Generative Modeling with a
Large-scale Competition, 2021: with the n fakes y and the training samples x,

    s = mean_j min_i (1 - |x_i.y_j| / (|x_i| |y_j|))

is the mean cosine distance to the nearest training sample, and MiFID is FID / (s + epsilon) if
s < threshold, else FID.
"""

import dataclasses

import gin
import numpy as np

from compare_gan_tf.metrics import balls, intervals
from compare_gan_tf.metrics.base import Collected, Rows, check_features
from compare_gan_tf.metrics.fid import frechet_replicates, side_of
from compare_gan_tf.metrics.rows import of_length_1
from compare_gan_tf.settings.signatures import Positive

_CHUNK = 50 * intervals.BLOCKS  # samples, a whole number for each block


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Mifid(intervals.Jackknifed):
    """FID divided by the distance to the training samples if that is small; 0 is best.

    `cosine_distance` is s of the module's text; real samples that were not trained on tell which
    one a model should have. A feature of length 0 is at distance 1 from all. The score jumps at
    the threshold, which was chosen for Inception's features. Copies of all training samples have
    an FID of 0 to them, and so an MiFID of 0: look at the distance too.

    Attributes:
      threshold: the paper's tau.
      epsilon: for copies, whose distance is 0.
    """

    name = "mifid"
    needs = {"real": ("features",), "fake": ("features",)}
    scores = {"mifid": False, "cosine_distance": True}
    covariances = True
    of_training = True
    enough = {"real": 10_000, "fake": 10_000}
    bounds_of = {"cosine_distance": (0.0, 1.0)}

    threshold: Positive = 0.1
    epsilon: Positive = 1e-15

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        check_features(real, fake, least=2)
        distances = cosine_distances(real.features, fake.features)
        whole = frechet_replicates(side_of(real), side_of(fake), True)
        value = whole.value / self._penalty(distances[-1])
        if whole.left_out is None:
            left_out = [None, None]
        else:
            left_out = [whole.left_out / self._penalty(distances[:-1]), distances[:-1]]
        return {
            "mifid": intervals.Replicates(float(value), left_out[0]),
            "cosine_distance": intervals.Replicates(float(distances[-1]), left_out[1]),
        }

    def _penalty(self, distances):
        return np.where(distances < self.threshold, distances + self.epsilon, 1.0)


def cosine_distances(real: Rows, fake: Rows) -> np.ndarray:
    """s of the module's text: without each block of samples, then of all, float64 [B + 1]."""
    nearest = np.ones((intervals.BLOCKS, len(fake)))  # among the training samples of each block
    start = 0
    for y in fake.chunks(_CHUNK):
        found, y = nearest[:, start : start + len(y)], of_length_1(y)
        start += len(y)
        for x in real.chunks(_CHUNK):
            distances = 1.0 - np.abs(of_length_1(x) @ y.T)
            for block in range(min(intervals.BLOCKS, len(x))):
                least = distances[block :: intervals.BLOCKS].min(axis=0)
                np.minimum(found[block], least, out=found[block])
    first, second = np.partition(nearest, 1, axis=0)[:2]
    blocks = np.arange(intervals.BLOCKS)[:, None]
    without = np.where(blocks == nearest.argmin(axis=0), second, first)
    kept = balls.kept(len(fake))
    rows = np.maximum(np.concatenate([without, first[None]]), 0.0)
    return (rows * kept).sum(axis=1) / np.maximum(kept.sum(axis=1), 1)
