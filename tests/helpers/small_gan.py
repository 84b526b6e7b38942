"""A GAN on images of 4 x 4, its batches, and what tells of it what it did."""

import functools

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf import latents, optimizers
from compare_gan_tf.architectures import mlp
from compare_gan_tf.augment import Augmentation
from compare_gan_tf.gan import GAN
from compare_gan_tf.layers import batch_norm, no_norm, spectral_norm
from compare_gan_tf.objectives import Adversarial

BATCH = 6


def make(objectives=None, *, d_norm=no_norm, rates=(0.1, 0.1), **settings):
    keras.utils.set_random_seed(0)
    defaults = dict(
        generator=functools.partial(mlp.generator, units=5, depth=1, norm=batch_norm),
        discriminator=functools.partial(
            mlp.discriminator, units=5, depth=1, norm=d_norm, kernel_norm=spectral_norm
        ),
        objectives=objectives or [Adversarial()],
        latents=latents.Normal(3),
        g_optimizer=optimizers.sgd(learning_rate=rates[0]),
        d_optimizer=optimizers.sgd(learning_rate=rates[1]),
    )
    shape = settings.pop("sample_shape", (4, 4, 1))
    return GAN(shape, 3, seed=1, **defaults | settings)


def batch(gan, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, [BATCH, gan.slices, 4, 4, 1]).astype(np.uint8)
    labels = rng.integers(0, 3, [BATCH, gan.slices]).astype(np.int32)
    return tf.constant(images), tf.constant(labels)


def values(model, trainable=None):
    chosen = [v for v in model.variables if trainable is None or v.trainable == trainable]
    return [v.numpy() for v in chosen]


def moved(before, after):
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


class Counter:
    """Counts the passes of a discriminator and the images in them."""

    def __init__(self, model):
        self.model, self.passes = model, []

    def __getattr__(self, name):
        return getattr(self.model, name)

    def __call__(self, inputs, training):
        self.passes.append(int(inputs["images"].shape[0]))
        return self.model(inputs, training=training)


class Brighten(Augmentation):
    """An augmentation that notes what it is asked."""

    def __init__(self):
        super().__init__()
        self.tags, self.seen, self.shape = [], [], None

    def check(self, sample_shape):
        self.shape = sample_shape

    def call(self, images, noise, tag):
        self.tags.append(tag)
        return images * 2.0 + noise.uniform(tag, [images.shape[0], 1, 1, 1])

    def update(self, real_logits, gather):
        self.seen.append(real_logits)
