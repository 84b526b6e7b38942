"""The precision that a GAN's networks compute in: Keras' policies with float32 variables.

Variables, D's logits, losses, penalties, sums over batches, norms' moments, power iterations,
moving averages and samples are float32 in any precision.
"""

from typing import Annotated

import keras

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import loss_scale
from compare_gan_tf.settings import keras_insides
from compare_gan_tf.settings.signatures import OneOf

Precision = Annotated[str, OneOf("float32", "mixed_bfloat16", "mixed_float16")]
_LOWEST_FIRST = ("float16", "bfloat16", "float32", "float64")


def of(*models: keras.Model) -> str:
    """The lowest precision in which layers with weights compute, as the name of a Keras policy."""
    nested = [layer for model in models for layer in keras_insides.nested_layers(model)]
    layers = [one for one in nested if one.weights and not isinstance(one, keras.Model)]
    policies = {layer.compute_dtype: layer.dtype_policy.name for layer in layers}
    return next((policies[dtype] for dtype in _LOWEST_FIRST if dtype in policies), "float32")


def settle(gan, asked: str | None):
    """Sets the precision of a GAN, and the scales of its losses, from what its networks compute in.

    Args:
      gan: has both players; `precision`, `loss_scales` and its hyperparameter are set.
      asked: the precision that both players must have; None for any.

    Raises:
      UserError: one computes in another, such as a Keras model that was made before.
    """
    for name in ("generator", "discriminator"):
        found = of(getattr(gan, name))
        if asked not in (None, found):
            raise UserError(
                f"GAN.precision is {asked!r} but GAN.{name} computes in {found}: make its layers "
                f'with dtype="{asked}", or give a function that makes it'
            )
    gan.precision = of(gan.generator, gan.discriminator)
    gan.loss_scales = loss_scale.for_players(gan.precision)
    gan.hyperparameters = gan.hyperparameters | {"GAN.precision": gan.precision}
