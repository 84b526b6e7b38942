"""f-divergences D_f(P || Q) = E_Q f(p / q) with convex f (Nowozin et al., 2016).

With the conjugate f*(t) = sup_u (u t - f(u)), any function T gives the bound (eq. 4)

  D_f(P || Q) >= E_P T(x) - E_Q f*(T(x)),  tight at T = f'(p / q),

and p > q exactly where the best T exceeds f'(1). There are two maps from D's logits v to T:

  activation  T = g_f(v), the output activations of the paper's table 2. Those of Neyman and
              Hellinger have exp(-v) here, so that they increase with v; the paper's decrease.
  log ratio   T = f'(exp(v)): then the best v is log(p / q) for every f, and the density ratio of
              boundary-seeking GANs (Hjelm et al., 2018) is (f*)'(T) = exp(v).

An `FDivergence` has both, and f*(T) for both in a form that does not cancel, nor overflow before T
does. All functions are elementwise and keep the dtype.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives.lambert_w import lambert_w_of_exp
from compare_gan_tf.settings.signatures import Number, Rule, checked, maker


@dataclasses.dataclass(frozen=True, kw_only=True)
class FDivergence:
    """One f, its conjugate, and two maps from D's logits to T.

    Attributes:
      name: of the divergence D_f(P || Q), where P is the data.
      f: function of the ratio u = p / q > 0.
      conjugate: f*, function of T in its domain.
      threshold: f'(1); D decides for "real" where T is above it.
      activation: g_f, from logits to the domain of f*.
      conjugate_of_activation: f*(g_f(v)).
      derivative_of_exp, conjugate_of_derivative: f'(exp(v)) and f* of it, where f has them.
    """

    name: str
    f: Callable
    conjugate: Callable
    threshold: float
    activation: Callable
    conjugate_of_activation: Callable
    derivative_of_exp: Callable | None = None
    conjugate_of_derivative: Callable | None = None


def _refuse_limits(name: str, order: float) -> None:
    if order in (0.0, 1.0):
        raise UserError(f"{name} is {order}: take reverse_kl() for 0 and kl() for 1")


Order = Annotated[float, Number(), Rule(_refuse_limits)]


def _log_sigmoid(v):
    return -tf.math.softplus(-v)


def _above(v):
    """1 - exp(-v)."""
    return -tf.math.expm1(-v)


def _divergence(function):
    return gin.configurable(module="f_divergences")(maker(function))


@_divergence
def kl() -> FDivergence:
    """KL(P || Q): f = u log u; T = v, f* = exp(t - 1)."""
    return FDivergence(
        name="kl",
        f=lambda u: u * tf.math.log(u),
        conjugate=lambda t: tf.exp(t - 1.0),
        threshold=1.0,
        activation=tf.identity,
        conjugate_of_activation=lambda v: tf.exp(v - 1.0),
        derivative_of_exp=lambda v: v + 1.0,
        conjugate_of_derivative=tf.exp,
    )


@_divergence
def reverse_kl() -> FDivergence:
    """KL(Q || P): f = -log u; T = -exp(-v), f* = -1 - log(-t)."""
    return FDivergence(
        name="reverse_kl",
        f=lambda u: -tf.math.log(u),
        conjugate=lambda t: -1.0 - tf.math.log(-t),
        threshold=-1.0,
        activation=lambda v: -tf.exp(-v),
        conjugate_of_activation=lambda v: v - 1.0,
        derivative_of_exp=lambda v: -tf.exp(-v),
        conjugate_of_derivative=lambda v: v - 1.0,
    )


@_divergence
def pearson() -> FDivergence:
    """Pearson's chi^2, E_Q (p/q - 1)^2: f = (u - 1)^2; T = v, f* = t^2 / 4 + t."""
    return FDivergence(
        name="pearson",
        f=lambda u: tf.square(u - 1.0),
        conjugate=lambda t: tf.square(t) / 4.0 + t,
        threshold=0.0,
        activation=tf.identity,
        conjugate_of_activation=lambda v: tf.square(v) / 4.0 + v,
        derivative_of_exp=lambda v: 2.0 * tf.math.expm1(v),
        conjugate_of_derivative=lambda v: tf.math.expm1(2.0 * v),
    )


