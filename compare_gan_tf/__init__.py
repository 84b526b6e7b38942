"""Compare generative adversarial networks on an equal footing, in Keras 3 and TensorFlow.

The public names are imported when they are first used: TensorFlow takes seconds to import.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors, which do not run `__getattr__`; "as" says that it is exported
    from compare_gan_tf.data import Dataset as Dataset
    from compare_gan_tf.data import Split as Split
    from compare_gan_tf.data import from_arrays as from_arrays
    from compare_gan_tf.data import load as load
    from compare_gan_tf.errors import UserError as UserError
    from compare_gan_tf.export.keras_files import load_keras as load_keras
    from compare_gan_tf.gan import GAN as GAN
    from compare_gan_tf.latents import Normal as Normal
    from compare_gan_tf.latents import Uniform as Uniform
    from compare_gan_tf.objectives import Objective as Objective
    from compare_gan_tf.objectives import Samples as Samples
    from compare_gan_tf.training import train as train

__version__ = "0.2.0"

# Each public name and the module that it comes from.
_PUBLIC = {
    "Dataset": "compare_gan_tf.data",
    "GAN": "compare_gan_tf.gan",
    "Normal": "compare_gan_tf.latents",
    "Objective": "compare_gan_tf.objectives",
    "Samples": "compare_gan_tf.objectives",
    "Split": "compare_gan_tf.data",
    "Uniform": "compare_gan_tf.latents",
    "UserError": "compare_gan_tf.errors",
    "from_arrays": "compare_gan_tf.data",
    "load": "compare_gan_tf.data",
    "load_keras": "compare_gan_tf.export.keras_files",
    "train": "compare_gan_tf.training",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
