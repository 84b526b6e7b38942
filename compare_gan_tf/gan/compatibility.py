"""Checks that refuse parts of a GAN that do not fit each other."""

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.architectures import is_conditional
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import accumulation, passes, players
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.layers.state import training_pass
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR, Objective
from compare_gan_tf.objectives.losses import Adversarial, mixes_samples
from compare_gan_tf.settings import keras_insides, kinds


def check_two(**given):
    """Refuses the same object for G and for D.

    Args:
      **given: two settings, {name in `GAN`: value}.

    Raises:
      UserError: both are one object.
    """
    (one, of_g), (other, of_d) = given.items()
    if of_g is of_d is not None:
        kind = "model" if isinstance(of_g, keras.Model) else "object"
        raise UserError(f"GAN.{one} and GAN.{other} are one {kind}: make two")


def check_optimizers(**given):
    """Refuses one optimiser for both players, and Keras' accumulation of gradients.

    With it an optimiser adds up the gradients of several training steps. Those of G would be taken
    against several Ds, and steps in which nothing changes would count in schedules and averages.

    Args:
      **given: two settings, {name in `GAN`: optimiser or None}.

    Raises:
      UserError: both are one object, or one accumulates gradients.
    """
    check_two(**given)
    for name, optimizer in given.items():
        steps = getattr(optimizer, "gradient_accumulation_steps", None)
        if steps:
            raise UserError(
                f"GAN.{name} has gradient_accumulation_steps = {steps}, which adds up gradients of "
                "several training steps, between which the other player changes: leave it out, and "
                f"set GAN.accumulation = {steps}, which cuts the batch of each update"
            )


def check_classes(conditional: bool, num_classes: int | None):
    """Refuses a conditional GAN on data without classes."""
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
    """Refuses both a decay and a half-life of the moving average."""
    if decay is not None and halflife is not None:
        raise UserError(f"GAN.ema_decay is {decay} and GAN.ema_halflife is {halflife}: give one")


def check_names(objectives):
    """Refuses an empty list of objectives, and names that would collide in the logs.

    Raises:
      UserError: there are no objectives, two have one name, or one is named "loss".
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
    """Refuses text without an alphabet, and augmentation where D sees symbols."""
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
    """Refuses objectives that need a gradient through hard samples, which have none.

    Also refuses a relaxation, which gives samples a gradient, if no objective needs one.

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
    needing = [objective for objective in objectives if _needs_gradient(objective)]
    if needing and alphabet.relaxation is None:
        raise UserError(
            f"{type(needing[0]).__name__} cannot teach a discrete generator, whose hard samples "
            "have no gradient: take @DiscreteBoundarySeeking(), or set "
            f"{relaxation} = @straight_through or @Concrete()"
        )
    if not needing and alphabet.relaxation is not None:
        raise UserError(
            f"{relaxation} is {kinds.shown(alphabet.relaxation)} but none of GAN.objectives needs "
            "a gradient of the samples: remove it, or take one that does, such as @Adversarial()"
        )


def _needs_gradient(objective) -> bool:
    """Whether the gradient of its G terms flows through the fakes that D scores."""
    kind = type(objective)
    looks = kind.views is not Objective.views and kind.generator is not Objective.generator
    return looks and not objective.estimates_gradient


def check_lazy(objectives, couples_batch: bool):
    """Refuses lazy objectives with views, if D couples the samples of a batch.

    Such a D scores all views in one pass, and a lazy objective has a pass of its own.

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


def check_accumulation(gan):
    """Refuses micro-batches where the gradient of a batch is not the sum of those of its parts.

    Raises:
      UserError: a layer, a loss or an objective needs the whole batch.
    """
    if gan.accumulation == 1:
        return
    for player in (GENERATOR, DISCRIMINATOR):
        network = getattr(gan, player)
        for layer in passes.coupling_layers(network):
            _refuse_to_cut(gan, f"layer {layer.name!r} of the {player} has batch statistics")
        for layer in keras_insides.nested_layers(network):
            if keras_insides.draws_noise(layer):
                kind = type(layer).__name__
                _refuse_to_cut(gan, f"{kind} of Keras in the {player} draws for a whole batch")
        if _mixes(network):
            _refuse_to_cut(gan, f"a sample in the {player} depends on the others of its batch")
    for one in gan.objectives:
        if one.couples_batch or (isinstance(one, Adversarial) and mixes_samples(one.loss)):
            kind = type(one).__name__
            _refuse_to_cut(gan, f"{kind} ({one.name}) is no mean over the samples of a batch")


def _refuse_to_cut(gan, reason: str):
    raise UserError(f"GAN.accumulation is {gan.accumulation}, but {reason}: {accumulation.CURE}")


def _mixes(network) -> bool:
    """Whether the outputs for a sample depend on the one beside it, on a trial of two."""
    rng = np.random.default_rng(0)
    inputs = {
        name: rng.uniform(-1.0, 1.0, [3, *symbol.shape[1:]]).astype(symbol.dtype)
        for name, symbol in network.input.items()
    }
    with frozen_state():
        one, other = (
            training_pass(
                network, {name: tf.constant(every[rows]) for name, every in inputs.items()}
            )
            for rows in ([0, 1], [0, 2])
        )
    pairs = zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True)
    return not all(np.allclose(a[0], b[0], rtol=1e-4, atol=1e-6) for a, b in pairs)


def check_players(generator, discriminator, sample_shape, num_classes):
    """Refuses players that do not fit the data or each other.

    Raises:
      UserError: a player is no Keras model, the two share weights, or shapes or labels differ.
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
    """Refuses outputs of D that no objective trains.

    Raises:
      UserError: no objective reads one of the outputs.
    """
    read = {"logits", "features"}.union(*(objective.reads for objective in objectives))
    unread = sorted(set(discriminator.output) - read)
    if unread:
        raise UserError(
            f"GAN.discriminator has the output {unread[0]!r}, which none of GAN.objectives reads: "
            "add the objective that trains it (for class_logits: @LabelPrediction()), or take "
            "another conditioning"
        )