@_divergence
def neyman() -> FDivergence:
    """Neyman's chi^2, E_P (q/p - 1)^2: f = (1 - u)^2 / u; T = 1 - exp(-v).

    f* = 2 - 2 sqrt(1 - t).
    """
    return FDivergence(
        name="neyman",
        f=lambda u: tf.square(1.0 - u) / u,
        conjugate=lambda t: 2.0 - 2.0 * tf.sqrt(1.0 - t),
        threshold=0.0,
        activation=_above,
        conjugate_of_activation=lambda v: 2.0 * _above(v / 2.0),
        derivative_of_exp=lambda v: _above(2.0 * v),
        conjugate_of_derivative=lambda v: 2.0 * _above(v),
    )


@_divergence
def squared_hellinger() -> FDivergence:
    """E_Q (sqrt(p/q) - 1)^2: f = (sqrt u - 1)^2; T = 1 - exp(-v), f* = t / (1 - t)."""
    return FDivergence(
        name="squared_hellinger",
        f=lambda u: tf.square(tf.sqrt(u) - 1.0),
        conjugate=lambda t: t / (1.0 - t),
        threshold=0.0,
        activation=_above,
        conjugate_of_activation=tf.math.expm1,
        derivative_of_exp=lambda v: _above(v / 2.0),
        conjugate_of_derivative=lambda v: tf.math.expm1(v / 2.0),
    )


def _jeffrey_conjugate(t):
    w = lambert_w_of_exp(1.0 - t)
    return w + 1.0 / w + t - 2.0


@_divergence
def jeffrey() -> FDivergence:
    """KL(P || Q) + KL(Q || P): f = (u - 1) log u; T = v.

    f* = w + 1/w + t - 2, w = W(exp(1 - t)), Lambert's function.
    """
    return FDivergence(
        name="jeffrey",
        f=lambda u: (u - 1.0) * tf.math.log(u),
        conjugate=_jeffrey_conjugate,
        threshold=0.0,
        activation=tf.identity,
        conjugate_of_activation=_jeffrey_conjugate,
        derivative_of_exp=lambda v: v + _above(v),
        conjugate_of_derivative=lambda v: tf.math.expm1(v) + v,
    )


@_divergence
def jensen_shannon() -> FDivergence:
    """2 JSD(P, Q); the paper's table 1 has the factor 1/2 in D_f, but not in f.

    f = u log u - (u + 1) log((1 + u) / 2); T = log 2 + log sigma(v), f* = -log(2 - exp t).
    """
    log_two = math.log(2.0)
    return FDivergence(
        name="jensen_shannon",
        f=lambda u: u * tf.math.log(u) - (u + 1.0) * tf.math.log((1.0 + u) / 2.0),
        conjugate=lambda t: -tf.math.log(2.0 - tf.exp(t)),
        threshold=0.0,
        activation=lambda v: log_two + _log_sigmoid(v),
        conjugate_of_activation=lambda v: tf.math.softplus(v) - log_two,
        derivative_of_exp=lambda v: log_two + _log_sigmoid(v),
        conjugate_of_derivative=lambda v: tf.math.softplus(v) - log_two,
    )


@_divergence
def gan() -> FDivergence:
    """2 JSD(P, Q) - log 4, the value of the original game: f = u log u - (u + 1) log(u + 1).

    T = log sigma(v), f* = -log(1 - exp t): its bound is Goodfellow et al.'s (2014) eq. 1.
    """
    return FDivergence(
        name="gan",
        f=lambda u: u * tf.math.log(u) - (u + 1.0) * tf.math.log(u + 1.0),
        conjugate=lambda t: -tf.math.log(-tf.math.expm1(t)),
        threshold=-math.log(2.0),
        activation=_log_sigmoid,
        conjugate_of_activation=tf.math.softplus,
        derivative_of_exp=_log_sigmoid,
        conjugate_of_derivative=tf.math.softplus,
    )


