"""Makes a GAN for a data set, with initial weights determined by a seed."""

from collections.abc import Callable
from typing import Annotated

import keras
import tensorflow as tf
from absl import logging

from compare_gan_tf import config
from compare_gan_tf.config import gin_errors
from compare_gan_tf.data import Dataset
from compare_gan_tf.errors import MISFITS, UserError
from compare_gan_tf.gan import GAN, memory_needs
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Function, Number, checked

_LIKE = "@GAN or a class derived from it (in Python also functools.partial(GAN, ...))"

Model = Annotated[
    Callable, Function(like=_LIKE, classes=True, sample_shape=None, num_classes=None, seed=0)
]
Seed = Annotated[int, Number(least=0, most=2**32 - 1, whole=True)]  # the range of NumPy's seeds


@checked(name="train")
def build(model: Model, dataset: Dataset, *, seed: Seed = 0, strategy=None) -> GAN:
    """Makes a GAN for a data set, with initial weights determined by the seed.

    Args:
      model: `GAN` or a subclass, with all arguments bound except `sample_shape`, `num_classes` and
        `seed`.
      dataset: data set that gives the shape of the samples and the number of classes.
      seed: seed of the initial weights and of all noise in training, 0 to 2^32 - 1.
      strategy: `tf.distribute` strategy that creates the variables; None for the current one.

    Raises:
      UserError: no model can be built with these settings.
    """
    given = {"sample_shape": dataset.sample_shape, "num_classes": dataset.num_classes, "seed": seed}
    _require_no_other(model, given)
    if dataset.symbols is not None:
        given["symbols"] = dataset.symbols
    keras.utils.set_random_seed(seed)
    with (strategy or tf.distribute.get_strategy()).scope(), memory_needs.weights_fit():
        try:
            gan = model(**given)
        except (UserError, *MISFITS, RecursionError) as error:
            reason = _construction_error(error)
            if reason is None:
                raise
            logging.debug("the error in full", exc_info=error)
            raise UserError(reason) from error
    if not isinstance(gan, GAN):
        raise UserError(f"train.model makes {kinds.shown(gan)}: it must be {_LIKE}")
    return gan


def _require_no_other(model: Callable, given: dict) -> None:
    """Refuses a value that the user gives for an argument that the data set or the seed decides."""
    for name, value in given.items():
        bound = config.bound("GAN", name, default=value)
        users = getattr(model, "keywords", {}).get(name, bound)
        if users != value and users is not None:
            raise UserError(
                f"GAN.{name} is {users!r}, but training sets it to {value!r}, from the data set or"
                " train.seed: leave it out"
            )


def _construction_error(error: Exception) -> str | None:
    """A one-line message for a model that cannot be built; None if the error is a bug."""
    if isinstance(error, UserError):
        return gin_errors.with_place(error)
    # An error of Keras, such as for a layer with 0 units, or of a bound function.
    if reason := gin_errors.explain_construction(error):
        return reason
    if isinstance(error, RecursionError):
        reason = (
            "a network has too many consecutive layers: Keras can handle a few hundred; use fewer"
        )
    else:
        reason = gin_errors.explain_misfit(error)
    return reason and f"the model cannot be built: {reason}"
