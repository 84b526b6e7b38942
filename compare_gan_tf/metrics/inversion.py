"""Inversion of a generator: searches for the latents of given images by gradient descent in z."""

from collections.abc import Callable
from typing import Annotated

import gin
import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, UndefinedScore, check_rows
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Function

DISTANCE = "a function of two batches of images such as @mean_squared_difference"
Distance = Annotated[Callable, Function(0, 0, like=DISTANCE)]


@gin.configurable(module="metrics")
def mean_absolute_difference(first, second):
    """|x - y|_1 / (H W C), [n], of images [n, H, W, C]."""
    return tf.reduce_mean(tf.abs(first - second), [1, 2, 3])


@gin.configurable(module="metrics")
def mean_squared_difference(first, second):
    """|x - y|_2^2 / (H W C), [n], of images [n, H, W, C]."""
    return tf.reduce_mean(tf.square(first - second), [1, 2, 3])


def check_distance(name: str, distance: Callable, shape: tuple[int, ...]) -> None:
    """Tries a distance on images of a shape (H, W, C).

    Args:
      name: of the setting, for the message.
      distance: see `Inversion`.
      shape: of one image.

    Raises:
      UserError: it does not take them, does not make one number of each, or has no derivative.
    """
    images = tf.zeros([2, *shape])
    with tf.GradientTape() as tape:
        tape.watch(images)
        found = kinds.tried(name, distance, images, tf.zeros_like(images), like=DISTANCE)
    kinds.require_shape(name, distance, found, (2,), like=DISTANCE)
    if not tf.is_tensor(found) or tape.gradient(found, images) is None:
        raise UserError(
            f"{name} is {kinds.shown(distance)}, which has no derivative: it must be {DISTANCE}"
        )


class Inversion:
    """Searches for the z that minimises the distance of G(z) to an image.

    It runs Adam from several starts, with a linear decay of the learning rate to 0. The result is
    the smallest distance on the way: an upper bound of the minimum.

    Args:
      generate: (z, labels or None) -> float32 images [n, H, W, C], differentiable.
      distance: (images, images) -> [n], such as `mean_absolute_difference`.
      steps: of Adam from each start.
      learning_rate: of the first of them, in units of z.
    """

    def __init__(self, generate: Callable, distance: Callable, *, steps: int, learning_rate: float):
        self._generate, self._distance = generate, distance
        self._steps, self._learning_rate = steps, learning_rate
        self._step = tf.function(self._descend, reduce_retracing=True)

    def __call__(self, images, labels, starts) -> np.ndarray:
        """The smallest distances, float64 [n]; infinite if none is finite.

        Args:
          images: float32 [n, H, W, C].
          labels: int32 [n], or None.
          starts: [s, n, d], latents to start from.
        """
        images = tf.convert_to_tensor(images, tf.float32)
        labels = None if labels is None else tf.convert_to_tensor(labels, tf.int32)
        best = np.full(len(images), np.inf)
        for start in starts:
            z = tf.convert_to_tensor(start, tf.float32)
            moments = (tf.zeros_like(z), tf.zeros_like(z))
            for step in range(self._steps + 1):  # the last one only measures
                number = tf.constant(step, tf.float32)
                found, z, moments = self._step(z, moments, number, images, labels)
                best = np.fmin(best, found.numpy())
        return best

    def _descend(self, z, moments, step, images, labels):
        """Distances [n] at z, and z and Adam's moments after a step; `step` counts from 0."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(z)
            distances = self._distance(self._generate(z, labels), images)
        slope = tape.gradient(distances, z, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        first = 0.9 * moments[0] + 0.1 * slope
        second = 0.999 * moments[1] + 0.001 * tf.square(slope)
        rate = self._learning_rate * (1.0 - step / self._steps)
        rate *= tf.sqrt(1.0 - 0.999 ** (step + 1.0)) / (1.0 - 0.9 ** (step + 1.0))
        return distances, z - rate * first / (tf.sqrt(second) + 1e-8), (first, second)


def least_distances(
    search: Inversion,
    real: Collected,
    fake: Collected,
    *,
    count: int,
    starts: int,
    batch_size: int,
    seed: int,
    least: int = 1,
) -> np.ndarray:
    """The smallest distances found between G's images and the first images of a real set, [n].

    Args:
      search: of G's latents.
      real: has images, and labels if G takes them; G gets the label of the image.
      fake: has latents, and labels if G takes them.
      count: largest number of images.
      starts: number of initial latents for each image, drawn from the prior.
      batch_size: number of images in one search.
      seed: of the starts.
      least: smallest number of images.

    Raises:
      UndefinedScore: there are fewer, or G takes labels and the images have none.
    """
    check_rows(real.images, least=least, what="real images")
    conditional = fake.labels is not None
    if conditional and real.labels is None:
        raise UndefinedScore("G takes labels and the real images have none to search under")
    count = min(count, len(real.images))
    drawn = [np.asarray(fake.latents(count, seed + index)) for index in range(starts)]
    found = []
    for begin in range(0, count, batch_size):
        end = min(begin + batch_size, count)
        images = real.images.between(begin, end).astype(np.float32) / 127.5 - 1.0
        labels = real.labels.between(begin, end) if conditional else None
        found.append(search(images, labels, [z[begin:end] for z in drawn]))
    return np.concatenate(found)
