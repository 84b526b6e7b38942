"""Imports every module that registers names with gin, so that a config may use all of them."""

import importlib

MODULES = (
    "compare_gan_tf.architectures.conditioning",
    "compare_gan_tf.architectures.dcgan",
    "compare_gan_tf.architectures.mlp",
    "compare_gan_tf.architectures.sndcgan",
    "compare_gan_tf.data.dataset",
    "compare_gan_tf.evaluation",
    "compare_gan_tf.gan",
    "compare_gan_tf.latents",
    "compare_gan_tf.layers.attention",
    "compare_gan_tf.layers.batch_norm",
    "compare_gan_tf.layers.conditional_batch_norm",
    "compare_gan_tf.layers.group_norm",
    "compare_gan_tf.layers.instance_norm",
    "compare_gan_tf.layers.layer_norm",
    "compare_gan_tf.layers.pixel_norm",
    "compare_gan_tf.layers.self_modulation",
    "compare_gan_tf.layers.spectral_norm",
    "compare_gan_tf.layers.virtual_batch_norm",
    "compare_gan_tf.layers.weight_norm",
    "compare_gan_tf.metrics.features",
    "compare_gan_tf.objectives.adversarial",
    "compare_gan_tf.objectives.gradient_penalty",
    "compare_gan_tf.objectives.losses",
    "compare_gan_tf.optimizers",
    "compare_gan_tf.training",
)


def load() -> None:
    """Imports all of `MODULES`; takes seconds, for TensorFlow is among what they import."""
    for module in MODULES:
        importlib.import_module(module)
