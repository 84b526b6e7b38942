"""Alphabets of discrete generators: values for `GAN.alphabet`.

With an alphabet the outputs of G are logits of a distribution that factors over positions. Hard
samples are drawn from it, and D sees reals and fakes in the same form:

  Bits        one Bernoulli variable per pixel; D sees -1 and 1
  Colours     one of k colours per pixel; D sees one-hot vectors [height, width, k]
  Characters  one of k characters per position; D sees one-hot vectors [length, k]

Each position takes one uniform number, and the inverse distribution function turns it into a
symbol. So a seed decides the samples.

A hard sample has no gradient. Either the objective estimates the gradient of G itself
(`DiscreteBoundarySeeking`), or a `relaxation` replaces the hard samples by others that have a
gradient: `straight_through` or `Concrete(temperature)`, functions of (alphabet, logits, noise).
"""

from collections.abc import Callable
from typing import Annotated

import gin
import numpy as np
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.data.images import from_uint8
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.signatures import Function, Made, Positive, checked

_RELAXATION = (
    "@Concrete(), with parentheses, or a function (alphabet, logits, noise) such as "
    "@straight_through"
)
Relaxation = Annotated[Callable, Function(0, 0, 0, like=_RELAXATION)]


class Alphabet:
    """Base of the alphabets. Call `bind` once before any other method.

    Attributes:
      player_shape: shape of G's logits and of D's inputs, without the batch.
      draw_shape: shape of the uniform numbers that one sample takes.
      relaxation: replaces the fakes in training, or None for hard samples.
      one_hot: whether the players see one-hot vectors instead of images.
    """

    one_hot = False

    @checked
    def __init__(self, relaxation: Relaxation | None = None):
        self.relaxation = relaxation
        self.player_shape = self.draw_shape = None

    def bind(self, sample_shape: tuple[int, ...], symbols) -> None:
        """Sets the shapes for a data set and its symbols: a palette, a vocabulary, or None.

        Raises:
          UserError: this alphabet cannot represent such data.
        """
        raise NotImplementedError

    def check_data(self, data) -> None:
        """Refuses samples that have the right shape, but values outside the alphabet.

        Args:
          data: a batch, as `encode` takes it.

        Raises:
          UserError: a value is not in the alphabet.
        """

    def encode(self, data):
        """Converts a batch of the data into D's input, float32 [n, *player_shape]."""
        raise NotImplementedError

    def decode(self, hard):
        """Converts hard samples to images float32 in [-1, 1] or characters int32 [n, length]."""
        raise NotImplementedError

    def draw(self, logits, uniforms):
        """Hard samples [..., *player_shape] of uniforms [..., *draw_shape] in (0, 1)."""
        raise NotImplementedError

    def likeliest(self, logits):
        """The most probable hard samples."""
        raise NotImplementedError

    def log_probability(self, logits, hard):
        """log g(x) of hard samples x: the sum over all positions; the arguments broadcast."""
        raise NotImplementedError

    def probabilities(self, logits):
        """The probability of 1, or of each symbol on the last axis."""
        raise NotImplementedError

    def get_config(self) -> dict:
        """What a user of exported logits needs: the kind of the alphabet, and its symbols."""
        return {"name": type(self).__name__.lower()}

    def relaxed(self, logits, noise):
        """The fakes of one update, [n, *player_shape]: relaxed, or hard and without gradient.

        Args:
          logits: [n, *player_shape].
          noise: the update's `random.Noise`.
        """
        if self.relaxation is None:
            return tf.stop_gradient(self.draw(logits, self.uniforms(logits, noise)))
        return self.relaxation(self, logits, noise)

    def uniforms(self, logits, noise):
        """Uniform numbers for one draw of each sample, [n, *draw_shape]."""
        return noise.uniform("alphabet", [logits.shape[0], *self.draw_shape])


AnAlphabet = Annotated[Alphabet, Made(Alphabet, like="an alphabet such as @Bits()")]


class Bits(Alphabet):
    """Black and white pixels, for a data set under `data.load.view = @binarised`.

    Args:
      relaxation: replaces the fakes in training, or None for hard samples.
    """

    def bind(self, sample_shape, symbols):
        if len(sample_shape) != 3 or symbols is not None:
            raise UserError(
                f"GAN.alphabet is Bits but the data has samples of shape {sample_shape} with "
                f"{'symbols of their own' if symbols is not None else 'no pixels'}: it is for "
                "images under data.load.view = @binarised"
            )
        self.player_shape = self.draw_shape = tuple(sample_shape)

    def check_data(self, data):
        levels = np.unique(data)
        between = levels[(levels > 0) & (levels < 255)]
        if len(between):
            raise UserError(
                f"GAN.alphabet is Bits but pixels of the data are {between[0]}, neither 0 nor 255: "
                "set data.load.view = @binarised"
            )

    def encode(self, data):
        return _signs(from_uint8(data) > 0.0, tf.float32)

    def decode(self, hard):
        return hard

    def draw(self, logits, uniforms):
        return _signs(uniforms < tf.sigmoid(logits), logits.dtype)

    def likeliest(self, logits):
        return _signs(logits > 0.0, logits.dtype)

    def log_probability(self, logits, hard):
        values = -tf.math.softplus(-hard * logits)
        return tf.reduce_sum(values, list(range(-len(self.player_shape), 0)))

    def probabilities(self, logits):
        return tf.sigmoid(logits)

    def mean(self, logits):
        """The mean of the samples: 2 p - 1 = tanh(logits / 2)."""
        return tf.tanh(logits / 2.0)

    def concrete(self, logits, noise, temperature: float):
        """tanh((logits + logistic noise) / (2 temperature)): Maddison et al., 2017."""
        uniforms = noise.uniform("concrete", logits.shape)
        logistic = tf.math.log(uniforms) - tf.math.log1p(-uniforms)
        return tf.tanh((logits + logistic) / (2.0 * temperature))


