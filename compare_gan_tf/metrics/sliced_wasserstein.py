"""Sliced Wasserstein distances of features, and of patches at each scale of a Laplacian pyramid.

Rabin et al., Wasserstein barycenter and its application to texture mixing, 2011; of patches:
Karras et al., Progressive growing of GANs, 2018, section 5. Numpy only.
"""

import dataclasses
from typing import ClassVar

import gin
import numpy as np

from compare_gan_tf.metrics.base import Rows, UndefinedScore, check_features
from compare_gan_tf.metrics.intervals import BLOCKS, Jackknifed, Replicates, block_of, has_interval
from compare_gan_tf.metrics.laplacian_pyramid import PATCH, laplacian_pyramid, patches
from compare_gan_tf.settings.signatures import Count, Index

_JACKKNIFED = 32  # axes on which the effect of leaving a block out is measured
_IMAGES = 128  # whose pyramids are in memory at once
_BYTES = 64 << 20  # of the projections that are sorted at once


def directions(number: int, dimension: int, seed) -> np.ndarray:
    """Unit vectors float64 [number, dimension], uniform on the sphere."""
    found = np.random.default_rng(seed).standard_normal((number, dimension))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def _projected(rows: Rows, axes: np.ndarray) -> np.ndarray:
    """float32 [number of axes, n]."""
    found = np.empty((len(axes), len(rows)), np.float32)
    start = 0
    for chunk in rows.chunks(8192):
        found[:, start : start + len(chunk)] = axes @ chunk.T.astype(np.float64)
        start += len(chunk)
    return found


def _distance(real: np.ndarray, fake: np.ndarray, power: int) -> float:
    """W_p^p of two sets of n points on a line, both ascending [n]."""
    return (np.abs(real.astype(np.float64) - fake) ** power).mean()


def _distances_without_blocks(
    real: np.ndarray, fake: np.ndarray, owner: np.ndarray, power: int
) -> np.ndarray:
    """The distances of lines [n] without the points of each block, float64 [BLOCKS]."""
    orders = [np.argsort(line) for line in (real, fake)]
    values, owners = (real[orders[0]], fake[orders[1]]), [owner[order] for order in orders]
    return np.array(
        [
            _distance(*(v[o != block] for v, o in zip(values, owners, strict=True)), power)
            for block in range(BLOCKS)
        ]
    )


