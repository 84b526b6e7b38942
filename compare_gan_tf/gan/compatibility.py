"""Refuses parts of a GAN that do not go together."""

import keras

from compare_gan_tf import random
from compare_gan_tf.architectures import is_conditional
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import players
from compare_gan_tf.objectives.base import Objective
from compare_gan_tf.settings import kinds


def check_two(**given):
    """Refuses one object in the place of two, of the same role in G and in D.

    Raises:
      UserError: names them.
    """
    (one, of_g), (other, of_d) = given.items()
    if of_g is of_d is not None:
        kind = "model" if isinstance(of_g, keras.Model) else "object"
        raise UserError(f"GAN.{one} and GAN.{other} are one {kind}: make two")


def check_classes(conditional: bool, num_classes: int | None):
    """Refuses players that see labels that are not there."""
    if conditional and not num_classes:
        raise UserError(
            "GAN.conditional is True but there are no classes: the data set has no labels, or "
            "GAN.num_classes is not given"
        )


def check_updates(d_steps: int, g_steps: int):
    """Refuses more updates in a training step than `random.Noise` has numbers for."""
    if d_steps + g_steps > random.SUBSTEPS:
        raise UserError(
            f"GAN.g_steps is {g_steps} and GAN.d_steps is {d_steps}: they must be "
            f"{random.SUBSTEPS} or fewer together"
        )


def check_average(decay, halflife):
    """Refuses two rates of one average."""
    if decay is not None and halflife is not None:
        raise UserError(f"GAN.ema_decay is {decay} and GAN.ema_halflife is {halflife}: give one")


def check_names(objectives):
    """Refuses terms that would have one name in the logs, or none at all.

    Raises:
      UserError: there are no objectives, or names are taken.
    """
    if not objectives:
        raise UserError("GAN.objectives is empty: start with [@Adversarial()]")
    names = [objective.name for objective in objectives]
    twice = sorted({name for name in names if names.count(name) > 1})
    if "loss" in names:
        raise UserError("an objective is named 'loss', as the total in the logs: give it another")
    if twice:
        raise UserError(f"two of GAN.objectives are named {twice[0]!r}: give one another name")


def check_samples(alphabet, augment, symbols):
    """Refuses symbols without an alphabet, and changes of images where D sees symbols."""
    if alphabet is None and symbols is not None and isinstance(symbols[0], str):
        raise UserError(
            "the data set is text, which needs GAN.alphabet = @Characters() and, for instance, "
            "GAN.generator = @text_networks.generator"
        )
    if alphabet is not None and augment is not None:
        raise UserError(
            "GAN.augment changes images, but with GAN.alphabet D sees symbols: remove one of them"
        )


def check_gradients(alphabet, objectives):
    """Refuses objectives that would wait in vain for a gradient of hard samples.

    And a relaxation, which gives samples a gradient, that no objective waits for.

    Raises:
      UserError: there is such an objective, or such a relaxation.
    """
    if alphabet is None:
        return
    for objective in objectives:
        if objective.generates:
            kind = type(objective).__name__
            raise UserError(f"{kind} is not for discrete generators: remove GAN.alphabet")
    relaxation = f"{type(alphabet).__name__}.relaxation"
    waiting = [objective for objective in objectives if _needs_gradient(objective)]
    if waiting and alphabet.relaxation is None:
        raise UserError(
            f"{type(waiting[0]).__name__} cannot teach a discrete generator, whose hard samples "
            "have no gradient: take @DiscreteBoundarySeeking(), or set "
            f"{relaxation} = @straight_through or @Concrete()"
        )
    if not waiting and alphabet.relaxation is not None:
        raise UserError(
            f"{relaxation} is {kinds.shown(alphabet.relaxation)} but none of GAN.objectives needs "
            "a gradient of the samples: remove it, or take one that does, such as @Adversarial()"
        )


def _needs_gradient(objective) -> bool:
    """Whether G learns by it through the fakes that D scores."""
    kind = type(objective)
    looks = kind.views is not Objective.views and kind.generator is not Objective.generator
    return looks and not objective.estimates_gradient


def check_lazy(objectives, couples_batch: bool):
    """Refuses `every` > 1 of what looks at a D that scores all its samples in one pass.

    Raises:
      UserError: there is such an objective.
    """
    for objective in objectives:
        looks = type(objective).views is not Objective.views
        if objective.every > 1 and looks and couples_batch:
            raise UserError(
                f"{type(objective).__name__}.every is {objective.every} but this discriminator has "
                "batch statistics, so that all its samples share one pass: use every = 1 or "
                "another norm"
            )


def check_players(generator, discriminator, sample_shape, num_classes):
    """Refuses networks that do not fit the data or each other.

    Raises:
      UserError: their shapes or labels differ.
    """
    for name, player in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(player, keras.Model):
            raise UserError(
                f"GAN.{name} makes {kinds.shown(player)}: it must make a Keras model; a function "
                f"such as @mlp.{name} does"
            )
    players.check_apart(generator, discriminator)
    made = generator.output_shape[1:]
    if made != tuple(sample_shape):
        raise UserError(
            f"GAN.generator makes samples of shape {made}, but the data has {sample_shape}"
        )
    if is_conditional(generator) != bool(num_classes):
        raise UserError(
            f"GAN.generator takes {'no ' if num_classes else ''}labels but GAN.conditional is "
            f"{bool(num_classes)}: choose another architecture or change it"
        )
    if is_conditional(discriminator) and not num_classes:
        raise UserError(
            "GAN.discriminator takes labels but GAN.conditional is False: choose another "
            "architecture or change it"
        )


def check_outputs(discriminator, objectives):
    """Refuses outputs of D that nothing trains.

    Raises:
      UserError: no objective reads one of them.
    """
    read = {"logits", "features"}.union(*(objective.reads for objective in objectives))
    unread = sorted(set(discriminator.output) - read)
    if unread:
        raise UserError(
            f"GAN.discriminator has the output {unread[0]!r}, which none of GAN.objectives reads: "
            "add the objective that trains it (for class_logits: @LabelPrediction()), or take "
            "another conditioning"
        )
