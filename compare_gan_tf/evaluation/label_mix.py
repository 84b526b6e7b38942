"""The label distribution of a conditional generator's fakes: that of the real samples.

If fakes with uniform labels were compared with real samples of another label distribution, the
score would include a difference that no training can remove.
"""

import dataclasses
import hashlib
import json

import numpy as np

from compare_gan_tf import random
from compare_gan_tf.evaluation.sides import Side, chosen


@dataclasses.dataclass(frozen=True)
class LabelMix:
    """A distribution of labels.

    Attributes:
      probabilities: K probabilities that add up to 1; None for the uniform distribution.
    """

    probabilities: tuple[float, ...] | None = None

    @property
    def name(self) -> str:
        """Name in the protocol: "uniform", or "real mix" and 8 digits of a hash of the values."""
        if self.probabilities is None:
            return "uniform"
        text = json.dumps([round(one, 12) for one in self.probabilities])
        return f"real mix {hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def draw(self, number: int, seed, classes: int) -> np.ndarray:
        """Draws independent labels int32 [number] in [0, classes).

        Label i depends only on the seed and i.

        Args:
          number: number of labels.
          seed: int [2], see `random`.
          classes: number of classes K.
        """
        if self.probabilities is None:
            return random.integers([number], seed, classes).numpy()
        uniform = (random.bits([number], seed).numpy() + 0.5) / 2.0**32
        ends = np.cumsum(self.probabilities)  # the last is 1, up to an error below 2^-33
        return np.searchsorted(ends, uniform, side="right").astype(np.int32)


UNIFORM = LabelMix()


def of_reals(real: Side | None, classes: int, number: int | None, seed: int) -> LabelMix:
    """The label distribution of the real samples.

    Unlabelled samples (-1) are left out; soft labels [N, K] are averaged. If the real samples have
    no labels, or another number of classes, the distribution is uniform.

    Args:
      real: the real side, or None.
      classes: number of classes K of the generator.
      number: number of real samples, chosen by `sides.chosen`; None for all.
      seed: seed of this choice.
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
    """Counts float64 [classes] of the labels; None if the labels are of other classes."""
    if labels.ndim == 2:
        return labels.sum(axis=0, dtype=np.float64) if labels.shape[1] == classes else None
    labels = labels[labels >= 0]
    if not len(labels) or labels.max() >= classes:
        return None
    return np.bincount(labels, minlength=classes).astype(np.float64)


def labelled_sides(side: Side, metrics, real: Side | None, number, seed: int) -> dict:
    """{metric: the fakes with the label distribution that it needs}.

    This is the distribution of the real samples; but for a metric with `even_labels`, which scores
    each class separately, it is uniform, so that rare classes have as many samples.

    Args:
      side: the fakes.
      metrics: values of `metrics.registry`.
      real: the real side, or None.
      number, seed: see `of_reals`.
    """
    if side.classes is None:
        return dict.fromkeys(metrics, side)
    mix = of_reals(real, side.classes, number, seed)
    mixed = side.labelled(mix)
    even = mixed if mix == UNIFORM else side.labelled(UNIFORM)
    return {metric: even if metric.even_labels else mixed for metric in metrics}
