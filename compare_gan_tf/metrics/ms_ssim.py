"""Multi-scale structural similarity of pairs of samples: high if all samples look alike.

Wang, Simoncelli and Bovik, Multi-scale structural similarity, 2003, eq. 7; Odena, Olah and Shlens,
Conditional image synthesis with auxiliary classifier GANs, 2017, section 4.2, measure the diversity
of a GAN by it. Numpy only.
"""

import dataclasses
from typing import ClassVar

import gin
import numpy as np

from compare_gan_tf.metrics import estimates
from compare_gan_tf.metrics.base import Metric, Rows, TwoOrMore, UndefinedScore
from compare_gan_tf.settings.signatures import Index

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, the finest first
WINDOW, SIGMA = 11, 1.5  # pixels
K1, K2 = 0.01, 0.03
_BYTES = 32 << 20  # of a batch of pairs, about


def num_scales(side: int, shrink_window: bool) -> int:
    """The number of scales, at most five, of an image whose smaller side has `side` pixels."""
    least = 2 if shrink_window else WINDOW
    sides = [side]
    while len(sides) < len(WEIGHTS):
        sides.append(-(-sides[-1] // 2))
    return sum(side >= least for side in sides)


def _band(side: int, window: int) -> np.ndarray:
    """The Gaussian filter of a line as a matrix [side - window + 1, side]."""
    offsets = np.arange(window) - (window - 1) / 2
    weights = np.exp(-0.5 * (offsets * WINDOW / (window * SIGMA)) ** 2)
    band = np.zeros((side - window + 1, side))
    for row in range(len(band)):
        band[row, row : row + window] = weights / weights.sum()
    return band


def _similarity(first, second, max_value: float) -> tuple[np.ndarray, np.ndarray]:
    """SSIM and its contrast-structure part, each [n, C], of images [n, C, H, W]."""
    window = min(WINDOW, *first.shape[2:])
    rows, columns = (_band(side, window) for side in first.shape[2:])

    def blur(images):
        return rows @ images @ columns.T

    mean_1, mean_2 = blur(first), blur(second)
    product = mean_1 * mean_2
    squares = mean_1**2 + mean_2**2
    covariance = blur(first * second) - product
    variances = blur(first**2 + second**2) - squares
    c1, c2 = (K1 * max_value) ** 2, (K2 * max_value) ** 2
    structure = (2 * covariance + c2) / (variances + c2)
    luminance = (2 * product + c1) / (squares + c1)
    return (luminance * structure).mean(axis=(2, 3)), structure.mean(axis=(2, 3))


def _halve(images: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels of [n, C, H, W]; the last row or column of an odd side is repeated."""
    padding = [(0, 0), (0, 0), *((0, side % 2) for side in images.shape[2:])]
    padded = np.pad(images, padding, mode="edge")
    n, c, h, w = padded.shape
    return padded.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))


def ms_ssim(
    first: np.ndarray,
    second: np.ndarray,
    *,
    max_value: float = 255.0,
    shrink_window: bool = True,
) -> np.ndarray:
    """prod_{j < M} relu(cs_j)^w_j relu(ssim_M)^w_M of M scales, then the mean over the channels.

    Args:
      first: [n, H, W, C].
      second: [n, H, W, C].
      max_value: of a pixel; the minimum is 0.
      shrink_window: see `MsSsim`.

    Returns:
      float64 [n], in [0, 1].

    Raises:
      UndefinedScore: the images are too small.
    """
    side = min(first.shape[1:3])
    scales = num_scales(side, shrink_window)
    if not scales:
        least = 2 if shrink_window else WINDOW
        raise UndefinedScore(f"MS-SSIM needs images of at least {least} pixels, not {side}")
    weights = np.array(WEIGHTS[:scales]) * (sum(WEIGHTS) / sum(WEIGHTS[:scales]))
    first, second = (np.moveaxis(x.astype(np.float64), 3, 1) for x in (first, second))
    found = np.ones(first.shape[:2])
    for scale, weight in enumerate(weights, 1):
        whole, structure = _similarity(first, second, max_value)
        found *= np.maximum(whole if scale == scales else structure, 0.0) ** weight
        if scale < scales:
            first, second = _halve(first), _halve(second)
    return found.mean(axis=1)


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class MsSsim(Metric):
    """Mean MS-SSIM of pairs of fakes; higher means less diverse. Compare it with `MsSsimReal`.

    The pairs are disjoint and random, so the interval is that of a mean of independent values.
    Odena et al. and compare_gan average over all pairs within batches of 64, which has the same
    expectation. The pairs depend on the order of the samples.

    Small images have fewer than five scales; the weights of these are enlarged to the sum of all
    five.

    Attributes:
      pairs: largest number of pairs; n samples have n // 2.
      shrink_window: whether the window of 11 pixels shrinks to the image at small scales, as in
        Odena et al. and compare_gan: then images from 17 pixels on have five scales. Else a scale
        needs 11 pixels, and five scales need 161 pixels; from there on both agree.
      seed: of the pairs.
    """

    name: ClassVar[str] = "ms_ssim"
    needs: ClassVar[dict] = {"real": (), "fake": ("images",)}
    scores: ClassVar[dict] = {"ms_ssim": False}
    enough: ClassVar[dict] = {"fake": 200}

    pairs: TwoOrMore = 5_000
    shrink_window: bool = True
    seed: Index = 0

    def __call__(self, real, fake):
        return {"ms_ssim": self._mean(fake.images)}

    def _mean(self, images: Rows):
        order = np.random.default_rng(self.seed).permutation(len(images))
        pairs = min(self.pairs, len(images) // 2)
        if pairs < 2:
            raise UndefinedScore(f"MS-SSIM of pairs needs at least 4 images, not {len(images)}")
        first, second = order[:pairs], order[pairs : 2 * pairs]
        batch = max(1, _BYTES // (8 * int(np.prod(images.shape[1:]))))
        values = [
            ms_ssim(
                images.take(first[start : start + batch]),
                images.take(second[start : start + batch]),
                shrink_window=self.shrink_window,
            )
            for start in range(0, pairs, batch)
        ]
        return estimates.mean(np.concatenate(values))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class MsSsimReal(MsSsim):
    """Mean MS-SSIM of pairs of real images: the value that the fakes should have."""

    name: ClassVar[str] = "ms_ssim_real"
    needs: ClassVar[dict] = {"real": ("images",), "fake": ()}
    scores: ClassVar[dict] = {"ms_ssim_real": None}
    enough: ClassVar[dict] = {"real": 200}

    def __call__(self, real, fake):
        return {"ms_ssim_real": self._mean(real.images)}
