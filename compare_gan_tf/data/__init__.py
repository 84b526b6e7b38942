"""Data sets by name: `load("digits")`, or `data.load.name = "digits"` in a gin file."""

from compare_gan_tf.data.dataset import Dataset, Split, kinds, load, names

__all__ = ["Dataset", "Split", "kinds", "load", "names"]
