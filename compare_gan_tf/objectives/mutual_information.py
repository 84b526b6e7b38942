"""InfoGAN: a bound on the mutual information of codes and samples (Chen et al., 2016, eq. 5).

The codes c are part of z, see `latents.Coded`. A head Q on D's features predicts them, and both D
and G pay -E log Q(c | G(z, c)). Each kind of code has its own objective with a weight and a head;
the published weights are 1 for categorical and 0.1 for Gaussian codes.
"""

__all__ = ["CategoricalInformation", "GaussianInformation"]

import math
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR, Objective, Term
from compare_gan_tf.objectives.heads import LinearHead, on_several
from compare_gan_tf.settings.signatures import Factor, Number, checked

Hidden = Annotated[int, Number(least=0, whole=True, unit="units; 0 is for none")]


class _Information(Objective):
    """A head on D's features of fakes, trained with both players.

    Args:
      hidden: units of the head's hidden layer; 0 for none.
      kernel_norm: reparameterises the head's kernels, e.g. `spectral_norm`; None for none.
      weight, name: see `Objective`.
    """

    trains_with = (DISCRIMINATOR, GENERATOR)

    @checked
    def __init__(self, *, hidden: Hidden, kernel_norm, weight: Factor, name: str):
        super().__init__(weight=weight, name=name)
        self.hidden = hidden
        self.kernel_norm = kernel_norm

    def _build(self, gan, units: int):
        self.head = LinearHead(
            gan.discriminator, units, kernel_norm=self.kernel_norm, hidden=self.hidden
        )

    def _require(self, found, example: str):
        if not found:
            raise UserError(
                f"{type(self).__name__} needs codes in z: set GAN.latents = @Coded(), with "
                f"Coded.{example}"
            )

    def views(self, player, game, samples):
        return {"fake": samples.fake_view}

    def _terms(self, z, guess) -> list[Term]:
        raise NotImplementedError

    def discriminator(self, game, samples, scored):
        (guess,) = on_several(self.head, scored["fake"].features)
        return self._terms(samples.z, guess)

    def generator(self, game, samples, scored):
        return self.discriminator(game, samples, scored)


@gin.register(module="objectives")
class CategoricalInformation(_Information):
    """D and G pay the cross-entropy of each categorical code, a term each: "0", "1", ...

    Args:
      hidden: units of the head's hidden layer; 0 for none.
      kernel_norm: reparameterises the head's kernels, e.g. `spectral_norm`; None for none.
      weight: lambda.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self,
        hidden: Hidden = 128,
        kernel_norm=None,
        weight: Factor = 1.0,
        name: str = "categorical_information",
    ):
        super().__init__(hidden=hidden, kernel_norm=kernel_norm, weight=weight, name=name)

    def build_for(self, gan):
        slices = getattr(gan.latents, "categorical_slices", ())
        self._require(slices, "categorical = (10,)")
        self.slices = tuple((place.start, place.stop) for place in slices)
        self.sizes = [stop - start for start, stop in self.slices]
        self._build(gan, sum(self.sizes))

    def _terms(self, z, guess):
        guesses = tf.split(guess, self.sizes, 1)
        return [
            Term(str(index), tf.nn.softmax_cross_entropy_with_logits(z[:, start:stop], logits))
            for index, ((start, stop), logits) in enumerate(zip(self.slices, guesses, strict=True))
        ]


@gin.register(module="objectives")
class GaussianInformation(_Information):
    """D and G pay -log N(c; mean, variance), summed over the continuous codes c.

    Args:
      learn_variance: whether the head also predicts log variances; else variances are 1, as in the
        paper's MNIST experiment.
      hidden: units of the head's hidden layer; 0 for none.
      kernel_norm: reparameterises the head's kernels, e.g. `spectral_norm`; None for none.
      weight: lambda.
      name: prefix of its term in the logs.
    """

    @checked
    def __init__(
        self,
        learn_variance: bool = True,
        hidden: Hidden = 128,
        kernel_norm=None,
        weight: Factor = 0.1,
        name: str = "gaussian_information",
    ):
        super().__init__(hidden=hidden, kernel_norm=kernel_norm, weight=weight, name=name)
        self.learn_variance = learn_variance

    def build_for(self, gan):
        number = getattr(gan.latents, "continuous", 0)
        self._require(number, "continuous = 2")
        self.number = number
        self._build(gan, 2 * number if self.learn_variance else number)

    def _terms(self, z, guess):
        codes = z[:, -self.number :]
        mean, log_variance = guess[:, : self.number], tf.zeros_like(codes)
        if self.learn_variance:
            log_variance = guess[:, self.number :]
        squared = tf.square(codes - mean) * tf.exp(-log_variance)
        values = 0.5 * (squared + log_variance + math.log(2.0 * math.pi))
        return [Term("", tf.reduce_sum(values, 1))]
