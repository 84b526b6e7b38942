"""A training step on trial, before a run writes anything: what a config binds is called once.

Objectives, augmentation, the relaxation of an alphabet and the draw of G's labels are traced on
tensors of the sizes that training will have, and nothing is computed. The two players make no pass:
what they are made of was called when they were built. So it takes a fraction of a second whatever
their size. Of the data a batch is looked at, where an alphabet must be able to write it.
"""

import contextlib
import functools
from collections.abc import Iterator

import tensorflow as tf
from absl import logging

from compare_gan_tf import gin_errors, random
from compare_gan_tf.errors import MISFITS, UserError, first_line
from compare_gan_tf.objectives.base import (
    DISCRIMINATOR,
    GENERATOR,
    Game,
    Objective,
    Samples,
    Scored,
    View,
)


def check(gan, dataset, *, batch_size: int, strategy: tf.distribute.Strategy) -> None:
    """Calls what the config bound as the first step will.

    Args:
      gan: to be trained.
      dataset: on which.
      batch_size: global.
      strategy: of distribution.

    Raises:
      UserError: one of its parts cannot be called so, or gives something else than it must.
    """
    number = batch_size // strategy.num_replicas_in_sync
    train = dataset.splits["train"]
    if gan.alphabet is not None:
        gan.alphabet.check_data(train.images[:number])
    labels = train.labels if gan.num_classes else None
    step = functools.partial(_step, gan, number, labels)
    with strategy.scope():
        tf.function(lambda: strategy.run(step), autograph=False).get_concrete_function()


def _step(gan, number: int, labels) -> None:
    """One update of each player; gives nothing, since nothing of it is to be computed."""
    noise = random.Noise(0, tf.constant(0, tf.int64), 0)
    samples = _samples(gan, noise, number, labels)
    step = tf.constant(0, tf.int64)
    players = {"generator": gan.generator, "discriminator": gan.discriminator}
    made = {"generate": lambda z, labels: samples.fake, "alphabet": gan.alphabet}
    game = Game(noise, _gathered, step, **players, **made)
    if gan.augment is not None:
        with _named("GAN.augment", type(gan.augment).__name__):
            _augment(gan.augment, samples, noise)
    for objective in gan.objectives:
        with _named("GAN.objectives", type(objective).__name__):
            for player in (DISCRIMINATOR, GENERATOR):
                _terms(objective, player, gan, game, samples)


def _samples(gan, noise, number: int, labels) -> Samples:
    real = tf.zeros([number, *gan.player_shape])
    z = noise.draw("z", gan.latents.sample, number)
    real_labels = fake_labels = None
    if labels is not None:
        soft = len(labels.shape) == 2
        real_labels = tf.zeros([number, *labels.shape[1:]], tf.float32 if soft else tf.int32)
        with _named("GAN.label_distribution", _name_of(gan.label_distribution)):
            fake_labels = gan.label_distribution(noise, real_labels, gan.num_classes)
            _require(fake_labels, [number], "labels")
    _relax(gan.alphabet, tf.zeros_like(real), noise)
    return Samples(
        real=real,
        real_labels=real_labels,
        z=z,
        fake_labels=fake_labels,
        fake=tf.zeros_like(real),
        fake_outputs=tf.zeros_like(real),
    )


def _relax(alphabet, logits, noise) -> None:
    if alphabet is None or alphabet.relaxation is None:
        return
    with _named(f"{type(alphabet).__name__}.relaxation", _name_of(alphabet.relaxation)):
        _require(alphabet.relaxed(logits, noise), logits.shape, "samples")


def _augment(augment, samples: Samples, noise) -> None:
    shown = augment(samples.real, noise=noise, tag="trial")
    _require(shown, samples.real.shape, "images")


def _terms(objective: Objective, player: str, gan, game: Game, samples: Samples) -> None:
    """The terms of an objective for the scores of its views, all of which are 0."""
    views = objective.views(player, game, samples)
    scored = {name: _scored(view, gan) for name, view in views.items()}
    for term in getattr(objective, player)(game, samples, scored):
        if len(term.values.shape) != 1:
            raise ValueError(f"its term has the shape {term.values.shape}, where [n] is meant")
    if player == DISCRIMINATOR:
        objective.update(game, samples, scored if objective.every == 1 else {})


def _scored(view: View, gan) -> Scored:
    number = view.images.shape[0]
    _require(view.images, [number, *gan.player_shape], "images")
    outputs = gan.discriminator.output
    zeros = {name: tf.zeros([number, *one.shape[1:]]) for name, one in outputs.items()}
    return Scored(
        images=view.images,
        logits=zeros.pop("logits"),
        features=zeros.pop("features"),
        input_gradient=tf.zeros_like(view.images) if view.needs_gradient else None,
        heads=zeros,
    )


def _gathered(value):
    """As `Game.gather`, in shape alone."""
    replicas = tf.distribute.get_replica_context().num_replicas_in_sync
    return tf.concat([value] * replicas, 0)


def _require(tensor, shape, what: str) -> None:
    if tuple(tensor.shape) != tuple(shape):
        raise ValueError(f"it gives {what} of shape {tuple(tensor.shape)}, not {tuple(shape)}")


def _name_of(function) -> str:
    return getattr(function, "__name__", type(function).__name__)


@contextlib.contextmanager
def _named(setting: str, name: str) -> Iterator[None]:
    """Turns what a part that does not fit raises within it into one line that names the part."""
    try:
        yield
    except UserError:
        raise
    except MISFITS as error:
        logging.debug("the error in full", exc_info=error)
        place = gin_errors.place_of(error)
        reason = f"{type(error).__name__}: {first_line(error)}{f', in {place}' if place else ''}"
        raise UserError(
            f"{setting}: {name} cannot be used ({reason}); mend its settings (--verbosity=1 shows "
            "the place in the code)"
        ) from error
