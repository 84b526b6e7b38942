"""An extractor that needs no training and no download: a convolutional network of random weights.

Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, 2020, take features of
a network with random weights where the images are far from ImageNet: no class of photographs is
preferred. This network is smaller than theirs, takes images of every size, and has the same weights
on every machine.

Layers: `WIDTHS` convolutions of 3x3 pixels without bias, each followed by ReLU and the mean of 2x2
pixels. The features are the means over the four quarters of what results, 4 x 64 numbers.

Weights: uniform in +-sqrt(6 / fan-in), which has the variance 2 / fan-in of He et al., Delving Deep
into Rectifiers, 2015, eq. 10. Number i of them, in the order of the layers and of their axes
[height, width, in, out], is made of the upper 24 bits k of number i of the stream of Philox 4x64-10
(Salmon et al., 2011) with the seed as key: 2 (k + 1/2) / 2^24 - 1 times the bound, in float64, then
rounded to float32. So they are the same to the last bit wherever there is numpy.
"""

import functools
import hashlib

import gin
import numpy as np
import tensorflow as tf

from compare_gan_tf.metrics.extractors import NetworkFeatures
from compare_gan_tf.metrics.model_files import Network
from compare_gan_tf.metrics.replicated import replicated
from compare_gan_tf.metrics.scalings import symmetric_scaling
from compare_gan_tf.settings.signatures import Index, checked

CHANNELS, WIDTHS = 3, (32, 64, 64)


@gin.configurable(module="features")
@checked
def untrained_network(seed: Index = 0) -> NetworkFeatures:
    """Features of a network with random weights, for images of any size, grey or of 3 channels.

    Such features tell how alike two sets of images are, but know nothing of what they show: where
    a trained network fits the data, take that one. Scores of other seeds are another protocol.

    Args:
      seed: of the weights.
    """
    return NetworkFeatures(f"untrained-{seed}", _network(seed), None, symmetric_scaling())


def weights(seed: int) -> list[np.ndarray]:
    """The kernels of all layers, float32 [3, 3, in, out]; see the module's text."""
    shapes = [(3, 3, *pair) for pair in zip((CHANNELS, *WIDTHS), WIDTHS, strict=False)]
    sizes = [int(np.prod(shape)) for shape in shapes]
    bits = np.random.Philox(key=seed).random_raw(sum(sizes)) >> np.uint64(40)
    units = (bits + 0.5) * 2.0**-23 - 1.0
    parts = np.split(units, np.cumsum(sizes)[:-1])
    bounds = [np.sqrt(6.0 / np.prod(shape[:3])) for shape in shapes]
    return [
        (bound * part).astype(np.float32).reshape(shape)
        for bound, part, shape in zip(bounds, parts, shapes, strict=True)
    ]


@functools.cache
def _network(seed: int) -> Network:
    kernels = weights(seed)
    digest = hashlib.sha256(b"".join(kernel.astype("<f4").tobytes() for kernel in kernels))
    kernels = [tf.constant(kernel) for kernel in kernels]

    @replicated
    def forward(inputs):
        maps = inputs["images"]
        for kernel in kernels:
            maps = tf.nn.relu(tf.nn.conv2d(maps, kernel, 1, "SAME"))
            maps = tf.nn.avg_pool2d(maps, 2, 2, "SAME")
        return tf.concat([_mean(part) for half in _halves(maps, 1) for part in _halves(half, 2)], 1)

    def run(images):
        return forward({"images": tf.constant(images, tf.float32)}).numpy(), None

    return Network(run, (None, None, CHANNELS), digest.hexdigest())


def _halves(maps, axis: int) -> list:
    """The first and the second half of [n, H, W, C] along an axis; both have a middle row."""
    size = tf.shape(maps)[axis]
    first, second = tf.range((size + 1) // 2), tf.range(size // 2, size)
    return [tf.gather(maps, rows, axis=axis) for rows in (first, second)]


def _mean(maps):
    return tf.reduce_mean(maps, axis=(1, 2))
