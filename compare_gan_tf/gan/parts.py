"""The parts of a GAN: types of the settings, and functions that make its networks."""

from collections.abc import Callable
from typing import Annotated, Any

import keras

from compare_gan_tf import optimizers, random
from compare_gan_tf.architectures.blocks import unsquashed
from compare_gan_tf.architectures.local_features import with_outputs
from compare_gan_tf.architectures.sliced_logits import sliced
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import compatibility, players
from compare_gan_tf.gan.player_ends import widen_end, widen_strides_of_one_pixel
from compare_gan_tf.latents import Normal
from compare_gan_tf.layers import dtype_policy, layers_in_full_precision
from compare_gan_tf.objectives.base import Objective
from compare_gan_tf.objectives.losses import Adversarial, require_loss
from compare_gan_tf.optimizers.ema import ExponentialMovingAverage
from compare_gan_tf.optimizers.post_hoc import PostHocEMA
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Function, Made, Number, Rule

# --- Types ------------------------------------------------------------------------------------

_GENERATOR = (
    "a function (sample_shape, latent_dim, num_classes) such as @mlp.generator, or a Keras model"
)
_DISCRIMINATOR = (
    "a function (sample_shape, num_classes) such as @mlp.discriminator, or a Keras model"
)
_SHAPES = {"sample_shape": None, "num_classes": None}


def _require_generator(name: str, value) -> None:
    if not isinstance(value, keras.Model):
        of = {"latent_dim": None, **_SHAPES}
        kinds.require_function(name, value, like=_GENERATOR, classes=True, **of)


def _require_discriminator(name: str, value) -> None:
    if isinstance(value, keras.Model):
        return
    kinds.require_function(name, value, like=_DISCRIMINATOR, classes=True, **_SHAPES)
    if kinds.takes(value, "latent_dim"):
        raise UserError(
            f"{name} is {kinds.shown(value)}, which takes a latent_dim, as generators do: it must "
            f"be {_DISCRIMINATOR}"
        )


GeneratorMaker = Annotated[Callable | keras.Model, Rule(_require_generator)]
DiscriminatorMaker = Annotated[Callable | keras.Model, Rule(_require_discriminator)]
LabelDistribution = Annotated[
    Callable,
    Function(0, 0, 0, like="a function (noise, real_labels, num_classes) such as @uniform_labels"),
]
Updates = Annotated[int, Number(least=1, most=random.SUBSTEPS - 1, whole=True)]
HalfLife = Annotated[Any, Number(above=0, schedule=True)]
PostHoc = Annotated[PostHocEMA, Made(PostHocEMA, like="averages such as @PostHocEMA()")]

# --- Objectives -------------------------------------------------------------------------------

_OBJECTIVE = "an objective such as @Adversarial(), or a loss such as @hinge"


def as_objectives(objectives) -> list[Objective]:
    """Converts a setting into a list of objectives: a loss stands for `Adversarial(loss)`.

    Args:
      objectives: an objective or a loss, or a list of them; a loss is a function, or a pair of
        functions, see `losses.as_losses`.

    Raises:
      UserError: an entry is neither, there are none, or two have the same name.
    """
    name = "GAN.objectives: one of them"
    if not isinstance(objectives, list | tuple) or _is_pair_of_losses(objectives):
        name, objectives = "GAN.objectives", [objectives]
    made = [_as_objective(name, objective) for objective in objectives]
    compatibility.check_names(made)
    return made


def _as_objective(name: str, value) -> Objective:
    if _is_loss(value) or _is_pair_of_losses(value):
        require_loss(name, value, like=_OBJECTIVE)
        return Adversarial(value)
    kinds.require_made(name, value, lambda one: isinstance(one, Objective), like=_OBJECTIVE)
    return value


def _is_loss(value) -> bool:
    """Whether a value is a function, and not a class or a Keras layer."""
    return callable(value) and not isinstance(value, type | keras.layers.Layer)


def _is_pair_of_losses(value) -> bool:
    """Whether a value is a tuple (D's loss, G's loss); a list is a list of objectives."""
    return isinstance(value, tuple) and len(value) == 2 and all(map(_is_loss, value))


# --- Shapes and schedules ---------------------------------------------------------------------


