"""The number of modes that fakes cover, and the shares of fakes in them.

Of stacked MNIST: Metz et al., Unrolled generative adversarial networks, 2017, section 3.3; of
Gaussians: Srivastava et al., VEEGAN, 2017, section 5.1.
"""

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import gin
import numpy as np

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import estimates
from compare_gan_tf.metrics.base import (
    Collected,
    Metric,
    Rows,
    TwoOrMore,
    UndefinedScore,
    check_rows,
)
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Count, Function, Made, Positive

_CHUNK = 1024
_NAME = "StackedModes.classifier"
_CLASSIFIER = "a function of uint8 images [n, H, W, 1] such as @mnist_probabilities"
Classifier = Annotated[Callable, Function(0, like=_CLASSIFIER)]


def divergence(counts: np.ndarray, reference: np.ndarray) -> float:
    """KL(p || q) in nats of p = counts / sum and q = reference / sum, both [K].

    Raises:
      UndefinedScore: samples are in a mode in which the reference has none.
    """
    p, q = counts / np.sum(counts), reference / np.sum(reference)
    there = p > 0
    if (q[there] == 0).any():
        raise UndefinedScore("fakes are in a mode in which the reference has no samples")
    return float(np.sum(p[there] * np.log(p[there] / q[there])))


def _jackknifed(counts: np.ndarray, statistic: Callable):
    """The score of a histogram, with the interval of the jackknife over single samples.

    All samples of a mode have the same influence, so there is one case per mode.
    """
    total, value = counts.sum(), statistic(counts)
    there = np.flatnonzero(counts)
    if total < 2:
        return estimates.Score(float(value))
    without = np.empty(len(there))
    for place, mode in enumerate(there):
        fewer = counts.copy()
        fewer[mode] -= 1
        without[place] = statistic(fewer)
    weights = counts[there] / total
    centre = weights @ without
    return estimates.around(value, np.sqrt((total - 1) * (weights @ (without - centre) ** 2)))


def _modes_and_divergence(name: str, counts, reference, min_samples: int) -> dict:
    return {
        name: _jackknifed(counts, lambda n: float(np.sum(n >= min_samples))),
        f"{name}_kl": _jackknifed(counts, lambda n: divergence(n, reference)),
    }


@gin.configurable(module="metrics")
def mnist_probabilities(images: np.ndarray) -> np.ndarray:
    """The shipped classifier of MNIST: uint8 images [n, 28, 28, 1] -> probabilities [n, 10].

    Raises:
      UserError: the images have another size.
    """
    from compare_gan_tf.metrics.features import mnist_classifier

    if images.shape[1:] != (28, 28, 1):
        raise UserError(
            f"mnist_probabilities takes channels of 28x28 pixels, not {images.shape[1:3]}: set "
            "StackedModes.classifier to a classifier of one channel"
        )
    return mnist_classifier().classify(images)


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class StackedModes(Metric):
    """Modes of stacked images: each channel shows one class, so three digits have 1,000 modes.

    `stacked_modes` is the number of modes with fakes; `stacked_modes_kl` is KL(fakes || reference)
    in nats. For n samples from the reference with K modes the latter is about (K - 1) / 2 n, not 0:
    compare numbers of equal n (published ones have 26,000).

    Attributes:
      classifier: uint8 images of one channel [n, H, W, 1] -> probabilities or logits [n, classes].
      classes: number of classes of a channel.
      uniform: whether the reference is uniform; else it is the histogram of the real labels, which
        are the numbers that the channels spell.
      min_samples: smallest number of samples that counts as a mode.
    """

    name: ClassVar[str] = "stacked_modes"
    needs: ClassVar[dict] = {"real": (), "fake": ("images",)}
    wants: ClassVar[dict] = {"real": ("labels",)}
    scores: ClassVar[dict] = {"stacked_modes": True, "stacked_modes_kl": False}
    samples_of_mode: ClassVar[int] = 26

    classifier: Classifier = mnist_probabilities
    classes: TwoOrMore = 10
    uniform: bool = True
    min_samples: Count = 1

    def numbers(self, real, fake) -> dict:
        modes = self.classes ** fake.images.shape[-1]
        return {"fake": (len(fake.images), self.samples_of_mode * modes)}

    def __call__(self, real, fake):
        check_rows(fake.images, least=1, what="images of the fakes")
        first = fake.images.between(0, 1)[..., :1]
        found = kinds.tried(_NAME, self.classifier, first, like=_CLASSIFIER)
        kinds.require_shape(_NAME, self.classifier, found, (1, self.classes), like=_CLASSIFIER)
        modes = self.classes ** fake.images.shape[-1]
        counts = np.zeros(modes, np.int64)
        for images in fake.images.chunks(_CHUNK):
            counts += np.bincount(self._modes(images), minlength=modes)
        reference = np.ones(modes) if self.uniform else _histogram(real, modes)
        return _modes_and_divergence(self.name, counts, reference, self.min_samples)

    def _modes(self, images: np.ndarray) -> np.ndarray:
        """The numbers that the channels spell, int64 [n]; the first is the highest digit."""
        number = np.zeros(len(images), np.int64)
        for channel in range(images.shape[-1]):
            scores = np.asarray(self.classifier(images[..., channel : channel + 1]))
            number = number * self.classes + np.argmax(scores, axis=1)
        return number


