"""Trains several independent critics on the same two sets of samples.

As in the official code of Gulrajani, Raffel and Metz, Towards GAN benchmarks which require
generalization, 2019: Adam without momentum, a linear decay of the learning rate to 0, and a score
by averaged weights.
"""

import dataclasses
from collections.abc import Callable
from typing import Annotated

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.metrics.base import Rows, UndefinedScore
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Function

CRITIC = "a function (shape, seed) -> keras.Model such as @mlp_critic"
Critic = Annotated[Callable, Function((), 0, like=CRITIC)]


@dataclasses.dataclass(frozen=True)
class Batches:
    """Batches of both sides, drawn with repetition.

    Attributes:
      real: Rows [n, ...].
      fake: Rows [m, ...], with rows of the same shape.
      size: rows of each side in a batch.
    """

    real: Rows
    fake: Rows
    size: int

    def draw(self, number: int, chosen, rng: np.random.Generator):
        """Yields `number` pairs of tensors [size, ...]; `chosen` are the indices of both sides."""
        for _ in range(number):
            yield tuple(
                tf.constant(rows.take(indices[rng.integers(len(indices), size=self.size)]))
                for rows, indices in zip((self.real, self.fake), chosen, strict=True)
            )


class Training:
    """One network and one optimiser, compiled once and reset for each critic.

    They are not compiled by XLA, which made the convolutional critic four times slower on a CPU.

    Args:
      estimate: the objective of the critic, (function of samples -> [n], reals, fakes, seed [2]) ->
        scalar.
      prepare: (collected samples, seed [2]) -> float32 input of the critic.
      critic: (shape of a sample, seed) -> keras.Model to [n] or [n, 1].
      critic_name: of the setting that `critic` is the value of, for messages.
      shape: of a sample.
      iterations, learning_rate, averaging: see `independent_critic.IndependentCritic`.
    """

    def __init__(
        self,
        *,
        estimate: Callable,
        prepare: Callable,
        critic: Callable,
        critic_name: str,
        shape: tuple[int, ...],
        iterations: int,
        learning_rate: float,
        averaging: float,
    ):
        self._estimate, self._prepare = estimate, prepare
        self._critic, self._shape, self._iterations = critic, shape, iterations
        self._network = _tried(critic_name, critic, shape)
        falling = keras.optimizers.schedules.PolynomialDecay(
            learning_rate, iterations, end_learning_rate=0.0
        )
        self._optimizer = keras.optimizers.Adam(
            falling, 0.0, 0.9, epsilon=1e-8, use_ema=True, ema_momentum=averaging
        )
        self._optimizer.build(self._network.trainable_variables)
        self._step, self._value = tf.function(self._update), tf.function(self._estimated)

    def run(self, batches: Batches, *, scored_batches: int, scored_shares, seed) -> float:
        """Trains a new critic, and returns the mean of its estimate with averaged weights.

        Args:
          batches: of the two sides.
          scored_batches: number of batches in the mean.
          scored_shares: shares of the reals and of the fakes that are scored and not trained on; 0
            uses all samples for both.
          seed: two integers, for weights, batches and noise.

        Raises:
          UndefinedScore: the training diverged.
        """
        rng = np.random.default_rng(seed)
        parts = [
            _parted(len(rows), share, rng)
            for rows, share in zip((batches.real, batches.fake), scored_shares, strict=True)
        ]
        trained, scored = zip(*parts, strict=True)
        self._start(seed)
        for number, pair in enumerate(batches.draw(self._iterations, trained, rng)):
            self._step(*pair, _seed(rng, number))
        self._optimizer.finalize_variable_values(self._network.trainable_variables)
        values = [
            self._value(*pair, _seed(rng, number)).numpy()
            for number, pair in enumerate(batches.draw(scored_batches, scored, rng))
        ]
        if not np.isfinite(values).all():
            raise UndefinedScore("the independent critic diverged: take a lower learning rate")
        return float(np.mean(values, dtype=np.float64))

    def _start(self, seed) -> None:
        """Resets the weights to those of a new network, and the optimiser to its initial state."""
        fresh = self._critic(self._shape, int(np.random.default_rng(seed).integers(2**24)))
        self._network.set_weights(fresh.get_weights())
        for variable in self._optimizer.variables:
            variable.assign(tf.zeros_like(variable))

    def _update(self, real, fake, seed):
        variables = self._network.trainable_variables
        with tf.GradientTape() as tape:
            loss = -self._estimated(real, fake, seed, training=True)
        slopes = tape.gradient(loss, [variable.value for variable in variables])
        self._optimizer.apply(slopes, variables)

    def _estimated(self, real, fake, seed, training=False):
        seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
        real, fake = self._prepare(real, seeds[0]), self._prepare(fake, seeds[1])

        def values(samples):
            return tf.reshape(self._network(samples, training=training), [-1])

        return self._estimate(values, real, fake, seeds[2])


def _tried(name: str, critic: Callable, shape: tuple[int, ...]) -> keras.Model:
    """A network for samples of a shape.

    Raises:
      UserError: the critic makes no network, or one without one number per sample.
    """
    network = kinds.tried(name, critic, shape, 0, like=CRITIC)
    if not isinstance(network, keras.Model):
        raise UserError(f"{name} is {kinds.shown(critic)}: it must be {CRITIC}")
    try:
        output = network(tf.zeros([2, *shape]))
    except Exception as error:
        raise UserError(
            f"{name} is {kinds.shown(critic)}: its network does not take samples of shape"
            f" {list(shape)} ({first_line(error)}); it must be {CRITIC}"
        ) from error
    output = list(getattr(output, "shape", []))
    if output not in ([2], [2, 1]):
        raise UserError(
            f"{name} is {kinds.shown(critic)}: it makes {output} of 2 samples of shape"
            f" {list(shape)}; it must make one number of each"
        )
    return network


def _seed(rng: np.random.Generator, number: int):
    """Seed [2] of the noise of one batch."""
    return tf.constant([int(rng.integers(2**31)), number], tf.int32)


def _parted(count: int, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Indices that are trained on and those that are scored, chosen at random.

    Raises:
      UndefinedScore: one of the two would be empty.
    """
    if not share:
        return np.arange(count), np.arange(count)
    order, scored = rng.permutation(count), round(share * count)
    if not 0 < scored < count:
        raise UndefinedScore(f"{count} samples cannot be parted by a scored_share of {share}")
    return order[scored:], order[:scored]