def player_shape(gan, symbols) -> tuple[int, ...]:
    """The shape of one sample for the players: that of the data, or of its symbols.

    Args:
      gan: has the shape of the data, the alphabet and the augmentation.
      symbols: palette or vocabulary of the data set, or None.

    Raises:
      UserError: the alphabet or the augmentation does not fit such samples.
    """
    if gan.augment is not None:
        gan.augment.check(gan.sample_shape)
    if gan.alphabet is None:
        return gan.sample_shape
    gan.alphabet.bind(gan.sample_shape, symbols)
    return gan.alphabet.player_shape


def count_training_steps(gan) -> None:
    """Makes all schedules of a GAN run over training steps instead of updates of a player."""
    optimizers.count_training_steps(gan.d_optimizer, updates=gan.d_steps)
    optimizers.count_training_steps(gan.g_optimizer, updates=gan.g_steps)
    if gan.augment is not None:
        gan.augment.count_training_steps(gan.d_steps)


# --- Prior and networks -----------------------------------------------------------------------


def prior_for(generator) -> Normal:
    """The default prior: normal, of the dimension that a Keras model takes, or of 128."""
    return Normal(players.latent_dim(generator)) if isinstance(generator, keras.Model) else Normal()


def make_generator(gan, generator):
    """The generator of a GAN, from a function or a Keras model, in the form of `players`.

    Args:
      gan: has the prior, the alphabet, the classes and the players' shape.
      generator: see `GAN`.

    Raises:
      UserError: the model is not a generator.
    """
    dim, discrete = gan.latents.dim, gan.alphabet is not None
    if not isinstance(generator, keras.Model):
        with dtype_policy(gan.precision):
            generator = generator(latent_dim=dim, **_shapes(gan))
        if isinstance(generator, keras.Model):
            widen_end(generator)
            widen_strides_of_one_pixel(generator)
    made = players.generator(generator, latent_dim=dim, discrete=discrete, **_shapes(gan))
    made = unsquashed(made) if discrete and isinstance(made, keras.Model) else made
    return players.in_float32("generator", made)


def make_discriminator(gan, discriminator):
    """The discriminator of a GAN, with the outputs that the objectives read.

    Args:
      gan: as for `make_generator`, and has the generator and the objectives.
      discriminator: see `GAN`.

    Raises:
      UserError: the model is not a discriminator, or does not fit the generator or the objectives.
    """
    if not isinstance(discriminator, keras.Model):
        with dtype_policy(gan.precision):
            discriminator = discriminator(**_shapes(gan))
        if isinstance(discriminator, keras.Model):
            widen_strides_of_one_pixel(discriminator)
    made = players.discriminator(discriminator, **_shapes(gan))
    made = players.in_float32("discriminator", made)
    compatibility.check_players(gan.generator, made, **_shapes(gan))
    read = {name for one in gan.objectives for name in one.reads}
    made = sliced(with_outputs(made, read), read, gan.num_classes)
    compatibility.check_outputs(made, gan.objectives)
    return made


def build_objectives(gan):
    """Makes the variables of the objectives, which compute in float32; the players exist.

    Raises:
      UserError: an objective does not fit the GAN.
    """
    with layers_in_full_precision():
        for objective in gan.objectives:
            objective.build_for(gan)
    compatibility.check_lazy(gan.objectives, gan.couples_batch)
    compatibility.check_accumulation(gan)


def make_average(gan, generator, decay, halflife, start_step: int):
    """The moving average of the generator: a second generator with the same weights; or None.

    Args:
      gan: has the generator.
      generator: the setting from which the generator was made.
      decay, halflife: of the average; both None for no average.
      start_step: first training step that is averaged.

    Raises:
      UserError: Keras cannot copy the generator, or both a decay and a half-life are given.
    """
    compatibility.check_average(decay, halflife)
    if decay is None and halflife is None:
        return None
    source = players.copy(generator) if isinstance(generator, keras.Model) else generator
    second = make_generator(gan, source)
    players.check_copy(second, gan.generator)
    average = ExponentialMovingAverage(
        second, decay=decay, halflife=halflife, start_step=start_step
    )
    average.copy(gan.generator)
    return average


def _shapes(gan) -> dict:
    """The arguments that the makers of both players take."""
    return {"sample_shape": gan.player_shape, "num_classes": gan.num_classes}
