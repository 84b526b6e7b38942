"""Refuses settings of a GAN that do not go together."""

import inspect

import keras

from compare_gan_tf import random
from compare_gan_tf.architectures import is_conditional
from compare_gan_tf.augment import Augmentation
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import players
from compare_gan_tf.gan.alphabets import Alphabet
from compare_gan_tf.latents import Normal
from compare_gan_tf.objectives.base import Objective
from compare_gan_tf.objectives.losses import Adversarial, require_loss
from compare_gan_tf.settings import kinds

# What each part of a GAN must be, and how a config makes it.
_MADE = {
    "latents": (
        lambda value: callable(getattr(value, "sample", None)) and hasattr(value, "dim"),
        "a prior such as @Normal()",
    ),
    "alphabet": (lambda value: isinstance(value, Alphabet), "an alphabet such as @Bits()"),
    "augment": (lambda value: isinstance(value, Augmentation), "an augmentation such as @ADA()"),
    "g_optimizer": (
        lambda value: isinstance(value, keras.optimizers.Optimizer),
        "an optimiser such as @adam()",
    ),
    "d_optimizer": (
        lambda value: isinstance(value, keras.optimizers.Optimizer),
        "an optimiser such as @adam()",
    ),
}
_GENERATOR = (
    "a function (sample_shape, latent_dim, num_classes) such as @mlp.generator, or a Keras model"
)
_DISCRIMINATOR = (
    "a function (sample_shape, num_classes) such as @mlp.discriminator, or a Keras model"
)
_LABELS = "a function (noise, real_labels, num_classes) such as @uniform_labels"


def check_made(**parts):
    """Refuses what is not an object of the right kind, such as gin's @Normal for @Normal().

    Raises:
      UserError: one of the parts, of those named in `_MADE`, is not; None is a default.
    """
    for name, value in parts.items():
        fits, like = _MADE[name]
        if value is not None:
            kinds.require_made(f"GAN.{name}", value, fits, like=like)


def latents_for(generator):
    """The prior where none is given: of the dimension that a Keras model takes, else of 128."""
    return Normal(players.latent_dim(generator)) if isinstance(generator, keras.Model) else Normal()


def check_functions(generator, discriminator, label_distribution):
    """Refuses what cannot make the players, or G's labels.

    Raises:
      UserError: one of them is no function, one of other arguments, or players are swapped.
    """
    shape = {"sample_shape": None, "num_classes": None}
    if not isinstance(generator, keras.Model):
        of_generator = {"like": _GENERATOR, "latent_dim": None, **shape}
        kinds.require_function("GAN.generator", generator, classes=True, **of_generator)
    if not isinstance(discriminator, keras.Model):
        of_discriminator = {"like": _DISCRIMINATOR, **shape}
        kinds.require_function("GAN.discriminator", discriminator, classes=True, **of_discriminator)
        if "latent_dim" in inspect.signature(discriminator).parameters:
            raise UserError(
                f"GAN.discriminator is {kinds.shown(discriminator)}, which takes a latent_dim, as "
                f"generators do: it must be {_DISCRIMINATOR}"
            )
    if generator is discriminator:
        raise UserError("GAN.generator and GAN.discriminator are one model: make two")
    kinds.require_function("GAN.label_distribution", label_distribution, 0, 0, 0, like=_LABELS)


def as_objectives(objectives) -> list[Objective]:
    """The list of objectives that is meant: a loss stands for `Adversarial` of it.

    Args:
      objectives: an objective or a loss, or a list of them; a loss is a function, or a pair of
        functions, see `losses.as_losses`.

    Raises:
      UserError: one of them is neither, there are none, or two have one name.
    """
    name = "GAN.objectives: one of them"
    if not isinstance(objectives, list | tuple) or _is_pair_of_losses(objectives):
        name, objectives = "GAN.objectives", [objectives]
    if not objectives:
        raise UserError("GAN.objectives is empty: start with [@Adversarial()]")
    made = [_as_objective(name, objective) for objective in objectives]
    names = [objective.name for objective in made]
    twice = sorted({name for name in names if names.count(name) > 1})
    if "loss" in names:
        raise UserError("an objective is named 'loss', as the total in the logs: give it another")
    if twice:
        raise UserError(f"two of GAN.objectives are named {twice[0]!r}: give one another name")
    return made


_OBJECTIVE = "an objective such as @Adversarial(), or a loss such as @hinge"


def _as_objective(name: str, value) -> Objective:
    if _is_loss(value) or _is_pair_of_losses(value):
        require_loss(name, value, like=_OBJECTIVE)
        return Adversarial(value)
    kinds.require_made(name, value, _is_objective, like=_OBJECTIVE)
    return value


def _is_objective(value) -> bool:
    return isinstance(value, Objective)


def _is_loss(value) -> bool:
    """Whether it is a function, and not a class or what Keras makes."""
    return callable(value) and not isinstance(value, type | keras.layers.Layer)


def _is_pair_of_losses(value) -> bool:
    """Whether it is a tuple of D's loss and G's; a list is one of objectives."""
    return isinstance(value, tuple) and len(value) == 2 and all(map(_is_loss, value))


def check_game(conditional: bool, num_classes: int | None, d_steps: int, g_steps: int):
    """Refuses labels that are not there, and numbers out of range.

    Raises:
      UserError: as it says.
    """
    if conditional and not num_classes:
        raise UserError(
            "GAN.conditional is True but there are no classes: the data set has no labels, or "
            "GAN.num_classes is not given"
        )
    kinds.require_number("GAN.d_steps", d_steps, least=1, most=random.SUBSTEPS - 1, whole=True)
    most = random.SUBSTEPS - d_steps
    kinds.require_number("GAN.g_steps", g_steps, least=1, most=most, whole=True)


def check_ema(decay, halflife, start_step: int):
    """Refuses averages that are not ones.

    Raises:
      UserError: as it says.
    """
    if decay is not None and halflife is not None:
        raise UserError(f"GAN.ema_decay is {decay} and GAN.ema_halflife is {halflife}: give one")
    if decay is not None:
        kinds.require_number("GAN.ema_decay", decay, least=0, below=1)
    if halflife is not None:
        kinds.require_number_or_schedule("GAN.ema_halflife", halflife, above=0)
    kinds.require_number(
        "GAN.ema_start_step", start_step, least=0, whole=True, unit="training steps"
    )
    if decay is None and halflife is None and start_step:
        raise UserError(f"GAN.ema_start_step is {start_step} but there is no GAN.ema_decay")


def check_augment(augment, sample_shape: tuple[int, ...]):
    """Refuses what is no augmentation, or cannot change such samples.

    Raises:
      UserError: as it says.
    """
    if augment is None:
        return
    check_made(augment=augment)
    augment.check(sample_shape)


def check_alphabet(alphabet, sample_shape: tuple[int, ...], symbols, augment):
    """Binds the alphabet to the data; refuses one that is none or does not fit.

    Raises:
      UserError: as it says.
    """
    if alphabet is None:
        if symbols is not None and isinstance(symbols[0], str):
            raise UserError(
                "the data set is text, which needs GAN.alphabet = @Characters() and, for instance, "
                "GAN.generator = @text_networks.generator"
            )
        return
    check_made(alphabet=alphabet)
    if augment is not None:
        raise UserError(
            "GAN.augment changes images, but with GAN.alphabet D sees symbols: remove one of them"
        )
    alphabet.bind(sample_shape, symbols)


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
