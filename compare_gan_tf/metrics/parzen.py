"""Log-likelihood of real samples under a Parzen window estimate from the fakes.

Breuleux, Bengio and Vincent, Quickly generating representative samples from an RBM-derived
process, 2011; of GANs: Goodfellow et al., Generative adversarial nets, 2014, section 5, table 1:

    log p(x) = log 1/n sum_i N(x; fake_i, sigma^2 I)

Numpy and float64 only.
"""

import dataclasses
from collections.abc import Iterable
from typing import Annotated, ClassVar

import gin
import numpy as np

from compare_gan_tf.metrics import estimates
from compare_gan_tf.metrics.base import (
    Collected,
    Metric,
    Rows,
    UndefinedScore,
    check_rows,
)
from compare_gan_tf.settings.signatures import Count, Number, Several

SIGMAS = tuple(float(sigma) for sigma in np.logspace(-1, 0, 10))
_CHUNK = 512  # rows of either side whose distances are in memory at once


def log_likelihood(points: np.ndarray, chunks: Iterable[np.ndarray], sigmas) -> np.ndarray:
    """log p of points, in nats, for each width of the window.

    Args:
      points: [m, d].
      chunks: rows [<= c, d] of the n samples whose windows are summed; the sum is a running one.
      sigmas: [s] > 0, in the units of the points.

    Returns:
      float64 [s, m].

    Raises:
      UndefinedScore: there are no samples.
    """
    points = np.asarray(points, np.float64)
    scales = -0.5 / np.square(np.asarray(sigmas, np.float64))
    total, count = np.full((len(scales), len(points)), -np.inf), 0
    for chunk in chunks:
        chunk = np.asarray(chunk, np.float64)
        origin = chunk[0]  # an offset that all share would cost digits
        x, y = points - origin, chunk - origin
        squared = np.maximum((x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T, 0.0)
        for index, scale in enumerate(scales):
            nearest = squared.min(axis=1)
            part = np.log(np.exp(scale * (squared - nearest[:, None])).sum(1)) + scale * nearest
            total[index] = np.logaddexp(total[index], part)
        count += len(chunk)
    if not count:
        raise UndefinedScore("a Parzen window estimate needs at least 1 sample")
    normaliser = points.shape[1] * np.log(np.asarray(sigmas, np.float64) * np.sqrt(2 * np.pi))
    return total - np.log(count) - normaliser[:, None]


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Parzen(Metric):
    """Mean Parzen log-likelihood of the real features, in nats per sample.

    The first `validation` real samples, or half of all if that is fewer, choose the width from
    `sigmas` by maximum likelihood; the others are scored. `sigmas` has the units of the features;
    the default is that of Goodfellow et al. for pixels in [0, 1], see `PixelParzen`. `parzen_sigma`
    is the chosen width: at an end of `sigmas` the best width lies outside.

    The interval is that of a mean over the scored samples, as the published standard error; it does
    not include the spread of the fakes.

    Attributes:
      sigmas: candidates for the width of the window.
      validation: number of real samples that choose the width.
      fakes: largest number of fakes; published: 10,000.
    """

    name: ClassVar[str] = "parzen"
    needs: ClassVar[dict] = {"real": ("features",), "fake": ("features",)}
    scores: ClassVar[dict] = {"parzen": True, "parzen_sigma": None}
    enough: ClassVar[dict] = {"fake": 10_000}

    sigmas: Annotated[tuple[float, ...], Several(Number(above=0))] = SIGMAS
    validation: Count = 1_000
    fakes: Count = 10_000

    def rows(self, side: Collected) -> Rows:
        return side.features

    def prepare(self, rows: np.ndarray) -> np.ndarray:
        """Rows as they are collected -> [n, d] in the units of `sigmas`."""
        return rows

    def __call__(self, real, fake):
        real_rows, fake_rows = self.rows(real), self.rows(fake)
        check_rows(real_rows, least=4, what="real samples")
        check_rows(fake_rows, least=1, what="fakes")
        chosen = min(self.validation, len(real_rows) // 2)
        likelihood = self._between(real_rows, 0, chosen, fake_rows, self.sigmas)
        sigma = self.sigmas[int(np.argmax(likelihood.mean(axis=1)))]
        (values,) = self._between(real_rows, chosen, len(real_rows), fake_rows, (sigma,))
        prefix = self.name
        return {
            prefix: estimates.mean(values),
            f"{prefix}_sigma": estimates.Score(sigma),
        }

    def _between(self, real: Rows, start: int, stop: int, fake: Rows, sigmas) -> np.ndarray:
        """log p float64 [s, stop - start] of the real rows start, ..., stop - 1."""
        parts = []
        for begin in range(start, stop, _CHUNK):
            points = self.prepare(real.between(begin, min(begin + _CHUNK, stop)))
            parts.append(log_likelihood(points, self._fakes(fake), sigmas))
        return np.concatenate(parts, axis=1)

    def _fakes(self, fake: Rows):
        count = min(self.fakes, len(fake))
        for start in range(0, count, _CHUNK):
            yield self.prepare(fake.between(start, min(start + _CHUNK, count)))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class PixelParzen(Parzen):
    """Parzen log-likelihood of pixels in [0, 1], as in table 1 of Goodfellow et al., 2014."""

    name: ClassVar[str] = "pixel_parzen"
    needs: ClassVar[dict] = {"real": ("images",), "fake": ("images",)}
    scores: ClassVar[dict] = {"pixel_parzen": True, "pixel_parzen_sigma": None}

    def rows(self, side):
        return side.images

    def prepare(self, rows):
        return rows.reshape(len(rows), -1) / 255
