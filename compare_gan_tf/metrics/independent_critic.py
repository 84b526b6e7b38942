"""Neural net divergence: the value that an independent critic reaches on reals and fakes.

Raffel, GANs and divergence minimization, 2019, eq. 16; Gulrajani, Raffel and Metz, Towards GAN
benchmarks which require generalization, 2019: the value of

    max_f  E_real f(x) - E_fake f(x) - lambda E (|grad f(x')| - 1)^2

with x' uniform between a real sample and a fake, for a critic f that the model was not trained
against. Unlike FID and the Inception Score, it ranks a good model above a memorised training set,
if the reals are held out: take the split test or validation.
"""

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import gin
import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.metrics.base import (
    Collected,
    Metric,
    Rows,
    Score,
    ThreeOrMore,
    UndefinedScore,
    check_rows,
)
from compare_gan_tf.metrics.critic_training import Batches, Critic, Training
from compare_gan_tf.metrics.intervals import student_quantile
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import (
    Count,
    Decay,
    Function,
    Index,
    Made,
    Number,
    Positive,
    check_fields,
    checked,
)

Layers = Annotated[int, Number(least=0, most=100, whole=True)]
_ESTIMATE = "an estimate such as @PenalisedWasserstein()"
Estimate = Annotated[Callable, Made(callable, like=_ESTIMATE), Function(0, 0, 0, 0, like=_ESTIMATE)]
Share = Annotated[float, Number(least=0, below=1)]


def _is_divergence(value) -> bool:
    names = ("activation", "conjugate_of_activation")
    return all(callable(getattr(value, name, None)) for name in names)


Divergence = Annotated[Any, Made(_is_divergence, like="an f-divergence such as @kl()")]

# --- What a critic maximises ------------------------------------------------------------------


