"""Points in the plane whose density is known exactly: what a GAN learned can be checked.

Ring and grid are the mixtures of Metz et al. (Unrolled GANs, 2017) and of Azadi et al. (2019).
"""

import abc
import dataclasses
from typing import Annotated

import gin
import numpy as np

from compare_gan_tf.settings.signatures import (
    Count,
    Made,
    NotNegative,
    Positive,
    check_fields,
    checked,
)

SIZES = {"train": 20_000, "validation": 5_000, "test": 5_000}


class Density(abc.ABC):
    """A density over R^2."""

    num_modes: int | None = None

    @abc.abstractmethod
    def log_prob(self, points: np.ndarray) -> np.ndarray:
        """Log density, float64 [n], in nats, of points [n, 2]."""

    @abc.abstractmethod
    def sample(self, num: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
        """Returns points float32 [num, 2] and, for mixtures, their components int32 [num]."""


@dataclasses.dataclass(frozen=True, eq=False)  # equal to itself alone, as its array is
class Mixture(Density):
    """Equal isotropic Gaussians: mean over k of N(x; modes[k], scale^2 I)."""

    modes: Annotated[np.ndarray, Made(len, like="one mode or more")]  # [K, 2]
    scale: Positive

    def __post_init__(self):
        check_fields(self)

    @property
    def num_modes(self) -> int:
        return len(self.modes)

    def log_prob(self, points):
        points = np.asarray(points, np.float64)
        squared = np.sum((points[:, None] - self.modes[None]) ** 2, axis=-1)
        exponents = -squared / (2 * self.scale**2)
        log_sum = np.logaddexp.reduce(exponents, axis=1)
        return log_sum - np.log(self.num_modes * 2 * np.pi * self.scale**2)

    def sample(self, num, rng):
        component = rng.integers(self.num_modes, size=num)
        points = self.modes[component] + self.scale * rng.standard_normal((num, 2))
        return points.astype(np.float32), component.astype(np.int32)


@dataclasses.dataclass(frozen=True)
class SwissRoll(Density):
    """A spiral r = t, t uniform on [start, stop], times `shrink`, plus N(0, scale^2 I)."""

    start: float = 1.5 * np.pi
    stop: float = 4.5 * np.pi
    shrink: float = 2.0 / 15.0
    scale: float = 0.05
    nodes: int = 2_000  # of the quadrature over t; the spacing is well under `scale`

    def _curve(self, t):
        return self.shrink * np.stack([t * np.cos(t), t * np.sin(t)], axis=-1)

    def log_prob(self, points):
        """Integrates the noise over the spiral by the midpoint rule, in blocks of points."""
        edges = np.linspace(self.start, self.stop, self.nodes + 1)
        curve = Mixture(self._curve((edges[:-1] + edges[1:]) / 2), self.scale)
        blocks = np.array_split(np.asarray(points, np.float64), max(1, len(points) // 1_000))
        return np.concatenate([curve.log_prob(block) for block in blocks])

    def sample(self, num, rng):
        curve = self._curve(rng.uniform(self.start, self.stop, size=num))
        points = curve + self.scale * rng.standard_normal((num, 2))
        return points.astype(np.float32), None


@gin.configurable(module="toy")
@checked
def gaussian(scale: Positive = 1.0) -> Mixture:
    """One Gaussian, N(0, scale^2 I)."""
    return Mixture(np.zeros((1, 2)), scale)


@gin.configurable(module="toy")
@checked
def gaussian_ring(
    num_modes: Count = 8, radius: NotNegative = 2.0, scale: Positive = 0.02
) -> Mixture:
    """`num_modes` Gaussians evenly on a circle."""
    angles = 2 * np.pi * np.arange(num_modes) / num_modes
    return Mixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1), scale)


@gin.configurable(module="toy")
@checked
def gaussian_grid(side: Count = 5, spacing: NotNegative = 1.0, scale: Positive = 0.05) -> Mixture:
    """side x side Gaussians on a square grid centred at 0."""
    axis = spacing * (np.arange(side) - (side - 1) / 2)
    return Mixture(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2), scale)


@gin.configurable(module="toy")
@checked
def gaussian_mixture(separation: NotNegative = 4.0, scale: Positive = 0.5) -> Mixture:
    """Two Gaussians at (-separation/2, 0) and (separation/2, 0)."""
    return Mixture(np.array([[-separation / 2, 0.0], [separation / 2, 0.0]]), scale)


def swiss_roll() -> SwissRoll:
    """A noisy spiral that fits in [-2, 2]^2."""
    return SwissRoll()
