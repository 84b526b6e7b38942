"""Fractal dimension of a set of samples: the growth rate of the number of neighbours in a ball.

A correlation dimension after Grassberger and Procaccia, Characterization of strange attractors,
1983, as compare_gan estimates it. Numpy and float64 only.
"""

import dataclasses
from typing import Annotated, ClassVar

import gin
import numpy as np

from compare_gan_tf.metrics.base import (
    Collected,
    Rows,
    UndefinedScore,
    check_rows,
)
from compare_gan_tf.metrics.intervals import BLOCKS, Jackknifed, Replicates, block_of
from compare_gan_tf.settings.signatures import Index, Number

_CHUNK = 1024


def distances(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Euclidean distances float64 [n, c]; those within rounding of 0 are 0."""
    rows, centres = (np.asarray(x, np.float64) for x in (rows, centres))
    lengths = (rows**2).sum(1)[:, None] + (centres**2).sum(1)
    squared = lengths - 2 * rows @ centres.T
    return np.sqrt(np.where(squared > 1e-13 * lengths, squared, 0.0))


def slope(counts: np.ndarray, radii: np.ndarray, least: float, most: float, width: float) -> float:
    """The slope of log N by log r in the middle of the range of log N.

    Args:
      counts: N [b], non-decreasing, of pairs nearer than each radius.
      radii: [b], ascending.
      least: of N, every centre with itself.
      most: of N, every centre with every sample.
      width: of the fitted part, to either side, as a share of the range of log N.

    Raises:
      UndefinedScore: fewer than two radii lie there.
    """
    low, high = np.log(least), np.log(most)
    middle, half = (low + high) / 2, width * (high - low)
    with np.errstate(divide="ignore"):
        y = np.log(counts)
    inside = slice(np.argmax(y > middle - half), np.argmax(y > middle + half))
    x, y = np.log(radii[inside]), y[inside]
    if len(x) < 2 or x[0] == x[-1]:
        raise UndefinedScore(
            "the numbers of neighbours jump: there is no range of radii to fit a dimension to"
        )
    x = x - x.mean()
    return float(x @ (y - y.mean()) / (x @ x))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class FractalDimension(Jackknifed):
    """Fractal dimension of the fakes' features, and of the reals' for reference.

    N(r) is the number of pairs of a centre, one of `centres` random samples, and a sample, itself
    included, with a distance below r. The radii r are a geometric grid from the smallest distance
    above 0 to the largest. The dimension is the slope of log N by log r around the middle of the
    range of log N. Duplicates and lost structure lower it; noise raises it.

    The interval is that of the jackknife over the centres.

    Attributes:
      centres: number of random samples; all if there are fewer.
      radii: number of radii.
      width: of the fitted part of log N, to either side of the middle, as a share of its range.
      seed: of the centres; which they are depends on the order of the samples.
    """

    name: ClassVar[str] = "fractal_dimension"
    needs: ClassVar[dict] = {"real": ("features",), "fake": ("features",)}
    scores: ClassVar[dict] = {"fractal_dimension": True, "fractal_dimension_real": None}

    centres: Annotated[int, Number(least=2 * BLOCKS, whole=True)] = 100
    radii: Annotated[int, Number(least=10, whole=True)] = 1_000
    width: Annotated[float, Number(above=0, below=0.5)] = 0.1
    seed: Index = 0

    def rows(self, side: Collected) -> Rows:
        return side.features

    def replicates(self, real, fake):
        return {
            self.name: self._dimension(self.rows(fake), "fakes"),
            f"{self.name}_real": self._dimension(self.rows(real), "real samples"),
        }

    def _dimension(self, rows: Rows, what: str) -> Replicates:
        check_rows(rows, least=2 * BLOCKS, what=what)
        count = min(self.centres, len(rows))
        chosen = np.random.default_rng(self.seed).permutation(len(rows))[:count]
        centres = rows.take(chosen).reshape(count, -1)
        radii = self._radii(rows, centres)
        counts = np.zeros((count, len(radii)))  # of each centre
        for chunk in rows.chunks(_CHUNK):
            ordered = np.sort(distances(chunk.reshape(len(chunk), -1), centres), axis=0)
            counts += [np.searchsorted(column, radii, side="left") for column in ordered.T]
        without = []
        for block in range(BLOCKS):
            rest = counts[block_of(np.arange(count)) != block]
            without.append(self._slope(rest, radii, len(rows)))
        return Replicates(self._slope(counts, radii, len(rows)), np.array(without))

    def _radii(self, rows: Rows, centres: np.ndarray) -> np.ndarray:
        least, most = np.inf, 0.0
        for chunk in rows.chunks(_CHUNK):
            found = distances(chunk.reshape(len(chunk), -1), centres)
            least = min(least, found[found > 0].min(initial=np.inf))
            most = max(most, found.max())
        if not most:
            raise UndefinedScore("all samples are equal: they have no dimension")
        return least * (most / least) ** np.linspace(0, 1, self.radii)[1:]

    def _slope(self, counts: np.ndarray, radii: np.ndarray, samples: int) -> float:
        centres = len(counts)
        return slope(counts.sum(axis=0), radii, centres, centres * samples, self.width)


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class PixelFractalDimension(FractalDimension):
    """Fractal dimension of the pixels, as in compare_gan."""

    name: ClassVar[str] = "pixel_fractal_dimension"
    needs: ClassVar[dict] = {"real": ("images",), "fake": ("images",)}
    scores: ClassVar[dict] = {
        "pixel_fractal_dimension": True,
        "pixel_fractal_dimension_real": None,
    }

    def rows(self, side):
        return side.images