@_divergence
@checked
def weighted_jensen_shannon(share: Annotated[float, Number(above=0, below=1)] = 0.5) -> FDivergence:
    """pi KL(P || M) + (1 - pi) KL(Q || M) with M = pi P + (1 - pi) Q; pi = 1/2 is JSD.

    f = pi u log u - (1 - pi + pi u) log(1 - pi + pi u); T = -pi log pi + log sigma(v),
    f* = (1 - pi) log((1 - pi) / (1 - pi exp(t / pi))).

    Args:
      share: pi, of P in M, in (0, 1).
    """
    rest = 1.0 - share

    def mixed(u):
        return rest + share * u

    def log_of_rest(t):  # log(1 - pi exp(t / pi))
        return tf.math.log1p(-share * tf.exp(t / share))

    return FDivergence(
        name=f"weighted_jensen_shannon_{share:g}",
        f=lambda u: share * u * tf.math.log(u) - mixed(u) * tf.math.log(mixed(u)),
        conjugate=lambda t: rest * (math.log(rest) - log_of_rest(t)),
        threshold=0.0,
        activation=lambda v: _log_sigmoid(v) - share * math.log(share),
        conjugate_of_activation=lambda v: (
            rest * (math.log(rest) - tf.math.log(-tf.math.expm1(_log_sigmoid(v) / share)))
        ),
        derivative_of_exp=lambda v: (
            -share * tf.math.softplus(math.log(rest / share) - v) - share * math.log(share)
        ),
        conjugate_of_derivative=lambda v: (
            rest * tf.math.softplus(v + math.log(share / rest)) + rest * math.log(rest)
        ),
    )


@_divergence
def total_variation() -> FDivergence:
    """E_Q |p/q - 1| / 2: f = |u - 1| / 2; T = tanh(v) / 2, f* = t.

    f has no derivative at 1, so there is no map by the log ratio.
    """
    return FDivergence(
        name="total_variation",
        f=lambda u: tf.abs(u - 1.0) / 2.0,
        conjugate=tf.identity,
        threshold=0.0,
        activation=lambda v: tf.tanh(v) / 2.0,
        conjugate_of_activation=lambda v: tf.tanh(v) / 2.0,
    )


@_divergence
@checked
def alpha(order: Order = 0.5) -> FDivergence:
    """The alpha-divergence: f = (u^a - 1 - a (u - 1)) / (a (a - 1)), a neither 0 nor 1.

    a -> 1 is KL(P || Q), a -> 0 is KL(Q || P), 2 is half of Pearson's, -1 half of Neyman's, 1/2
    twice the squared Hellinger distance. f* = ((t (a - 1) + 1)^(a / (a - 1)) - 1) / a. The domain
    of f* is t < 1 / (1 - a) below 1, where T = 1 / (1 - a) + log sigma(v); above 1 it is where
    t (a - 1) > -1, T = v, and f* is -1 / a below.

    Args:
      order: a.
    """
    power = order / (order - 1.0)

    def conjugate(t):
        return (tf.maximum(t * (order - 1.0) + 1.0, 0.0) ** power - 1.0) / order

    def activation(v):
        return v if order > 1.0 else 1.0 / (1.0 - order) + _log_sigmoid(v)

    def conjugate_below_one(v):  # t (a - 1) + 1 = (1 - a) softplus(-v)
        return (((1.0 - order) * tf.math.softplus(-v)) ** power - 1.0) / order

    return FDivergence(
        name=f"alpha_{order:g}",
        f=lambda u: (u**order - 1.0 - order * (u - 1.0)) / (order * (order - 1.0)),
        conjugate=conjugate,
        threshold=0.0,
        activation=activation,
        conjugate_of_activation=conjugate if order > 1.0 else conjugate_below_one,
        derivative_of_exp=lambda v: tf.math.expm1((order - 1.0) * v) / (order - 1.0),
        conjugate_of_derivative=lambda v: tf.math.expm1(order * v) / order,
    )
