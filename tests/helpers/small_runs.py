"""The model of a small run."""

import functools

from compare_gan_tf import latents, optimizers
from compare_gan_tf.architectures import mlp
from compare_gan_tf.gan import GAN
from compare_gan_tf.layers import batch_norm, spectral_norm
from compare_gan_tf.objectives import (
    Adversarial,
    GradientPenalty,
)


def usual_objectives():
    return [Adversarial(), GradientPenalty(weight=0.1)]


def model(sample_shape, num_classes, seed, rate=1e-2, **settings):
    """A small GAN with every kind of state: slots, statistics, vectors, an average."""
    generator = functools.partial(mlp.generator, units=8, depth=1, norm=batch_norm)
    settings = {"generator": generator, "ema_decay": 0.9, **settings}
    settings = {"objectives": usual_objectives(), **settings}
    return GAN(
        sample_shape,
        num_classes,
        seed,
        conditional=True,
        discriminator=functools.partial(
            mlp.discriminator, units=8, depth=2, kernel_norm=spectral_norm
        ),
        latents=latents.Normal(4),
        g_optimizer=optimizers.adam(learning_rate=rate),
        d_optimizer=optimizers.adam(learning_rate=rate),
        d_steps=2,
        **settings,
    )
