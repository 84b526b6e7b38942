"""FID within each class: whether a model is good for every label, not only for the mixture.

Miyato and Koyama, cGANs with Projection Discriminator, 2018, section 5 (intra-FID).
"""

import dataclasses

import gin
import numpy as np

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.fid import Side, frechet_replicates, statistics_of


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class IntraClassFid(intervals.Jackknifed):
    """The mean over the labels of the Fréchet distance between reals and fakes of one label.

    0 is best. All labels of the reals have the same weight, and each needs two fakes or more: fakes
    are drawn with equally many of each label.

    Attributes:
      interval: whether to compute the interval, as in `Fid`; blocks are left out within each class.
    """

    name = "intra_class_fid"
    needs = {"real": ("features", "labels"), "fake": ("features", "labels")}
    scores = {"intra_class_fid": False}
    covariances = True
    even_labels = True
    enough = {"real": 5_000, "fake": 5_000}  # in each class

    interval: bool = True

    def numbers(self, real: Collected, fake: Collected) -> dict:
        return {
            name: (_smallest_class(side, real), self.enough[name])
            for name, side in (("real", real), ("fake", fake))
        }

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        found = list(self.by_class(real, fake).values())
        value = float(np.mean([one.value for one in found]))
        if any(one.left_out is None for one in found):
            return {"intra_class_fid": intervals.Replicates(value, None)}
        left_out = np.mean([one.left_out for one in found], axis=0)
        return {"intra_class_fid": intervals.Replicates(value, left_out)}

    def by_class(self, real: Collected, fake: Collected) -> dict[int, intervals.Replicates]:
        """{label: the distance within it}, one class at a time.

        Raises:
          UndefinedScore: a class of the reals has fewer than two samples on a side.
        """
        real_labels, fake_labels = _labels(real, "real samples"), _labels(fake, "fakes")
        found = {}
        for label in np.unique(real_labels):
            sides = [
                _side(collected.features, np.flatnonzero(labels == label), label, what)
                for collected, labels, what in (
                    (real, real_labels, "real samples"),
                    (fake, fake_labels, "fakes"),
                )
            ]
            found[int(label)] = frechet_replicates(*sides, self.interval)
        return found


def _smallest_class(side: Collected, real: Collected) -> int:
    """The number of samples of a side in its smallest class, among the classes of the reals."""
    labels = side.labels.read()
    return min(int(np.count_nonzero(labels == label)) for label in np.unique(real.labels.read()))


def _labels(collected: Collected, what: str) -> np.ndarray:
    if collected.labels is None or collected.features is None:
        raise UndefinedScore(f"the {what} have no labels with their features")
    labels = collected.labels.read()
    if len(labels) != len(collected.features):
        raise UndefinedScore(f"{len(collected.features)} {what} have {len(labels)} labels")
    if not len(labels):
        raise UndefinedScore(f"there are no {what}")
    if (labels < 0).any():
        raise UndefinedScore(f"{int((labels < 0).sum())} of {len(labels)} {what} have no label")
    return labels


def _side(features: Rows, chosen: np.ndarray, label: int, what: str) -> Side:
    if len(chosen) < 2:
        raise UndefinedScore(f"class {label} has {len(chosen)} {what}: at least 2 are needed")
    rows = features.picked(chosen)
    return Side(statistics_of(rows), rows)