@gin.configurable(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class PenalisedWasserstein:
    """E f(real) - E f(fake) - penalty E (sqrt(1e-8 + |grad f|^2) - 1)^2, Gulrajani et al., 2017.

    The penalty is part of the value, as in the official code: it is a minimax value, which is 0 for
    equal distributions and D + D^2 / (4 penalty) for linear critics and means at a distance of D.
    With a single feature, the penalty keeps a critic with an initial slope of the wrong sign from
    changing it: take an f-divergence there.

    Attributes:
      penalty: lambda.
    """

    penalty: Positive = 10.0

    def __post_init__(self):
        check_fields(self)

    def __call__(self, critic: Callable, real, fake, seed):
        """The value, a scalar, for reals and fakes float32 [n, ...]."""
        values = critic(tf.concat([real, fake], 0))
        share = tf.random.stateless_uniform([len(real)] + [1] * (len(real.shape) - 1), seed)
        between = real + share * (fake - real)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(between)
            there = critic(between)
        squares = tf.reshape(tf.square(tape.gradient(there, between)), [len(real), -1])
        slope = tf.sqrt(1e-8 + tf.reduce_sum(squares, 1))
        difference = tf.reduce_mean(values[: len(real)]) - tf.reduce_mean(values[len(real) :])
        return difference - self.penalty * tf.reduce_mean(tf.square(slope - 1.0))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class FDivergenceBound:
    """E T(real) - E f*(T(fake)), a lower bound of D_f(real || fake) (Nowozin et al., 2016, eq. 4).

    A critic memorises few samples, and then the bound of KL is unlimited: set `scored_share`, so
    that other samples are scored.

    Attributes:
      divergence: one of `objectives.f_divergences`, such as @kl(), or another object with
        `activation`, from the critic to T, and `conjugate_of_activation`.
    """

    divergence: Divergence

    def __post_init__(self):
        check_fields(self)

    def __call__(self, critic: Callable, real, fake, seed):
        """The bound, a scalar, for reals and fakes float32 [n, ...]."""
        values = critic(tf.concat([real, fake], 0))
        outputs = self.divergence.activation(values[: len(real)])
        conjugates = self.divergence.conjugate_of_activation(values[len(real) :])
        return tf.reduce_mean(outputs) - tf.reduce_mean(conjugates)


# --- Networks ---------------------------------------------------------------------------------


@gin.configurable(module="metrics")
@checked
def convolutional_critic(shape: tuple[int, ...], seed: int, *, filters: Count = 64) -> keras.Model:
    """The official code's: three convolutions of 5x5 with stride 2 and swish, then a dense layer.

    1,033,345 parameters for 32x32x3.

    Args:
      shape: (H, W, C).
      seed: of the initial weights, He's normal ones.
      filters: of the first convolution; the others have twice and four times as many.
    """
    initial = iter(keras.initializers.HeNormal(4 * seed + i) for i in range(4))
    x = images = keras.Input(shape)
    for width in (filters, 2 * filters, 4 * filters):
        x = keras.layers.Conv2D(
            width, 5, 2, padding="same", activation="swish", kernel_initializer=next(initial)
        )(x)
    x = keras.layers.Dense(1, kernel_initializer=next(initial))(keras.layers.Flatten()(x))
    return keras.Model(images, x)


@gin.configurable(module="metrics")
@checked
def mlp_critic(shape: tuple[int, ...], seed: int, *, units: Count = 128, layers: Layers = 2):
    """Hidden layers with swish, then a linear one.

    Args:
      shape: (d,).
      seed: of the initial weights, He's normal ones.
      units: of each hidden layer.
      layers: hidden ones.
    """
    initial = [keras.initializers.HeNormal((layers + 1) * seed + i) for i in range(layers + 1)]
    x = points = keras.Input(shape)
    for one in initial[:-1]:
        x = keras.layers.Dense(units, "swish", kernel_initializer=one)(x)
    return keras.Model(points, keras.layers.Dense(1, kernel_initializer=initial[-1])(x))


# --- Metrics ----------------------------------------------------------------------------------


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class IndependentCritic(Metric):
    """The mean value of several critics on pixels, which start from different weights.

    The input of a critic is (x - 128) / 128 plus uniform noise on [0, 1/128), for pixels x in
    [0, 255]. The value grows with `iterations`, and with fewer samples, which a critic memorises:
    compare models under one protocol with equally many samples. Published scores have `iterations`
    100,000, `batch_size` 256, `averaging` 0.999 and `scored_batches` 10,000. The defaults take
    minutes on a CPU for 8x8 images, and half an hour for 32x32.

    The interval is Student's over the critics: it covers other critics on the same samples, not
    other samples.

    Attributes:
      estimate: the value that a critic maximises: None for `PenalisedWasserstein()`, or
        `FDivergenceBound` with any f-divergence.
      critic: (shape of a sample, seed) -> keras.Model to [n] or [n, 1].
      critics: number of critics, 3 or more.
      iterations: training steps of each critic.
      batch_size: samples of each side per step.
      learning_rate: initial rate of Adam, with a linear decay to 0.
      averaging: decay of the moving average of the weights, which are scored.
      scored_batches: number of batches over which the value is averaged.
      scored_share: share of the samples of each side that are scored and not trained on; 0, as
        published, scores the samples that were trained on.
      scored_share_of_fakes: the share for the fakes; None for `scored_share`. Use 0 if the fakes
        are all samples that the model has, as for a memorised training set.
      seed: of weights, batches and noise.
    """

    name: ClassVar[str] = "independent_critic"
    needs: ClassVar[dict] = {"real": ("images",), "fake": ("images",)}
    scores: ClassVar[dict] = {"independent_critic": False}
    enough: ClassVar[dict] = {"real": 1_000}

    estimate: Estimate | None = None
    critic: Critic = convolutional_critic
    critics: ThreeOrMore = 3
    iterations: Count = 500
    batch_size: Count = 64
    learning_rate: Positive = 2e-4
    averaging: Decay = 0.98
    scored_batches: Count = 100
    scored_share: Share = 0.0
    scored_share_of_fakes: Share | None = None
    seed: Index = 0

    def __post_init__(self):
        super().__post_init__()
        if self.estimate is None:  # made now, with what gin binds
            object.__setattr__(self, "estimate", PenalisedWasserstein())

    def rows(self, side: Collected) -> Rows:
        return side.images

    def prepare(self, samples, seed):
        """uint8 [n, H, W, C] -> float32 that the critic takes."""
        noise = tf.random.stateless_uniform(tf.shape(samples), seed, maxval=1 / 128)
        return (tf.cast(samples, tf.float32) - 128.0) / 128.0 + noise

    def _try_estimate(self, name: str) -> None:
        samples, seed = tf.zeros([2, 1]), tf.zeros([2], tf.int32)
        arguments = (lambda values: values[:, 0], samples, samples, seed)
        found = kinds.tried(name, self.estimate, *arguments, like=_ESTIMATE)
        kinds.require_shape(name, self.estimate, found, (), like=_ESTIMATE)

    def training(self, shape: tuple[int, ...]) -> Training:
        """The training of critics for samples of this shape."""
        self._try_estimate(f"{type(self).__name__}.estimate")
        return Training(
            estimate=self.estimate,
            prepare=self.prepare,
            critic=self.critic,
            critic_name=f"{type(self).__name__}.critic",
            shape=shape,
            iterations=self.iterations,
            learning_rate=self.learning_rate,
            averaging=self.averaging,
        )

    def __call__(self, real, fake):
        sides = self.rows(real), self.rows(fake)
        for rows, what in zip(sides, ("real samples", "fakes"), strict=True):
            check_rows(rows, least=2, what=what)  # a single one has no spread to be told by
        shapes = [rows.shape[1:] for rows in sides]
        if shapes[0] != shapes[1]:
            raise UndefinedScore(f"real samples are {shapes[0]}, fakes {shapes[1]}")
        training = self.training(shapes[0])
        batches = Batches(*sides, self.batch_size)
        of_fakes = self.scored_share_of_fakes
        shares = self.scored_share, self.scored_share if of_fakes is None else of_fakes
        scored = {"scored_batches": self.scored_batches, "scored_shares": shares}
        values = [training.run(batches, **scored, seed=[self.seed, i]) for i in range(self.critics)]
        return {self.name: _mean(np.array(values))}


def _mean(values: np.ndarray) -> Score:
    """Mean of values [n >= 3] and Student's interval."""
    mean, count = float(values.mean()), len(values)
    reach = float(student_quantile(count - 1) * values.std(ddof=1) / np.sqrt(count))
    return Score(mean, (mean - reach, mean + reach))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureCritic(IndependentCritic):
    """`IndependentCritic` on features in their own units, for instance on points in the plane."""

    name: ClassVar[str] = "feature_critic"
    needs: ClassVar[dict] = {"real": ("features",), "fake": ("features",)}
    scores: ClassVar[dict] = {"feature_critic": False}

    critic: Critic = mlp_critic
    iterations: Count = 3000
    batch_size: Count = 256
    learning_rate: Positive = 1e-3
    averaging: Decay = 0.999

    def rows(self, side):
        return side.features

    def prepare(self, samples, seed):
        """Float [n, d] -> float32."""
        return tf.cast(samples, tf.float32)
