"""Post-hoc EMA: the length of the average of G's weights is chosen after the training.

Training tracks a few averages, whose weights of the steps are power functions, and stores snapshots
of them. An average of any other length is then a linear combination of the snapshots (Karras et
al., Analyzing and improving the training dynamics of diffusion models, CVPR 2024, section 3.2 and
appendix C).

The average of exponent gamma after step t weighs the steps s <= t by s^gamma. Its length is
sigma_rel, the standard deviation of s under these weights, divided by t. An exponential average
with a fixed decay has a fixed width in steps; this one's grows with the training.
"""

__all__ = ["PostHocEMA"]

import itertools
from typing import Annotated

import gin
import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import add_state, not_averaged
from compare_gan_tf.settings.signatures import Count, Number, Several, checked

# At gamma = 0 all steps weigh the same, and the length is 12^-0.5 = 0.2887.
_LENGTH = Number(above=0, below=0.288)
Length = Annotated[float, _LENGTH]
Lengths = Annotated[tuple[float, ...], Several(_LENGTH, like="(0.05, 0.10)")]


@gin.register(module="optimizers")
class PostHocEMA:
    """The averages that a training tracks for post-hoc EMA, see `GAN.post_hoc_ema`.

    A snapshot is a file of 4 bytes per weight of G and length.

    Args:
      lengths: sigma_rel of the tracked averages, in (0, 0.288); two suffice.
      snapshot_every: training steps between two snapshots. It divides `train.checkpoint_every` and
        `train.training_steps`; 40 snapshots in a training suffice for lengths of 0.02 to 0.25.

    Raises:
      UserError: a length is outside the range, or two differ by less than a tenth.
    """

    @checked
    def __init__(self, lengths: Lengths = (0.05, 0.10), snapshot_every: Count = 1_000):
        ordered = sorted(lengths)
        if any(after < 1.1 * before for before, after in itertools.pairwise(ordered)):
            raise UserError(
                f"PostHocEMA.lengths is {tuple(lengths)}: two are alike, give such as (0.05, 0.10)"
            )
        self.lengths, self.snapshot_every = tuple(ordered), snapshot_every


class PowerFunctionAverages(keras.layers.Layer):
    """The averages of a generator's weights that `PostHocEMA` asks for, float32.

    After step t each is average <- beta average + (1 - beta) weight with beta = (1 - 1/t)^(gamma +
    1). So step s weighs (s^(gamma + 1) - (s - 1)^(gamma + 1)) / t^(gamma + 1), the integral of the
    power function over the step.

    Args:
      generator: whose weights are averaged, see `averaged`.
      settings: a `PostHocEMA`.
    """

    def __init__(self, generator: keras.Model, settings: PostHocEMA):
        super().__init__(name="post_hoc_ema", dtype="float32")
        self.lengths, self.snapshot_every = settings.lengths, settings.snapshot_every
        for i, _ in enumerate(self.lengths):
            for j, variable in enumerate(averaged(generator)):
                add_state(self, f"average_{i}_{j}", shape=variable.shape)
        self.built = True

    @property
    def averages(self) -> list[list]:
        """For each length the averages, in the order of `averaged`."""
        size = len(self.variables) // len(self.lengths)
        return [self.variables[i * size : (i + 1) * size] for i in range(len(self.lengths))]

    @property
    def snapshot_bytes(self) -> int:
        """The size of a snapshot, without the few bytes of names and shapes."""
        return 4 * sum(int(np.prod(variable.shape)) for variable in self.variables)

    def update(self, source: keras.Model, step):
        """Updates the averages from `source` after training step `step`; the first is 1."""
        for length, averages in zip(self.lengths, self.averages, strict=True):
            # 1 - beta, which is small: a difference from 1 would have few digits.
            before = tf.math.log1p(-1.0 / tf.cast(step, tf.float32))
            share = -tf.math.expm1(before * (exponent(length) + 1.0))
            for average, variable in zip(averages, averaged(source), strict=True):
                average.assign(average + share * (tf.cast(variable, tf.float32) - average))


def averaged(model: keras.Model) -> list:
    """The variables of a generator that are averaged: all floats except those of `not_averaged`."""
    copied = {id(variable) for variable in not_averaged(model)}
    floats = (one for one in model.variables if one.dtype.startswith(("float", "bfloat")))
    return [variable for variable in floats if id(variable) not in copied]


# --- Power functions --------------------------------------------------------------------------


def exponent(length: float) -> float:
    """gamma of a length sigma_rel in (0, 12^-0.5).

    sigma_rel^2 = (gamma + 1) / ((gamma + 2)^2 (gamma + 3)) (appendix C) is a cubic equation
    for gamma, and its greatest root is the one above 0.
    """
    t = float(length) ** -2
    return float(np.roots([1.0, 7.0, 16.0 - t, 12.0 - t]).real.max())


def inner_product(t_a, gamma_a, t_b, gamma_b):
    """The inner product of two profiles, (gamma + 1) s^gamma / t^(gamma + 1) on [0, t].

    It is the integral of their product, which ends at the smaller t (appendix C).
    """
    end = np.minimum(t_a, t_b)
    scale = (gamma_a + 1) * (gamma_b + 1) / (gamma_a + gamma_b + 1)
    return scale * (end / t_a) ** gamma_a * (end / t_b) ** gamma_b / np.maximum(t_a, t_b)


def coefficients(steps, lengths, step: int, length: float) -> tuple[np.ndarray, float]:
    """The combination of stored averages that is nearest to a wanted one (algorithm 3).

    Args:
      steps: [n], after which training steps the averages were stored.
      lengths: [n], their lengths.
      step, length: of the average that is wanted.

    Returns:
      The coefficients, float64 [n], and the relative error of their profile: the L2 norm of its
      difference from the wanted profile over the norm of that one, in [0, 1].
    """
    t = np.asarray(steps, np.float64)
    gamma = np.array([exponent(one) for one in lengths])
    wanted = np.float64(step), exponent(length)
    # Profiles scaled to norm 1 make the matrix well conditioned.
    scale = inner_product(t, gamma, t, gamma) ** -0.5
    norm = inner_product(*wanted, *wanted) ** 0.5
    products = inner_product(t[:, None], gamma[:, None], t, gamma) * scale[:, None] * scale
    target = inner_product(t, gamma, *wanted) * scale / norm
    solved = np.linalg.solve(products, target)
    error = max(1.0 - 2.0 * solved @ target + solved @ products @ solved, 0.0) ** 0.5
    return solved * scale * norm, float(error)
