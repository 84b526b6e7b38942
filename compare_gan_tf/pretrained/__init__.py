"""Trained GANs that ship with this package, and those that `compare-gan export` wrote.

from compare_gan_tf import pretrained

model = pretrained.load("digits")
images = model.sample(16, labels=[3] * 16)  # uint8 [16, 8, 8, 1]
"""

import importlib
from typing import TYPE_CHECKING

from compare_gan_tf.pretrained.shipped import facts, names

if TYPE_CHECKING:
    from compare_gan_tf.pretrained.models import Pretrained, load

__all__ = ["Pretrained", "facts", "load", "names"]


def __getattr__(name: str):  # TensorFlow takes seconds to import, and a list needs none of it
    if name not in ("Pretrained", "load"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("compare_gan_tf.pretrained.models"), name)
