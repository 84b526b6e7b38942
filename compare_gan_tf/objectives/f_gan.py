"""The f-GAN loss (Nowozin et al., 2016): a lower bound of an f-divergence, as values per sample.

For `Adversarial(loss=f_gan)`: D maximises E_P T - E_Q f*(T), so minus D's loss estimates the
divergence. Two settings are functions: the map from D's logits v to T, and G's loss:

  logits     output_activation  T = g_f(v), as in the paper
             log_ratio          T = f'(exp(v)): v learns log(p / q) (Hjelm et al., 2018)
  generator  saddle             G minimises -E_Q f*(T), eq. 6: the divergence itself
             alternative        G minimises -E_Q T, section 3.2, for stronger early gradients
"""

import dataclasses
from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives import f_divergences
from compare_gan_tf.objectives.f_divergences import FDivergence
from compare_gan_tf.objectives.losses import Losses
from compare_gan_tf.settings.signatures import Made, checked
from compare_gan_tf.settings.trials import Tried, ones


@gin.configurable(module="f_gan")
def output_activation(divergence, logits):
    """(T, f*(T)) with T = g_f(v)."""
    return divergence.activation(logits), divergence.conjugate_of_activation(logits)


@gin.configurable(module="f_gan")
def log_ratio(divergence, logits):
    """(T, f*(T)) with T = f'(exp(v)).

    Raises:
      UserError: f is not differentiable everywhere.
    """
    if divergence.derivative_of_exp is None:
        raise UserError(
            f"the divergence {divergence.name} has no log ratio, for its f has no derivative at 1: "
            "take @output_activation, or another divergence"
        )
    return divergence.derivative_of_exp(logits), divergence.conjugate_of_derivative(logits)


@gin.configurable(module="f_gan")
def saddle(outputs, conjugates):
    """-f*(T)."""
    return -conjugates


@gin.configurable(module="f_gan")
def alternative(outputs, conjugates):
    """-T."""
    return -outputs


Divergence = Annotated[FDivergence, Made(FDivergence, like="one such as @kl()")]
_TRIAL = FDivergence(**{field.name: tf.identity for field in dataclasses.fields(FDivergence)})
Logits = Annotated[
    Callable,
    Tried(
        _TRIAL,
        ones(2),
        like="a function (divergence, logits) such as @output_activation or @log_ratio",
        gives=((2,), (2,)),
    ),
]
Cost = Annotated[
    Callable,
    Tried(
        ones(2),
        ones(2),
        like="a function (outputs, conjugates) such as @alternative or @saddle",
        gives=(2,),
    ),
]


@gin.configurable(module="losses")
@checked
def f_gan(
    real_logits,
    fake_logits,
    divergence: Divergence | None = None,
    logits: Logits = output_activation,
    generator: Cost = alternative,
):
    """-T(r) + f*(T(f)); G: `generator` (Nowozin et al., 2016, eq. 4 to 6).

    Args:
      real_logits: [n].
      fake_logits: [m].
      divergence: one of `f_divergences`; None is kl().
      logits: `output_activation` or `log_ratio`.
      generator: `saddle` or `alternative`.
    """
    divergence = f_divergences.kl() if divergence is None else divergence
    real, _ = logits(divergence, real_logits)
    outputs, conjugates = logits(divergence, fake_logits)
    return Losses(real=-real, fake=conjugates, generator=generator(outputs, conjugates))
