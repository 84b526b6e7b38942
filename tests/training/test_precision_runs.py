"""Whole runs in mixed precision: thousands of steps without NaN, scores as those of float32.

They take minutes on idle cores: a CPU computes float16 slowly. Two trainings part ways after a few
steps, and their scores differ as those of two seeds do (of hinge in float32: FID 36 to 55 for four
seeds). So the score must lie in the interval, by float32's scores of four seeds, of one more seed;
by Bonferroni's rule, so that with a probability of 95 % all eight do.
"""

import functools

import numpy as np
import pytest
import scipy.stats

from compare_gan_tf import data, evaluation, optimizers, training
from compare_gan_tf.architectures import dcgan, mlp
from compare_gan_tf.gan import GAN
from compare_gan_tf.latents import Normal
from compare_gan_tf.layers import batch_norm, spectral_norm
from compare_gan_tf.objectives import Adversarial, GradientPenalty, Relativistic, losses
from compare_gan_tf.objectives.gradient_penalty import at_fake, at_real
from compare_gan_tf.runs import logs

pytestmark = [pytest.mark.slow, pytest.mark.optimised_graphs]

STEPS = 3000
SLOPES = {"target": 0.0, "weight": 0.3}
OBJECTIVES = {
    "hinge": lambda: [Adversarial(losses.hinge)],
    "wgan_gp": lambda: [Adversarial(losses.wasserstein), GradientPenalty()],
    "r1": lambda: [Adversarial(), GradientPenalty(at_real, **SLOPES)],
    "r3gan": lambda: [
        Relativistic(),
        GradientPenalty(at_real, **SLOPES, name="r1"),
        GradientPenalty(at_fake, **SLOPES, name="r2"),
    ],
}
NETWORKS = {
    "hinge": (
        functools.partial(dcgan.generator, width=4),
        functools.partial(dcgan.discriminator, width=4, kernel_norm=spectral_norm),
    )
}
DENSE = (
    functools.partial(mlp.generator, units=64, norm=batch_norm),
    functools.partial(mlp.discriminator, units=64),
)


def trained(folder, name, precision, seed=0):
    """The log of a run, and its FID on the validation split."""
    generator, discriminator = NETWORKS.get(name, DENSE)
    digits = data.load("digits")
    gan = training.train(
        str(folder),
        dataset=digits,
        model=functools.partial(
            GAN,
            generator=generator,
            discriminator=discriminator,
            objectives=OBJECTIVES[name](),
            latents=Normal(16),
            conditional=True,
            g_optimizer=optimizers.adam(learning_rate=1e-3),
            d_optimizer=optimizers.adam(learning_rate=1e-3),
            ema_decay=0.99,
            precision=precision,
        ),
        seed=seed,
        training_steps=STEPS,
        batch_size=32,
        steps_per_execution=50,
        checkpoint_every=STEPS,
        sample_every=STEPS,
        log_every=50,
    )
    rows = evaluation.evaluate(str(folder), gan, digits, metrics=["fid"])
    at_end = [row for row in rows if row["step"] == STEPS and row["split"] == "validation"]
    return logs.read(str(folder)), at_end[0]["value"]


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """FID of four seeds in float32, of the objective with a name."""

    def scores(name):
        return [trained(tmp_path_factory.mktemp(name), name, "float32", s)[1] for s in range(4)]

    return functools.cache(scores)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_3000_steps_are_finite_and_score_as_float32(full, tmp_path, name, precision):
    log, score = trained(tmp_path, name, precision)
    assert log[-1]["step"] == STEPS and len(log) == STEPS // 50
    assert all(np.isfinite(value) for row in log for value in row.values())
    scores = full(name)
    quantile = scipy.stats.t.ppf(1 - 0.025 / (2 * len(OBJECTIVES)), 3)
    reach = quantile * np.std(scores, ddof=1) * np.sqrt(1 + 1 / 4)
    assert abs(score - np.mean(scores)) < reach
