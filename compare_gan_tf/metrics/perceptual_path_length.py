"""Perceptual path length: the change of an image over a short step between two latents.

Karras et al., A style-based generator architecture for GANs, 2019, section 4.1, in z:

    E[ d(G(path(z1, z2, t)), G(path(z1, z2, t + eps))) / eps^2 ],  t uniform

Images stay floats: rounding to 8 bits with eps = 1e-4 would raise the result more than tenfold.
"""

import dataclasses
from collections.abc import Callable
from typing import Annotated, ClassVar

import gin
import numpy as np

from compare_gan_tf.metrics.base import UndefinedScore, labels_of_fakes
from compare_gan_tf.metrics.intervals import BLOCKS, Jackknifed, Replicates, block_of
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Count, Function, Index, Number

_DISTANCE = "PerceptualPathLength.distance"
_LIKE = "a function of two batches of images such as @mean_squared_pixels"
Distance = Annotated[Callable, Function(0, 0, like=_LIKE)]
Interpolate = Annotated[Callable, Function(0, 0, 0, like="a function such as @slerp")]


@gin.configurable(module="metrics")
def lerp(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Linear interpolation of latents [n, d] with shares [n, 1] of the second -> [n, d]."""
    return first + share * (second - first)


@gin.configurable(module="metrics")
def slerp(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Spherical interpolation, for latents of nearly equal length such as normal ones.

    Shoemake, Animating rotation with quaternion curves, 1985. Parallel latents are interpolated
    linearly.
    """
    lengths = [np.linalg.norm(z, axis=1, keepdims=True) for z in (first, second)]
    cosine = np.sum(first * second, axis=1, keepdims=True) / np.maximum(np.prod(lengths, 0), 1e-30)
    angle = np.arccos(np.clip(cosine, -1, 1))
    sine = np.sin(angle)
    flat = sine < 1e-9
    sine = np.where(flat, 1.0, sine)
    weights = np.sin((1 - share) * angle) / sine, np.sin(share * angle) / sine
    return np.where(flat, lerp(first, second, share), weights[0] * first + weights[1] * second)


@gin.configurable(module="metrics")
def mean_squared_pixels(first, second) -> np.ndarray:
    """Mean squared difference of images [n, H, W, C] in [-1, 1], float64 [n]."""
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return np.mean(difference.reshape(len(difference), -1) ** 2, axis=1)


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True)
class SquaredFeatures:
    """Squared Euclidean distance of features; LPIPS is a squared distance, too.

    Attributes:
      features: float images [n, H, W, C] in [-1, 1] -> [n, d]. The package's extractors take uint8
        images, as scores need them, and do not serve here.
    """

    features: Callable

    def __call__(self, first, second) -> np.ndarray:
        """Float64 [n], of two batches of images."""
        difference = np.asarray(self.features(first), np.float64)
        difference = difference - np.asarray(self.features(second), np.float64)
        return np.sum(difference.reshape(len(difference), -1) ** 2, axis=1)


def trimmed_mean(values: np.ndarray, trim: float) -> float:
    """Mean of the values between the quantiles trim and 1 - trim, both included.

    The lower quantile is rounded down to a value, the upper one up, as in the reference.
    """
    low = np.quantile(values, trim, method="lower")
    high = np.quantile(values, 1 - trim, method="higher")
    return float(values[(low <= values) & (values <= high)].mean())


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class PerceptualPathLength(Jackknifed):
    """Mean distance of images at a step of `epsilon` on a path between latents, over epsilon^2.

    Both ends of a path have the same label, drawn from those of the fakes. Extreme values are left
    out. The interval is that of the jackknife over the paths.

    Attributes:
      paths: number of paths.
      epsilon: length of the step, as a share of the path.
      interpolate: `lerp`, or `slerp` for normal latents.
      distance: (float32 images in [-1, 1], float32 images) -> [n], quadratic in the difference; the
        published numbers use LPIPS with VGG16.
      trim: share of the values that is left out at each end.
      batch_size: number of images in one pass of G.
      seed: of latents, places and labels.
    """

    name: ClassVar[str] = "ppl"
    needs: ClassVar[dict] = {"real": (), "fake": ("generate", "latents")}
    wants: ClassVar[dict] = {"fake": ("labels",)}
    scores: ClassVar[dict] = {"ppl": False}

    paths: Annotated[int, Number(least=2 * BLOCKS, whole=True)] = 10_000
    epsilon: Annotated[float, Number(above=0, below=1)] = 1e-4
    interpolate: Interpolate = lerp
    distance: Distance = mean_squared_pixels
    trim: Annotated[float, Number(least=0, below=0.5)] = 0.01
    batch_size: Count = 64
    seed: Index = 0

    def __post_init__(self):
        super().__post_init__()
        name, like = "PerceptualPathLength.interpolate", "a function such as @slerp"
        ends, share = np.zeros([2, 3]), np.zeros([2, 1])
        found = kinds.tried(name, self.interpolate, ends, ends, share, like=like)
        kinds.require_shape(name, self.interpolate, found, (2, 3), like=like)

    def replicates(self, real, fake):
        values = self._values(fake)
        if not np.isfinite(values).all():
            raise UndefinedScore("a distance between images on a path is not finite")
        owner = block_of(np.arange(len(values)))
        without = [trimmed_mean(values[owner != block], self.trim) for block in range(BLOCKS)]
        return {"ppl": Replicates(trimmed_mean(values, self.trim), np.array(without))}

    def _values(self, fake) -> np.ndarray:
        """Squared lengths float64 [paths]."""
        latents = np.asarray(fake.latents(2 * self.paths, self.seed), np.float64)
        ends = latents[: self.paths], latents[self.paths :]
        rng = np.random.default_rng(self.seed)
        share = rng.random((self.paths, 1)) * (1 - self.epsilon)
        labels = labels_of_fakes(fake, self.paths, rng)
        found = []
        for start in range(0, self.paths, self.batch_size):
            part = slice(start, start + self.batch_size)
            images = []
            for t in (share[part], share[part] + self.epsilon):
                z = self.interpolate(ends[0][part], ends[1][part], t).astype(np.float32)
                images.append(fake.generate(z, None if labels is None else labels[part]))
            if not found:
                self._try_distance(images[0])
            found.append(np.asarray(self.distance(*images), np.float64))
        return np.concatenate(found) / self.epsilon**2

    def _try_distance(self, images) -> None:
        found = kinds.tried(_DISTANCE, self.distance, images, images, like=_LIKE)
        kinds.require_shape(_DISTANCE, self.distance, found, (len(images),), like=_LIKE)