def _signs(positive, dtype):
    return 2.0 * tf.cast(positive, dtype) - 1.0


class Categorical(Alphabet):
    """One of k symbols per position; the last axis of logits and samples is the symbol."""

    one_hot = True

    def draw(self, logits, uniforms):
        probabilities = tf.nn.softmax(logits)
        below = tf.cumsum(probabilities, -1)[..., :-1] <= uniforms[..., tf.newaxis]
        indices = tf.reduce_sum(tf.cast(below, tf.int32), -1)
        return tf.one_hot(indices, self.player_shape[-1], dtype=logits.dtype)

    def likeliest(self, logits):
        return tf.one_hot(tf.argmax(logits, -1), self.player_shape[-1], dtype=logits.dtype)

    def log_probability(self, logits, hard):
        values = hard * tf.nn.log_softmax(logits)
        return tf.reduce_sum(values, list(range(-len(self.player_shape), 0)))

    def probabilities(self, logits):
        return tf.nn.softmax(logits)

    def mean(self, logits):
        """The mean of the one-hot samples: softmax(logits)."""
        return tf.nn.softmax(logits)

    def concrete(self, logits, noise, temperature: float):
        """softmax((logits + Gumbel noise) / temperature): Jang et al., 2017, eq. 2."""
        gumbel = -tf.math.log(-tf.math.log(noise.uniform("concrete", logits.shape)))
        return tf.nn.softmax((logits + gumbel) / temperature)


class Colours(Categorical):
    """Pixels from a palette, for a data set under `data.load.view = @adaptive_palette()`.

    Args:
      relaxation: replaces the fakes in training, or None for hard samples.
    """

    def bind(self, sample_shape, symbols):
        palette = None if symbols is None else np.asarray(symbols)
        if palette is None or palette.dtype != np.uint8 or len(sample_shape) != 3:
            raise UserError(
                "GAN.alphabet is Colours but the data has no palette: set "
                "data.load.view = @adaptive_palette()"
            )
        self.palette = palette  # [k, channels]
        self.player_shape = (*sample_shape[:2], len(palette))
        self.draw_shape = tuple(sample_shape[:2])

    def get_config(self):
        return super().get_config() | {"palette": self.palette.tolist()}

    def encode(self, data):
        """The one-hot vector of each pixel's colour, which must be in the palette."""
        same = tf.equal(data[..., tf.newaxis, :], tf.constant(self.palette))
        return tf.cast(tf.reduce_all(same, -1), tf.float32)

    def decode(self, hard):
        return tf.tensordot(hard, tf.cast(from_uint8(self.palette), hard.dtype), 1)


class Characters(Categorical):
    """Lines of text, for the data set "text:/path".

    Args:
      relaxation: replaces the fakes in training, or None for hard samples.
    """

    def bind(self, sample_shape, symbols):
        if symbols is None or len(sample_shape) != 1 or not isinstance(symbols[0], str):
            raise UserError(
                "GAN.alphabet is Characters but the data is no text: set data.load.name to "
                '"text:/path"'
            )
        self.vocabulary = tuple(symbols)
        self.player_shape = (*sample_shape, len(self.vocabulary))
        self.draw_shape = tuple(sample_shape)

    def get_config(self):
        return super().get_config() | {"vocabulary": list(self.vocabulary)}

    def encode(self, data):
        return tf.one_hot(tf.cast(data, tf.int32), len(self.vocabulary))

    def decode(self, hard):
        return tf.argmax(hard, -1, tf.int32)


def draw_uniforms(num, seed, alphabet):
    """Uniform numbers [num, *draw_shape] for a seed, independent of its latents and labels."""
    own = tf.random.fold_in(seed, 1000, alg="philox")  # latents and labels fold in small numbers
    return random.uniform([num, *alphabet.draw_shape], own)


for _alphabet in (Bits, Colours, Characters):
    gin.register(_alphabet, module="alphabets")


@gin.configurable(module="alphabets")
def straight_through(alphabet, logits, noise):
    """Hard samples with the gradient of their mean (Bengio et al., 2013)."""
    mean = alphabet.mean(logits)
    hard = alphabet.draw(logits, alphabet.uniforms(logits, noise))
    return mean + tf.stop_gradient(hard - mean)


@gin.register(module="alphabets")
class Concrete:
    """Gumbel-softmax: soft samples (Jang et al., 2017, eq. 2; Maddison et al., 2017).

    Args:
      temperature: > 0; a lower one gives harder samples and a gradient of higher variance.
    """

    @checked
    def __init__(self, temperature: Positive = 0.67):
        self.temperature = temperature

    def __call__(self, alphabet, logits, noise):
        return alphabet.concrete(logits, noise, self.temperature)
