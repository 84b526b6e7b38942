"""GILBO: a lower bound of the mutual information of a generator's latents and images.

Alemi and Fischer, GILBO: one metric to measure them all, 2018, eq. 4:

    I(X; Z) >= E_{z ~ p(z)} [log e(z | G(z)) - log p(z)]

for any encoder e, which is trained here to make the bound tight.
"""

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import gin
import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.metrics import estimates
from compare_gan_tf.metrics.base import (
    Collected,
    Metric,
    TwoOrMore,
    UndefinedScore,
    labels_of_fakes,
)
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Count, Function, Index, Made, Positive, check_fields

_HELD_OUT = 1 << 20  # added to the seeds of training for the latents that are scored

_ENCODER = "a function (image_shape, latent_dim, seed) -> keras.Model such as @gilbo_encoder"
Encoder = Annotated[Callable, Function((), 1, 0, like=_ENCODER)]


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True)
class NormalLatents:
    """z ~ N(0, I); the encoder's distributions are Gaussians with a diagonal covariance."""

    def log_prior(self, z):
        """log p(z) [n, d] of each element."""
        return -0.5 * tf.square(z) - 0.5 * np.log(2 * np.pi)

    def log_encoder(self, z, parameters):
        """log e(z | x) [n, d] of each element under parameters [n, d, 2]."""
        mean, log_scale = tf.unstack(parameters, axis=-1)
        residual = (z - mean) * tf.exp(-log_scale)
        return -0.5 * tf.square(residual) - log_scale - 0.5 * np.log(2 * np.pi)


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True)
class UniformLatents:
    """z uniform on [-limit, limit]; the encoder's are Beta distributions on it, as the paper's."""

    limit: Positive = 1.0

    def __post_init__(self):
        check_fields(self)

    def log_prior(self, z):
        """log p(z) [n, d] of each element."""
        return tf.fill(tf.shape(z), tf.constant(-np.log(2 * self.limit), z.dtype))

    def log_encoder(self, z, parameters):
        """log e(z | x) [n, d] of each element under parameters [n, d, 2]."""
        a, b = tf.unstack(1.0 + tf.nn.softplus(parameters - 5.0), axis=-1)
        place = tf.clip_by_value((z / self.limit + 1.0) / 2.0, 1e-6, 1.0 - 1e-6)
        normaliser = tf.math.lgamma(a + b) - tf.math.lgamma(a) - tf.math.lgamma(b)
        log_beta = (a - 1.0) * tf.math.log(place) + (b - 1.0) * tf.math.log1p(-place) + normaliser
        return log_beta - np.log(2 * self.limit)


def _is_prior(value) -> bool:
    return all(callable(getattr(value, name, None)) for name in ("log_prior", "log_encoder"))


Prior = Annotated[Any, Made(_is_prior, like="latents such as @NormalLatents()")]