def sliced_wasserstein(
    real, fake, axes: np.ndarray, per_sample: int = 1, power: int = 1
) -> Replicates:
    """Mean over the axes of the Wasserstein distance W_p^p between projections.

    The first axes alone give the changes without each block of samples.

    Args:
      real: Rows [n, d], or another object with `chunks`.
      fake: [n, d], likewise.
      axes: [k, d].
      per_sample: consecutive rows that come from one sample.
      power: p, 1 for the distance itself and 2 for the squared Wasserstein-2 distance.

    Returns:
      The distance; without blocks if there are too few samples.
    """
    owner = block_of(np.arange(len(real)) // per_sample)
    blocks = has_interval(len(real) // per_sample)
    group = max(1, _BYTES // (8 * len(real)))
    distances, changes = [], []
    for start in range(0, len(axes), group):
        lines = [_projected(side, axes[start : start + group]) for side in (real, fake)]
        for one, other in zip(*lines, strict=True):
            distances.append(_distance(np.sort(one), np.sort(other), power))
            if blocks and len(changes) < _JACKKNIFED:
                without = _distances_without_blocks(one, other, owner, power)
                changes.append(without - distances[-1])
    value = float(np.mean(distances))
    return Replicates(value, value + np.mean(changes, axis=0) if blocks else None)


def _common(real: Rows, fake: Rows, most: int | None = None) -> int:
    """Number of samples of either side that are compared."""
    count = min(len(real), len(fake), most or len(real))
    if not count:
        raise UndefinedScore("a sliced Wasserstein distance needs samples of both sides")
    return count


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureSlicedWasserstein(Jackknifed):
    """Mean Wasserstein-1 distance of random one-dimensional projections of the features.

    Both sides need equally many samples: only the first rows of the larger one are used.

    Attributes:
      projections: random directions.
      seed: of the directions.
    """

    name: ClassVar[str] = "feature_swd"
    needs: ClassVar[dict] = {"real": ("features",), "fake": ("features",)}
    scores: ClassVar[dict] = {"feature_swd": False}

    projections: Count = 512
    seed: Index = 0

    def replicates(self, real, fake):
        sides = _sides(real, fake)
        axes = directions(self.projections, real.features.shape[1], self.seed)
        return {"feature_swd": sliced_wasserstein(*sides, axes)}


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Mind(Jackknifed):
    """Monge Inception Distance: 3 d times the sliced squared Wasserstein-2 distance; 0 is best.

    Berthet et al., MIND: Monge Inception Distance for Generative Models Evaluation, 2026. With d
    features, the mean over random directions u of the mean squared difference of the sorted
    projections u.x and u.y, times 3 d. A shift of all fakes by s gives 3 |s|^2.

    Both sides need equally many samples: only the first rows of the larger one are used. A finite
    number of projections adds noise, but no bias.

    Attributes:
      projections: random directions.
      seed: of the directions.
    """

    name: ClassVar[str] = "mind"
    needs: ClassVar[dict] = {"real": ("features",), "fake": ("features",)}
    scores: ClassVar[dict] = {"mind": False}
    enough: ClassVar[dict] = {"real": 5_000, "fake": 5_000}

    projections: Count = 1_000
    seed: Index = 0

    def replicates(self, real, fake):
        sides = _sides(real, fake)
        columns = real.features.shape[1]
        axes = directions(self.projections, columns, self.seed)
        found = sliced_wasserstein(*sides, axes, power=2)
        return {"mind": _scaled(found, 3.0 * columns)}


def _sides(real, fake) -> "list[_First]":
    """As many features of the reals as of the fakes; raises UndefinedScore."""
    count = _common(real.features, fake.features)
    check_features(real, fake, least=count)
    return [_First(side.features, count) for side in (real, fake)]


def _scaled(found: Replicates, factor: float) -> Replicates:
    without = found.left_out
    return Replicates(factor * found.value, None if without is None else factor * without)


class _First:
    """The first `count` rows of Rows, to be read in chunks."""

    def __init__(self, rows: Rows, count: int):
        self._rows, self._count = rows, count

    def __len__(self):
        return self._count

    def chunks(self, size):
        for start in range(0, self._count, size):
            yield self._rows.between(start, min(start + size, self._count))


class _Patches:
    """Patches of the first `count` images of one side, by scale."""

    def __init__(self, images: Rows, count: int, number: int, seed: int):
        self.levels: list[Rows] = []
        self._sums, generators = [], []  # of each scale: [sum, sum of squares] of each channel
        for chunk in _First(images, count).chunks(_IMAGES):
            pyramid = laplacian_pyramid(chunk)
            if not self.levels:
                generators = [np.random.default_rng([seed, i]) for i in range(len(pyramid))]
                self.levels = [Rows() for _ in pyramid]
                self._sums = [np.zeros((2, chunk.shape[-1])) for _ in pyramid]
            for level, images_of_level in enumerate(pyramid):
                found = patches(images_of_level, number, generators[level])
                wide = found.astype(np.float64)
                self._sums[level] += wide.sum(axis=(0, 1, 2)), (wide**2).sum(axis=(0, 1, 2))
                self.levels[level].append(found.reshape(len(found), -1))

    def normalised(self, level: int) -> "_Normalised":
        """The patches [n, 49 C] of a scale, with mean 0 and deviation 1 in each channel."""
        mean, square = self._sums[level] / (len(self.levels[level]) * PATCH**2)
        deviation = np.sqrt(np.maximum(square - mean**2, 0.0))
        if (deviation <= 1e-6 * np.sqrt(square)).any():
            raise UndefinedScore("the patches of a side have a colour channel without variance")
        tiled = np.tile(mean, PATCH**2), np.tile(deviation, PATCH**2)
        return _Normalised(self.levels[level], *tiled)


@dataclasses.dataclass(frozen=True)
class _Normalised:
    """Rows less their mean over their deviation, to be read in chunks."""

    rows: Rows
    mean: np.ndarray  # [d]
    deviation: np.ndarray  # [d]

    def __len__(self):
        return len(self.rows)

    @property
    def shape(self):
        return self.rows.shape

    def chunks(self, size):
        return ((chunk - self.mean) / self.deviation for chunk in self.rows.chunks(size))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class SlicedWasserstein(Jackknifed):
    """Sliced Wasserstein distance between patches of 7x7 pixels at each scale, times 1000.

    The patches of a side and scale are brought to mean 0 and deviation 1 in each colour channel.
    `swd` is the mean over the scales; `swd_finest` and `swd_coarsest` are those of the full
    resolution and of the blurred rest, of 16x16 pixels if the side is a power of two. An image
    that halving does not bring to 16 pixels or more has one scale, the image itself.

    Both sides need equally many images: of the larger one only the first are used. The
    interval is that of the jackknife, with the scaling of the whole.

    Attributes:
      images: at most, of either side.
      patches: of each image and scale, at places that are the same for both sides.
      projections: random directions of each scale, the paper's 4 x 128.
      seed: of places and directions; the places depend on the order of the images.
    """

    name: ClassVar[str] = "swd"
    needs: ClassVar[dict] = {"real": ("images",), "fake": ("images",)}
    scores: ClassVar[dict] = {"swd": False, "swd_finest": False, "swd_coarsest": False}
    enough: ClassVar[dict] = {"real": 16_384, "fake": 16_384}

    images: Count = 16_384
    patches: Count = 128
    projections: Count = 512
    seed: Index = 0

    def replicates(self, real, fake):
        if real.images.shape[1:] != fake.images.shape[1:]:
            raise UndefinedScore(
                f"real images are {real.images.shape[1:]}, fakes {fake.images.shape[1:]}"
            )
        if min(fake.images.shape[1:3]) < PATCH:
            raise UndefinedScore(f"images of {fake.images.shape[1:]} have no patches of {PATCH}x7")
        count = _common(real.images, fake.images, self.images)
        sides = [_Patches(side.images, count, self.patches, self.seed) for side in (real, fake)]
        scales = [self._scale(*sides, level) for level in range(len(sides[0].levels))]
        return {"swd": _mean(scales), "swd_finest": scales[0], "swd_coarsest": scales[-1]}

    def _scale(self, real: "_Patches", fake: "_Patches", level: int) -> Replicates:
        sides = [side.normalised(level) for side in (real, fake)]
        axes = directions(self.projections, sides[0].shape[1], [self.seed, level, 1])
        return _scaled(sliced_wasserstein(*sides, axes, self.patches), 1e3)


def _mean(scales: list[Replicates]) -> Replicates:
    """The mean of replicates with equally many blocks."""
    without = [scale.left_out for scale in scales]
    value = float(np.mean([scale.value for scale in scales]))
    return Replicates(value, None if without[0] is None else np.mean(without, axis=0))
