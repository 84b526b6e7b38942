"""Data sets by name: `load("digits")`, or `data.load.name = "digits"` in a gin file."""

from compare_gan_tf.data.dataset import Dataset, Split, kinds, load, names
from compare_gan_tf.data.given import as_dataset, from_arrays
from compare_gan_tf.data.identities import changes, identity

__all__ = [
    "Dataset",
    "Split",
    "as_dataset",
    "changes",
    "from_arrays",
    "identity",
    "kinds",
    "load",
    "names",
]
