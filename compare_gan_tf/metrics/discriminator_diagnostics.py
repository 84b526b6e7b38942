"""Diagnostics of a discriminator: accuracies, mean logits and spectral norms.

Accuracies are on training images, held-out images and fakes, as in compare_gan's accuracy task. A
discriminator that accepts training images and rejects held-out ones has memorised. Spectral
normalisation (Miyato et al., 2018) bounds the largest singular value of each kernel. Numpy only,
except for the discriminator itself.
"""

import dataclasses
from typing import ClassVar

import gin
import numpy as np

from compare_gan_tf.metrics import estimates
from compare_gan_tf.metrics.base import Collected, Metric, TwoOrMore, UndefinedScore

_BATCH = 64


def logits(discriminate, side: Collected, most: int) -> np.ndarray:
    """D's logits, float64 [n], of the first images of a side, at most `most`.

    Raises:
      UndefinedScore: there are no images, or a logit is not finite.
    """
    count = min(len(side.images), most)
    if not count:
        raise UndefinedScore("there are no images for the discriminator")
    found = []
    for start in range(0, count, _BATCH):
        stop = min(start + _BATCH, count)
        labels = None if side.labels is None else side.labels.between(start, stop)
        found.append(np.asarray(discriminate(side.images.between(start, stop), labels)).reshape(-1))
    found = np.concatenate(found).astype(np.float64)
    if len(found) != count or not np.isfinite(found).all():
        raise UndefinedScore(f"{count} images have not as many finite logits")
    return found


def largest_singular_values(kernels: dict[str, np.ndarray]) -> dict[str, float]:
    """sigma of each kernel [..., out] as a matrix of inputs by outputs, in float64."""
    return {name: float(np.linalg.norm(_matrix(kernel), ord=2)) for name, kernel in kernels.items()}


def _matrix(kernel: np.ndarray) -> np.ndarray:
    kernel = np.asarray(kernel, np.float64)
    if kernel.ndim < 2 or not np.isfinite(kernel).all():
        raise UndefinedScore(f"a kernel of shape {kernel.shape} is no finite matrix")
    return kernel.reshape(-1, kernel.shape[-1])


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class DiscriminatorAccuracy(Metric):
    """Accuracies and mean logits of D.

    The real side has D's training images, and its `held_out` side images that D never saw. D is
    right if its logit is above 0 for a real image and below 0 for a fake. `d_memorisation` is the
    accuracy on training images minus that on held-out ones: 0 without memorisation. Accuracies have
    Wilson's intervals, means normal ones.

    Attributes:
      images: largest number of images of each side; the first ones are used.
    """

    name: ClassVar[str] = "discriminator_accuracy"
    needs: ClassVar[dict] = {
        "real": ("images", "held_out"),
        "fake": ("images", "discriminate"),
    }
    wants: ClassVar[dict] = {"real": ("labels",), "fake": ("labels",)}
    scores: ClassVar[dict] = {
        "d_accuracy_train": None,
        "d_accuracy_held_out": None,
        "d_accuracy_fake": None,
        "d_logit_train": None,
        "d_logit_held_out": None,
        "d_logit_fake": None,
        "d_memorisation": False,
    }

    images: TwoOrMore = 10_000

    def __call__(self, real, fake):
        sides = {"train": real, "held_out": real.held_out, "fake": fake}
        found, right = {}, {}
        for name, side in sides.items():
            values = logits(fake.discriminate, side, self.images)
            right[name] = values < 0 if side is fake else values > 0
            found[f"d_accuracy_{name}"] = estimates.share(int(right[name].sum()), len(values))
            found[f"d_logit_{name}"] = estimates.mean(values)
        return found | {"d_memorisation": _difference(right["train"], right["held_out"])}


def _difference(first: np.ndarray, second: np.ndarray) -> estimates.Score:
    """The difference of two independent shares."""
    variances = [x.mean() * (1 - x.mean()) / len(x) for x in (first, second)]
    return estimates.around(first.mean() - second.mean(), np.sqrt(sum(variances)))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class DiscriminatorNorms(Metric):
    """The largest singular value of each of D's kernels, and their maximum and minimum.

    In addition to `scores` there is a score `d_sigma/<layer>` for each kernel. Weights have no
    sampling error, so there are no intervals.
    """

    name: ClassVar[str] = "discriminator_norms"
    needs: ClassVar[dict] = {"real": (), "fake": ("kernels",)}
    scores: ClassVar[dict] = {"d_sigma_max": None, "d_sigma_min": None}

    def __call__(self, real, fake):
        if not fake.kernels:
            raise UndefinedScore("the discriminator has no kernels")
        values = largest_singular_values(fake.kernels)
        found = {f"d_sigma/{layer}": value for layer, value in values.items()}
        found |= {"d_sigma_max": max(values.values()), "d_sigma_min": min(values.values())}
        return {name: estimates.Score(value) for name, value in found.items()}
