"""Convex polygons, a manifold that is known: what a GAN drew can be measured against it.

After Lucic et al., Are GANs created equal? (2018), who defined precision and recall by the distance
to a manifold of polygons: vertices on a circle no two nearer than an angle, centred, and
rasterised in grey. A polygon of k vertices has k degrees of freedom, its angles. The middle of its
bounding box is the middle of the image, so that none is cut; the ancestor centred the mean.
"""

import dataclasses
import functools

import numpy as np

SIZES = {"train": 60_000, "validation": 10_000, "test": 10_000}
_BLOCK = 512  # polygons drawn at a time
_BANK = 4_096  # polygons that a search starts from
_STARTS = 3  # of them that are refined
_STEPS = 12  # of Levenberg and Marquardt's method
_NUDGE = 1e-3  # radians, of finite differences


@dataclasses.dataclass(frozen=True)
class Polygons:
    """The set of all images of such polygons.

    Attributes:
      vertices: 3 for triangles.
      side: of the images, in pixels.
      radius: of the circle, as a share of half the side.
      min_angle: between neighbouring vertices, in degrees.
      lines: to a row of pixels; along a line the area covered is exact.
    """

    vertices: int = 3
    side: int = 28
    radius: float = 0.75
    min_angle: float = 20.0
    lines: int = 8

    def sample(self, number: int, rng: np.random.Generator) -> np.ndarray:
        """Images uint8 [number, side, side, 1], white on black, of random polygons."""
        return self._to_uint8(self.draw(self.angles(number, rng)))

    def angles(self, number: int, rng: np.random.Generator) -> np.ndarray:
        """Angles of the vertices, ascending: float64 [number, vertices], in radians.

        They are uniform over all that are `min_angle` apart: what is left of the circle is divided
        by a flat Dirichlet distribution.
        """
        least = np.deg2rad(self.min_angle)
        free = 2 * np.pi - self.vertices * least
        gaps = least + free * rng.dirichlet(np.ones(self.vertices), size=number)
        return rng.uniform(0, 2 * np.pi, size=(number, 1)) + np.cumsum(gaps, axis=1)

    def draw(self, angles: np.ndarray) -> np.ndarray:
        """The share of each pixel that is inside, float64 [n, side, side] in [0, 1]."""
        blocks = [angles[i : i + _BLOCK] for i in range(0, len(angles), _BLOCK)]
        return np.concatenate([self._draw(block) for block in blocks])

    def _draw(self, angles: np.ndarray) -> np.ndarray:
        half = self.side / 2
        points = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * self.radius * half
        middle = (points.min(axis=1, keepdims=True) + points.max(axis=1, keepdims=True)) / 2
        points += half - middle  # [n, vertices, (x, y)], in pixels
        edges = np.roll(points, -1, axis=1) - points
        # Inside is to the left of every edge: dx (y - y0) - dy (x - x0) >= 0.
        (dx, dy), (x0, y0) = np.moveaxis(edges, -1, 0), np.moveaxis(points, -1, 0)
        heights = (np.arange(self.side * self.lines) + 0.5) / self.lines
        steep = np.where(np.abs(dy) < 1e-9, 1e-9, dy)
        cross = x0[:, None] + (dx / steep)[:, None] * (heights[:, None] - y0[:, None])
        left = np.where((steep < 0)[:, None], cross, -np.inf).max(axis=2)[..., None]
        right = np.where((steep > 0)[:, None], cross, np.inf).min(axis=2)[..., None]
        columns = np.arange(self.side)
        covered = np.minimum(right, columns + 1) - np.maximum(left, columns)
        covered = np.clip(covered, 0.0, 1.0)  # [n, side * lines, side]
        return covered.reshape(len(angles), self.side, self.lines, self.side).mean(axis=2)

    @staticmethod
    def _to_uint8(shares: np.ndarray) -> np.ndarray:
        return np.floor(shares * 255 + 0.5).astype(np.uint8)[..., None]

    # --- The distance to the manifold --------------------------------------------------------

    def distance(self, images: np.ndarray) -> np.ndarray:
        """Root mean square difference, in [0, 1], to the nearest polygon that is found.

        The search starts from the nearest of a fixed bank of polygons and goes downhill, so this
        is an upper bound of the distance to the manifold, and tight near it.

        Args:
          images: uint8 [n, side, side, 1].

        Returns:
          float64 [n].
        """
        pixels = images.reshape(len(images), -1) / 255
        return np.concatenate(
            [self._nearest(pixels[i : i + _BLOCK]) for i in range(0, len(pixels), _BLOCK)]
        )

    @functools.cached_property
    def _bank(self) -> tuple[np.ndarray, np.ndarray]:
        angles = self.angles(_BANK, np.random.default_rng(20180301))
        return angles, self.draw(angles).reshape(_BANK, -1)

    def _nearest(self, pixels: np.ndarray) -> np.ndarray:
        angles, bank = self._bank
        squared = (pixels**2).sum(1)[:, None] + (bank**2).sum(1) - 2 * pixels @ bank.T
        starts = np.argpartition(squared, _STARTS, axis=1)[:, :_STARTS]
        found = [self._descend(pixels, angles[starts[:, i]]) for i in range(_STARTS)]
        return np.sqrt(np.min(found, axis=0) / pixels.shape[1])

    def _descend(self, pixels: np.ndarray, angles: np.ndarray) -> np.ndarray:
        """Squared differences [n] after Levenberg and Marquardt's steps, all images at once."""
        damping = np.full(len(pixels), 1e-2)
        error = self._error(pixels, angles)
        best = (error**2).sum(1)
        for _ in range(_STEPS):
            slopes = self._slopes(angles)  # [n, vertices, pixels]
            square = slopes @ slopes.transpose(0, 2, 1)
            square += np.einsum(
                "n,ij->nij", damping * (1 + square.trace(axis1=1, axis2=2)), self._eye
            )
            step = np.linalg.solve(square, (slopes @ error[..., None]))[..., 0]
            tried = self._allowed(angles - np.clip(step, -0.5, 0.5))
            new_error = self._error(pixels, tried)
            new = (new_error**2).sum(1)
            better = new < best
            angles = np.where(better[:, None], tried, angles)
            error = np.where(better[:, None], new_error, error)
            best = np.where(better, new, best)
            damping = np.clip(np.where(better, damping / 5, damping * 5), 1e-9, 1e3)
        return best

    @property
    def _eye(self) -> np.ndarray:
        return np.eye(self.vertices)

    def _error(self, pixels, angles) -> np.ndarray:
        return self.draw(angles).reshape(pixels.shape) - pixels

    def _slopes(self, angles) -> np.ndarray:
        """Derivative of the pixels by each angle, by central differences."""
        moved = _NUDGE * self._eye
        sides = [
            self.draw((angles[:, None] + sign * moved).reshape(-1, self.vertices))
            for sign in (1, -1)
        ]
        return ((sides[0] - sides[1]) / (2 * _NUDGE)).reshape(*angles.shape, -1)

    def _allowed(self, angles) -> np.ndarray:
        """The angles with gaps of at least `min_angle`: what that adds comes off the others."""
        least = np.deg2rad(self.min_angle)
        following = np.concatenate([angles[:, 1:], angles[:, :1] + 2 * np.pi], axis=1)
        gaps = np.maximum(following - angles, least) - least
        free = 2 * np.pi - self.vertices * least
        gaps = least + gaps * (free / np.maximum(gaps.sum(axis=1, keepdims=True), 1e-9))
        later = np.cumsum(gaps, axis=1)[:, :-1]
        return np.concatenate([angles[:, :1], angles[:, :1] + later], axis=1)
