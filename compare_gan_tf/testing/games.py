"""A small GAN that any objective fits, and batches for it."""

__all__ = ["random_batch", "small_gan"]

import functools

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf import latents, optimizers
from compare_gan_tf.architectures import mlp
from compare_gan_tf.architectures.conditioning import Concatenation
from compare_gan_tf.architectures.predicted_projection import PredictedProjection
from compare_gan_tf.gan import GAN
from compare_gan_tf.layers import batch_norm, no_norm, spectral_norm
from compare_gan_tf.objectives import LabelPrediction, Objective

BATCH, CLASSES, SHAPE = 8, 3, (4, 4, 1)


def sgd(learning_rate: float = 0.02):
    """SGD, which shows gradients of a wrong scale; Adam would hide them."""
    return optimizers.sgd(learning_rate=learning_rate)


def small_gan(
    objectives,
    sample_shape=SHAPE,
    num_classes=CLASSES,
    optimizer=sgd,
    d_norm=no_norm,
    kernel_norm=spectral_norm,
    **settings,
) -> GAN:
    """A conditional GAN with one hidden layer per player, and latents with codes.

    Both players have state: G batch statistics, D vectors of spectral norm. D has the outputs that
    the objectives read.

    Args:
      objectives: a list of objectives.
      sample_shape: (height, width, channels).
      num_classes: of its labels.
      optimizer: function without arguments that makes the optimiser of a player.
      d_norm, kernel_norm: of D, see `layers`; a D with batch norm takes no lazy objectives.
      **settings: settings of `GAN` that replace the ones here.
    """
    player = {"units": 6, "depth": 1}
    read = {name for o in objectives if isinstance(o, Objective) for name in o.reads}
    read -= {"class_logits"}  # an output of its conditioning
    defaults = dict(
        seed=5,
        conditional=True,
        generator=functools.partial(mlp.generator, norm=batch_norm, **player),
        discriminator=functools.partial(
            functools.partial(_with_outputs, read) if read else mlp.discriminator,
            norm=d_norm,
            kernel_norm=kernel_norm,
            conditioning=(
                PredictedProjection() if _any(objectives, LabelPrediction) else Concatenation()
            ),
            **player,
        ),
        objectives=objectives,
        latents=latents.Coded(latents.Normal(3), (3, 2), 1),
        g_optimizer=optimizer(),
        d_optimizer=optimizer(),
        ema_decay=0.5,
    )
    return GAN(sample_shape, num_classes, **defaults | settings)


def random_batch(gan: GAN, rng: np.random.Generator):
    """A batch for `gan.train_step` with 8 samples per update; some labels are -1 (unlabelled).

    Returns:
      images uint8 [8, slices, ...], labels int32 [8, slices].
    """
    images = rng.integers(0, 256, [BATCH, gan.slices, *gan.sample_shape]).astype("uint8")
    labels = rng.integers(-1, gan.num_classes or 1, [BATCH, gan.slices]).astype("int32")
    return tf.constant(images), tf.constant(labels)


def _any(objectives, kind: type) -> bool:
    return any(isinstance(objective, kind) for objective in objectives)


def _with_outputs(names, sample_shape, num_classes=None, **options):
    """A discriminator with further outputs, such as `local_features`: maps, unless named here."""
    model = mlp.discriminator(sample_shape, num_classes, **options)
    images = model.input["images"]
    made = {
        "patches": lambda: keras.layers.Dense(5, name="patches")(model.output["features"]),
        "seen": lambda: keras.layers.Identity(name="seen")(images),
    }

    def maps():
        # Biases of 1, so that every position has a map above 0. Else the head's units would be at
        # the kink of their ReLU, and rounding would decide the side.
        return keras.layers.Conv2D(6, 2, 2, bias_initializer="ones")(images)

    outputs = {name: made.get(name, maps)() for name in sorted(names)}
    return keras.Model(model.input, {**model.output, **outputs}, name=model.name)
