"""How often each label is given to a conditional generator: as often as the reals have it.

Fakes of equal shares, scored against reals of other shares, pay for a difference that no training
could mend.
"""

import dataclasses
import hashlib
import json

import numpy as np

from compare_gan_tf import random
from compare_gan_tf.evaluation.sides import Side, chosen


@dataclasses.dataclass(frozen=True)
class LabelMix:
    """Probabilities of the labels; None for equal ones.

    Attributes:
      probabilities: K of them, which add up to 1, or None.
    """

    probabilities: tuple[float, ...] | None = None

    @property
    def name(self) -> str:
        """For the protocol: "uniform", or "real mix" and 8 digits of a hash of the shares."""
        if self.probabilities is None:
            return "uniform"
        text = json.dumps([round(one, 12) for one in self.probabilities])
        return f"real mix {hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def draw(self, number: int, seed, classes: int) -> np.ndarray:
        """int32 [number] in [0, classes), each independent; label i depends on seed and i alone.

        Args:
          number: of labels.
          seed: int [2], see `random`.
          classes: K.
        """
        if self.probabilities is None:
            return random.integers([number], seed, classes).numpy()
        uniform = (random.bits([number], seed).numpy() + 0.5) / 2.0**32
        ends = np.cumsum(self.probabilities)  # the last is 1 but for less than 2^-33
        return np.searchsorted(ends, uniform, side="right").astype(np.int32)


UNIFORM = LabelMix()


def of_reals(real: Side | None, classes: int, number: int | None, seed: int) -> LabelMix:
    """The mix of the real samples that are compared with.

    Unlabelled samples (-1) are left out; of soft labels [N, K] it is the mean. Reals without
    labels, or of another number of classes, leave all labels equally likely.

    Args:
      real: the real side, or None.
      classes: of the generator.
      number: of real samples, chosen as `sides.chosen` does; None for all.
      seed: by which they are chosen.
    """
    labels = getattr(real, "labels", None)
    if labels is None or getattr(real, "num_classes", None) not in (None, classes):
        return UNIFORM
    found = np.asarray(labels[chosen(len(labels), number or len(labels), seed)])
    counts = _counts(found, classes)
    total = 0.0 if counts is None else counts.sum()
    if not total > 0 or np.ptp(counts) <= 1e-9 * total:
        return UNIFORM
    return LabelMix(tuple((counts / total).tolist()))


def _counts(labels: np.ndarray, classes: int) -> np.ndarray | None:
    """float64 [classes], how often each occurs; None where labels are of other classes."""
    if labels.ndim == 2:
        return labels.sum(axis=0, dtype=np.float64) if labels.shape[1] == classes else None
    labels = labels[labels >= 0]
    if not len(labels) or labels.max() >= classes:
        return None
    return np.bincount(labels, minlength=classes).astype(np.float64)


def labelled_sides(side: Side, metrics, real: Side | None, number, seed: int) -> dict:
    """{metric: the fakes as it needs them}: of the mix of the reals, or of equal shares.

    Metrics whose `even_labels` is set look at each class for itself, and need as many samples of
    the rare ones.
    """
    if side.classes is None:
        return dict.fromkeys(metrics, side)
    mix = of_reals(real, side.classes, number, seed)
    mixed = side.labelled(mix)
    even = mixed if mix == UNIFORM else side.labelled(UNIFORM)
    return {metric: even if metric.even_labels else mixed for metric in metrics}
