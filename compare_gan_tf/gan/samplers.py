"""Samplers of a trained pair: D chooses among the samples of G, or moves their latents.

Both take D's logit for the log ratio of data to fakes, which it is for the best D of
`losses.non_saturating`, and only in its order for other losses. They need no training.
"""

__all__ = ["Langevin", "Rejection"]

from collections.abc import Callable
from typing import Annotated

import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import passes
from compare_gan_tf.latents import Normal
from compare_gan_tf.settings.signatures import Count, Number, Positive, checked

Percent = Annotated[float, Number(least=0, most=100)]
_BLOCK = 100  # samples of the burn-in that are made at a time


class Rejection:
    """Discriminator rejection sampling (Azadi et al., 2019, section 3 and algorithm 1).

    A sample with the logit D(x) is taken with probability sigma(F - log(1 - exp(F - e)) - gamma),
    where F = D(x) - M. M is the largest logit among `burn_in` samples; a larger one counts as M.
    The others are drawn anew, under the label that they had. gamma = 0 gives the density
    p(x) exp(D(x)), but may take hardly any sample; a percentile of F - log(1 - exp(F - e)) takes a
    share that the spread of the logits does not change much: the more, the lower it is.

    Args:
      percentile: gives gamma, among the same `burn_in` samples; published: 80. None for gamma = 0.
      burn_in: published: 10,000.
      epsilon: e.
      most: draws for one sample, after which the sampler gives up.
    """

    @checked
    def __init__(
        self,
        percentile: Percent | None = 80.0,
        burn_in: Count = 10_000,
        epsilon: Positive = 1e-8,
        most: Count = 10_000,
    ):
        self.percentile, self.burn_in = percentile, burn_in
        self.epsilon, self.most = epsilon, most

    def of(self, pair, truncation: float = 0.0) -> Callable:
        """A function (num, seed int [2], labels) -> samples, as `Draws.sample` gives them.

        Args:
          pair: a `GAN` or a `Pretrained`, with both players.
          truncation: of the latents.

        Raises:
          UserError: the generator is discrete.
        """
        _require_continuous(self, pair)
        logits = []
        for start in range(0, self.burn_in, _BLOCK):
            number = min(_BLOCK, self.burn_in - start)
            inputs = pair.draw_inputs(number, _seed(start, "burn-in"), truncation)
            logits.append(_logits(pair, inputs, pair.generate(inputs)))
        logits = np.concatenate(logits)
        largest = logits.max()
        scores = self._scores(logits, largest)
        gamma = 0.0 if self.percentile is None else np.percentile(scores, self.percentile)

        def sample(num, seed=(0, 0), labels=None):
            seed, kept, left = tuple(map(int, seed)), None, np.ones(num, bool)
            for attempt in range(self.most):
                own = seed if not attempt else _seed(*seed, attempt)
                inputs = pair.draw_inputs(num, own, truncation, labels)
                labels = inputs.get("labels")  # those that are drawn stay
                made = pair.generate(inputs).numpy()
                kept = made.copy() if kept is None else kept
                scores = self._scores(_logits(pair, inputs, made), largest) - gamma
                chance = np.random.default_rng([*seed, attempt]).uniform(size=num)
                taken = left & (chance < 1.0 / (1.0 + np.exp(-scores)))
                kept[taken], left = made[taken], left & ~taken
                if not left.any():
                    return kept
            raise UserError(
                f"Rejection: {left.sum()} of {num} samples were refused {self.most} times, because "
                "their logits are far below the largest: raise `most`, or lower `percentile`"
            )

        return sample

    def _scores(self, logits, largest):
        """F - log(1 - exp(F - e)), float64."""
        below = np.minimum(logits - largest, 0.0)
        return below - np.log(-np.expm1(below - self.epsilon))


class Langevin:
    """Discriminator driven latent sampling: DDLS (Che et al., 2020, algorithm 1).

    z moves by z <- z - (e / 2) dE/dz + sqrt(e) n with n ~ N(0, I), `steps` times, in the energy
    E(z) = |z|^2 / 2 - D(G(z)). Its density is that of z times exp(D(G(z))), as e goes to 0.

    Args:
      steps: published: 1,000 with CIFAR-10.
      step_size: e; published: 0.01.
    """

    @checked
    def __init__(self, steps: Count = 1000, step_size: Positive = 0.01):
        self.steps, self.step_size = steps, step_size

    def of(self, pair, truncation: float = 0.0) -> Callable:
        """A function (num, seed int [2], labels) -> samples, see `Rejection.of`.

        Raises:
          UserError: the generator is discrete, its latents are not normal, or they are truncated.
        """
        _require_continuous(self, pair)
        if type(pair.latents) is not Normal or truncation > 0.0:
            kind = "truncated" if truncation > 0.0 else type(pair.latents).__name__
            raise UserError(f"Langevin moves normal latents, and these are {kind}: take Rejection")

        @tf.function(autograph=False, reduce_retracing=True)
        def moved(inputs, noise):
            z = inputs["z"]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(z)
                made = pair.generate(inputs)
                logits = passes.logits(pair.discriminator, made, inputs.get("labels"))
            slope = tape.gradient(logits, z, unconnected_gradients="zero") - z
            return z + 0.5 * self.step_size * slope + self.step_size**0.5 * noise

        def sample(num, seed=(0, 0), labels=None):
            seed = tuple(map(int, seed))
            inputs = pair.draw_inputs(num, seed, 0.0, labels)
            for step in range(self.steps):
                noise = pair.latents.sample(num, _seed(*seed, step))
                inputs = inputs | {"z": moved(inputs, noise)}
            return pair.generate(inputs)

        return sample


def _require_continuous(sampler, pair) -> None:
    if pair.alphabet is not None:
        raise UserError(
            f"{type(sampler).__name__} is for images and points, and this generator makes symbols: "
            "leave the sampler out"
        )


def _seed(*numbers) -> tuple[int, int]:
    """A seed that differs for other numbers or words."""
    words = [one if isinstance(one, int) else int.from_bytes(one.encode()) for one in numbers]
    state = np.random.SeedSequence(words).generate_state(2)
    return tuple(int(one) >> 1 for one in state)


def _logits(pair, inputs: dict, samples) -> np.ndarray:
    """D's logits [n] of samples that G has made of its inputs."""
    return passes.logits(pair.discriminator, samples, inputs.get("labels")).numpy().astype(float)
