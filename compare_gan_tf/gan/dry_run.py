"""A dry run of the first training step, before a run writes anything.

It traces `update.update` as training does, but with players that return zeros of the right shapes,
and with optimisers that change nothing. So it takes a fraction of a second for networks of any
size. It calls the parts that a config binds: objectives, augmentation, the relaxation of an
alphabet, the label distribution. An error names the part that does not fit.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
from absl import logging

from compare_gan_tf.config import gin_errors
from compare_gan_tf.errors import MISFITS, UserError, with_origin
from compare_gan_tf.gan import memory_needs
from compare_gan_tf.gan.update import update
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR


def check(gan, dataset, *, batch_size: int, strategy: tf.distribute.Strategy) -> None:
    """Traces one update of each player on zeros in the form of the data; computes nothing.

    Args:
      gan: the GAN to be trained.
      dataset: the data to train on.
      batch_size: global number of reals per D update.
      strategy: the strategy of the run.

    Raises:
      UserError: a part of the GAN raises an error, or returns a wrong shape; or a step cannot fit
        into the memory.
    """
    memory_needs.check(gan, batch_size, strategy)
    number = batch_size // strategy.num_replicas_in_sync
    train = dataset.splits["train"]
    if gan.alphabet is not None:
        gan.alphabet.check_data(train.images[:number])
    labels = train.labels if gan.num_classes else None

    def step():
        stand_in = _StandIn(gan)
        real = tf.zeros([number, *gan.sample_shape], tf.uint8 if gan.alphabet else tf.float32)
        now = {"step": tf.constant(0, tf.int64), "substep": 0}
        for player in (DISCRIMINATOR, GENERATOR):
            update(stand_in, player, real, _zeros_like(labels, number), **now)

    with strategy.scope():
        tf.function(lambda: strategy.run(step), autograph=False).get_concrete_function()


def _zeros_like(labels, number: int):
    if labels is None:
        return None
    return tf.zeros([number, *labels.shape[1:]], tf.float32 if labels.ndim == 2 else tf.int32)


class _StandIn:
    """A GAN whose players return zeros, whose weights stay, and whose errors name the part."""

    def __init__(self, gan):
        self._gan = gan
        self.generator, self.discriminator = _Zeros(gan.generator), _Zeros(gan.discriminator)
        self.g_optimizer = self.d_optimizer = _NoOptimizer()
        self.objectives = [
            _Named(
                one,
                "GAN.objectives",
                {"views": _are_views, "generator": _are_terms, "discriminator": _are_terms},
            )
            for one in gan.objectives
        ]
        self.label_distribution = _Named(
            gan.label_distribution, "GAN.label_distribution", {"__call__": _are_labels}
        )
        if gan.augment is not None:
            self.augment = _Named(gan.augment, "GAN.augment", {"__call__": _are_images})
        if gan.alphabet is not None:
            self.alphabet = _Named(
                gan.alphabet,
                f"{type(gan.alphabet).__name__}.relaxation",
                {"relaxed": _are_samples},
                shown=gan.alphabet.relaxation,
            )

    def __getattr__(self, name: str):
        return getattr(self._gan, name)


class _Zeros:
    """A player that returns zeros."""

    def __init__(self, player):
        self._player = player

    def __call__(self, inputs: dict, training: bool):
        number = next(iter(inputs.values())).shape[0]
        return tf.nest.map_structure(
            lambda tensor: tf.zeros([number, *tensor.shape[1:]]), self._player.output
        )

    def __getattr__(self, name: str):
        return getattr(self._player, name)


class _NoOptimizer:
    """An optimiser that changes nothing."""

    clipnorm = clipvalue = global_clipnorm = None

    def apply(self, gradients, variables):
        """Does nothing."""


class _Named:
    """Wraps a part of a GAN: an error in one of its calls, or a wrong result, names the part."""

    def __init__(self, part, setting: str, checks: dict[str, Callable], shown: Any = None):
        self._part, self._setting, self._checks = part, setting, checks
        self._shown = _name_of(part if shown is None else shown)

    def __call__(self, *arguments, **keywords):
        return self._guarded(self._part, "__call__", arguments, keywords)

    def __getattr__(self, name: str):
        value = getattr(self._part, name)
        if not callable(value):
            return value
        return lambda *arguments, **keywords: self._guarded(value, name, arguments, keywords)

    def _guarded(self, function, name: str, arguments, keywords):
        with _named(self._setting, self._shown):
            result = function(*arguments, **keywords)
            if name in self._checks:
                self._checks[name](result, *arguments)
            return result


def _are_views(views, player, game, samples):
    for view in views.values():
        _require(view.images, [view.images.shape[0], *samples.real.shape[1:]], "images")


def _are_terms(terms, *arguments):
    for term in terms:
        if len(term.values.shape) != 1:
            raise ValueError(f"its term has the shape {term.values.shape}, where [n] is meant")


def _are_labels(labels, noise, real_labels, num_classes):
    _require(labels, real_labels.shape[:1], "labels")


def _are_images(images, given, *arguments):
    _require(images, given.shape, "images")


def _are_samples(samples, logits, *arguments):
    _require(samples, logits.shape, "samples")


def _require(tensor, shape, what: str) -> None:
    if tuple(tensor.shape) != tuple(shape):
        raise ValueError(f"it gives {what} of shape {tuple(tensor.shape)}, not {tuple(shape)}")


def _name_of(part) -> str:
    return getattr(part, "__name__", type(part).__name__)


@contextlib.contextmanager
def _named(setting: str, name: str) -> Iterator[None]:
    """Turns an error of a part into a `UserError` of one line that names the part."""
    try:
        yield
    except UserError:
        raise
    except MISFITS as error:
        logging.debug("the error in full", exc_info=error)
        place = gin_errors.place_of(error)
        reason = f"{with_origin(error)}{f', in {place}' if place else ''}"
        raise UserError(
            f"{setting}: {name} cannot be used ({reason}); mend its settings (--verbosity=1 shows "
            "the place in the code)"
        ) from error
