"""Making a GAN for a data set, with initial weights that follow from a seed."""

from collections.abc import Callable
from typing import Annotated

import keras
import tensorflow as tf
from absl import logging

from compare_gan_tf.config import gin_errors
from compare_gan_tf.data import Dataset
from compare_gan_tf.errors import MISFITS, UserError
from compare_gan_tf.gan import GAN
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Function, Number, checked

_LIKE = "@GAN or a class derived from it (in Python also functools.partial(GAN, ...))"

Model = Annotated[
    Callable, Function(like=_LIKE, classes=True, sample_shape=None, num_classes=None, seed=0)
]
Seed = Annotated[int, Number(least=0, most=2**32 - 1, whole=True)]  # of NumPy's


@checked(name="train")
def build(model: Model, dataset: Dataset, *, seed: Seed = 0, strategy=None) -> GAN:
    """Makes the GAN `model` for a data set, with initial weights that follow from the seed.

    Args:
      model: `GAN`, or a subclass, with all but its first three arguments bound.
      dataset: gives the shape of the samples and the number of classes.
      seed: of the initial weights and of all noise in training.
      strategy: whose variables it gets; None for the current one.

    Raises:
      UserError: its settings do not make a model.
    """
    given = {"sample_shape": dataset.sample_shape, "num_classes": dataset.num_classes, "seed": seed}
    if dataset.symbols is not None:
        given["symbols"] = dataset.symbols
    keras.utils.set_random_seed(seed)
    with (strategy or tf.distribute.get_strategy()).scope():
        try:
            gan = model(**given)
        except (UserError, *MISFITS, RecursionError) as error:
            reason = _reason(error)
            if reason is None:
                raise
            logging.debug("the error in full", exc_info=error)
            raise UserError(reason) from error
    if not isinstance(gan, GAN):
        raise UserError(f"train.model makes {kinds.shown(gan)}: it must be {_LIKE}")
    return gan


def _reason(error: Exception) -> str | None:
    """What is wrong with a model that cannot be built, in one line; None where it is a bug."""
    if isinstance(error, UserError):
        return gin_errors.with_place(error)
    # Of Keras, about a width of 0 and the like, or of what is bound.
    if reason := gin_errors.explain_construction(error):
        return reason
    if isinstance(error, RecursionError):
        reason = (
            "a network has more layers after each other than Keras can follow, some hundred; take "
            "fewer"
        )
    else:
        reason = gin_errors.explain_misfit(error)
    return reason and f"the model cannot be built: {reason}"