def _histogram(real: Collected, modes: int) -> np.ndarray:
    if real.labels is None:
        raise UndefinedScore(
            "the real samples have no labels to count modes by: set StackedModes.uniform = True"
        )
    counts = np.zeros(modes, np.int64)
    for labels in real.labels.chunks(_CHUNK):
        if labels.min() < 0 or labels.max() >= modes:
            raise UndefinedScore(f"real labels are not all in [0, {modes})")
        counts += np.bincount(labels, minlength=modes)
    return counts


def _is_mixture(value) -> bool:
    return hasattr(value, "modes") and hasattr(value, "scale")


_MIXTURE = "what has `modes` and `scale`"
Mixture = Annotated[Any, Made(_is_mixture, like=_MIXTURE)]


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class GaussianModes(Metric):
    """Modes of a mixture of Gaussians, such as a ring or a grid, and the share of points near one.

    A point has high quality if it is within `within` standard deviations of the nearest mode.
    `gaussian_modes` is the number of modes with such points, `high_quality` is their share, and
    `gaussian_modes_kl` is the KL divergence in nats of their distribution over the modes from the
    uniform one. Features are the points themselves (the extractor `raw_features`). Of exact samples
    in the plane, 1 - exp(-4.5) = 98.9 % are within three deviations.

    Attributes:
      mixture: has `modes` [K, d] and `scale`, their standard deviation, as the data sets do.
      within: number of standard deviations.
      min_samples: smallest number of samples that counts as a mode.
    """

    name: ClassVar[str] = "gaussian_modes"
    needs: ClassVar[dict] = {"real": (), "fake": ("features",)}
    scores: ClassVar[dict] = {
        "gaussian_modes": True,
        "gaussian_modes_kl": False,
        "high_quality": True,
    }
    samples_of_mode: ClassVar[int] = 100

    mixture: Mixture | None = None
    within: Positive = 3.0
    min_samples: Count = 1

    def numbers(self, real, fake) -> dict:
        return {"fake": (len(fake.features), self.samples_of_mode * len(self.mixture.modes))}

    def __call__(self, real, fake):
        if self.mixture is None:
            raise UserError(f"GaussianModes.mixture is None: it must be {_MIXTURE}")
        modes = np.asarray(self.mixture.modes, np.float64)
        if fake.features.shape[1:] != modes.shape[1:]:
            raise UndefinedScore(
                f"features of {fake.features.shape[1:]} are not in the space of the modes, "
                f"{modes.shape[1:]}: take the points themselves as features"
            )
        counts = self._counts(fake.features, modes)
        found = {"high_quality": estimates.share(int(counts.sum()), len(fake.features))}
        if not counts.any():
            raise UndefinedScore(f"no fake is within {self.within} deviations of a mode")
        uniform = np.ones(len(modes))
        return found | _modes_and_divergence(self.name, counts, uniform, self.min_samples)

    def _counts(self, points: Rows, modes: np.ndarray) -> np.ndarray:
        """The number of high-quality points of each mode, int64 [K]."""
        check_rows(points, least=1, what="fakes")
        counts = np.zeros(len(modes), np.int64)
        for chunk in points.chunks(_CHUNK):
            squared = np.sum((chunk[:, None].astype(np.float64) - modes) ** 2, axis=2)
            near = squared.min(axis=1) <= (self.within * self.mixture.scale) ** 2
            counts += np.bincount(squared.argmin(axis=1)[near], minlength=len(modes))
        return counts
