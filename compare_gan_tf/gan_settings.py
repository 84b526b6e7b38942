"""Refuses settings of a GAN that do not go together."""

import keras

from compare_gan_tf import random
from compare_gan_tf.architectures import is_conditional
from compare_gan_tf.augment import Augmentation
from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives.base import Objective


def check_made(**parts):
    """Refuses classes and functions where their result is meant: gin's @Normal for @Normal().

    Raises:
      UserError: one of the parts is a function or class.
    """
    for name, value in parts.items():
        if isinstance(value, keras.Layer):  # which may be called, too
            continue
        if isinstance(value, type) or callable(value):
            made = getattr(value, "__name__", name)
            raise UserError(f"GAN.{name} is a function or class: bind @{made}(), with parentheses")


def check_objectives(objectives):
    """Refuses what is not a list of objectives, each with a name of its own.

    Raises:
      UserError: as it says.
    """
    if not isinstance(objectives, list | tuple) or any(
        isinstance(objective, type) for objective in objectives
    ):
        raise UserError("GAN.objectives is not a list of objectives: bind [@Adversarial()]")
    names = [objective.name for objective in objectives]
    twice = sorted({name for name in names if names.count(name) > 1})
    if "loss" in names:
        raise UserError("an objective is named 'loss', as the total in the logs: give it another")
    if not names:
        raise UserError("GAN.objectives is empty: start with [@Adversarial()]")
    if twice:
        raise UserError(f"two of GAN.objectives are named {twice[0]!r}: give one another name")


def check_game(conditional: bool, num_classes: int | None, d_steps: int):
    """Refuses labels that are not there, and numbers out of range.

    Raises:
      UserError: as it says.
    """
    if conditional and not num_classes:
        raise UserError("GAN.conditional is True but the data set has no labels")
    if not 1 <= d_steps < random.SUBSTEPS:
        raise UserError(f"GAN.d_steps is {d_steps}: it must be 1 to {random.SUBSTEPS - 1}")


def check_ema(decay, halflife, start_step: int):
    """Refuses averages that are not ones.

    Raises:
      UserError: as it says.
    """
    if decay is not None and halflife is not None:
        raise UserError(f"GAN.ema_decay is {decay} and GAN.ema_halflife is {halflife}: give one")
    if decay is not None and not 0.0 <= decay < 1.0:
        raise UserError(f"GAN.ema_decay is {decay}: it must be in [0, 1), or None for no EMA")
    if isinstance(halflife, int | float) and halflife <= 0.0:
        raise UserError(f"GAN.ema_halflife is {halflife}: it must be positive, in training steps")
    if decay is None and halflife is None and start_step:
        raise UserError(f"GAN.ema_start_step is {start_step} but there is no GAN.ema_decay")


def check_augment(augment, sample_shape: tuple[int, ...]):
    """Refuses what is no augmentation, or cannot change such samples.

    Raises:
      UserError: as it says.
    """
    if augment is None:
        return
    if not isinstance(augment, Augmentation):
        raise UserError(f"GAN.augment is {augment!r}: bind one of `augment`, such as @ADA()")
    augment.check(sample_shape)


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
    made = generator.output_shape[1:]
    if made != sample_shape:
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
