"""Data sets by name: `load("digits")`, or `data.load.name = "digits"` in a gin file."""

from compare_gan_tf.data.dataset import Dataset, Split, kinds, load, names
from compare_gan_tf.data.identities import changes, identity
from compare_gan_tf.data.in_memory import as_dataset, from_arrays

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
