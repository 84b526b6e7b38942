"""Recipes: a config for one's own images, chosen by their size, number and labels."""

from compare_gan_tf.recipes.choice import DEVICES, PRESETS, choose, unlabelled, with_time
from compare_gan_tf.recipes.networks import Part
from compare_gan_tf.recipes.text import as_gin, data_line, read_fields

__all__ = [
    "DEVICES",
    "PRESETS",
    "Part",
    "as_gin",
    "choose",
    "data_line",
    "read_fields",
    "unlabelled",
    "with_time",
]