@gin.configurable(module="metrics")
def gilbo_encoder(image_shape: tuple[int, ...], latent_dim: int, seed: int) -> keras.Model:
    """The paper's network: images float [n, H, W, C] in [-1, 1] -> parameters [n, latent_dim, 2].

    Two strided convolutions of 4x4 and a hidden layer of 1024; padded, so that it takes small
    images too.
    """
    seeds = iter(range(4 * seed, 4 * seed + 4))

    def initial():
        return keras.initializers.GlorotUniform(next(seeds))

    x = images = keras.Input(image_shape)
    for filters in (64, 128):
        x = keras.layers.Conv2D(filters, 4, 2, padding="same", kernel_initializer=initial())(x)
        x = keras.layers.LeakyReLU(0.2)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.LeakyReLU(0.2)(keras.layers.Dense(1024, kernel_initializer=initial())(x))
    x = keras.layers.Dense(2 * latent_dim, kernel_initializer=initial())(x)
    return keras.Model(images, keras.layers.Reshape((latent_dim, 2))(x))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Gilbo(Metric):
    """The bound in nats, on latents that the encoder was not trained on.

    If the bound still rises with `steps`, it says more about the encoder than about the generator.
    Labels are drawn from those of the fakes; the encoder sees the image only, so the bound is that
    of the information about z alone. The interval is that of the mean over the scored latents.

    Attributes:
      prior: of the latents: `NormalLatents()` or `UniformLatents()`.
      encoder: (image_shape, latent_dim, seed) -> keras.Model from images in [-1, 1] to parameters
        [n, latent_dim, 2].
      steps: training steps; the paper trains until 10,000 more steps bring no improvement.
      learning_rate: of Adam, halved after each quarter of the steps.
      batch_size: of training and scoring.
      samples: latents that are scored.
      seed: of latents, labels and the encoder's weights.
    """

    name: ClassVar[str] = "gilbo"
    needs: ClassVar[dict] = {"real": (), "fake": ("generate", "latents")}
    wants: ClassVar[dict] = {"fake": ("labels",)}
    scores: ClassVar[dict] = {"gilbo": True}

    prior: Prior = NormalLatents()
    encoder: Encoder = gilbo_encoder
    steps: Count = 10_000
    learning_rate: Positive = 4e-4
    batch_size: Count = 64
    samples: TwoOrMore = 10_000
    seed: Index = 0

    def __call__(self, real, fake):
        rng = np.random.default_rng(self.seed)
        images, z = self._draw(fake, 2, self.seed, rng)
        encoder = self._encoder(images, z.shape[1])
        self._train(encoder, fake, rng)
        return {"gilbo": estimates.mean(self._score(encoder, fake, rng))}

    def _encoder(self, images, dimension: int):
        """The encoder, tried on images."""
        name, shape = "Gilbo.encoder", tuple(images.shape[1:])
        encoder = kinds.tried(name, self.encoder, shape, dimension, self.seed, like=_ENCODER)
        expected = (len(images), dimension, 2)
        made = encoder(images) if isinstance(encoder, keras.Model) else encoder
        kinds.require_shape(name, self.encoder, made, expected, like=_ENCODER)
        return encoder

    def _draw(self, fake: Collected, number: int, seed: int, rng: np.random.Generator):
        """Images [number, H, W, C] and the latents [number, d] they are of."""
        z = tf.convert_to_tensor(fake.latents(number, seed), tf.float32)
        labels = labels_of_fakes(fake, number, rng)
        return fake.generate(z, None if labels is None else tf.constant(labels)), z

    def _bound(self, encoder, images, z, training: bool):
        """log e(z | x) - log p(z), [n]."""
        parameters = encoder(images, training=training)
        difference = self.prior.log_encoder(z, parameters) - self.prior.log_prior(z)
        return tf.reduce_sum(difference, axis=1)

    def _train(self, encoder, fake: Collected, rng: np.random.Generator) -> None:
        optimizer = keras.optimizers.Adam(self.learning_rate, epsilon=1e-8)
        optimizer.build(encoder.trainable_variables)

        @tf.function
        def step(images, z):
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(self._bound(encoder, images, z, training=True))
            slopes = tape.gradient(loss, [v.value for v in encoder.trainable_variables])
            optimizer.apply(slopes, encoder.trainable_variables)
            return loss

        for number in range(self.steps):
            optimizer.learning_rate = self.learning_rate * 0.5 ** (4 * number // self.steps)
            loss = step(*self._draw(fake, self.batch_size, self.seed + 1 + number, rng))
        if not np.isfinite(loss):
            raise UndefinedScore("the encoder of GILBO diverged")

    def _score(self, encoder, fake: Collected, rng: np.random.Generator) -> np.ndarray:
        found = []
        for start in range(0, self.samples, self.batch_size):
            number = min(self.batch_size, self.samples - start)
            images, z = self._draw(fake, number, self.seed + _HELD_OUT + start, rng)
            found.append(self._bound(encoder, images, z, training=False).numpy())
        return np.concatenate(found)
