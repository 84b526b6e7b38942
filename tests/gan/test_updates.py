"""Whole updates against a reference in numpy: weights, spectral norm, batch norm, Adam, averages.

`GAN.train_step` is run as it is; what each of its updates leaves behind is compared with
tests/goldens/updates.json, whose maker writes forward and backward passes out.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import GAN, optimizers, random
from compare_gan_tf.gan import update
from compare_gan_tf.layers import BatchNorm, SpectralNorm
from compare_gan_tf.objectives import Adversarial, GradientPenalty, Relativistic, losses
from compare_gan_tf.objectives.gradient_penalty import at_fake, at_real

# Of float32 beside float64; Adam divides gradients by their size, which keeps their relative error.
CLOSE = {"rtol": 2e-5, "atol": 2e-6}


class Given:
    """Latents given as z [steps, substeps, n, dim], looked up by the position of the noise."""

    def __init__(self, z):
        self.z, self.dim = np.array(z, np.float32), np.shape(z)[-1]

    def sample(self, num, seed, truncation=0.0):
        step, substep = divmod(int(seed[1]), random.SUBSTEPS)
        assert num == self.z.shape[2]
        return tf.constant(self.z[step, substep])


def players(name: str, case: dict, settings: dict):
    """(generator, discriminator, {kind of state: {name: variable}})."""
    g, d = case["start"]["generator"], case["start"]["discriminator"]
    hidden = keras.layers.Dense(len(g["kernel"][0]), use_bias="bias" in g)
    out = keras.layers.Dense(len(g["out_bias"]))
    norm = BatchNorm(momentum=settings["bn_momentum"], epsilon=settings["bn_epsilon"])
    middle = [norm] if name == "sngan" else []
    relu = keras.layers.ReLU()
    generator = keras.Sequential([keras.Input((len(g["kernel"]),)), hidden, *middle, relu, out])
    own = keras.layers.Dense(len(d["bias"]))
    logit = keras.layers.Dense(1, use_bias="out_bias" in d)
    wrap = SpectralNorm if name == "sngan" else lambda layer: layer
    normed = [wrap(own), wrap(logit)]
    leaky = keras.layers.LeakyReLU(settings["slope"])
    sample = keras.Input((len(d["kernel"]),))
    discriminator = keras.Sequential([sample, normed[0], leaky, normed[1]])
    state = {
        "generator": {"kernel": hidden.kernel, "out_kernel": out.kernel, "out_bias": out.bias},
        "discriminator": {"kernel": own.kernel, "bias": own.bias, "out_kernel": logit.kernel},
    }
    if name == "sngan":
        state["generator"] |= {"gamma": norm.gamma, "beta": norm.beta}
        state["discriminator"]["out_bias"] = logit.bias
        state["u"] = {"kernel": normed[0].u, "out_kernel": normed[1].u}
        state["statistics"] = {"mean": norm.moving_mean, "variance": norm.moving_variance}
    else:
        state["generator"]["bias"] = hidden.bias
    for kind, variables in state.items():
        for key, variable in variables.items():
            variable.assign(case["start"][kind][key])
    return generator, discriminator, state


def game(name: str, golden) -> tuple:
    """(the GAN, where its state is, the golden's case)."""
    numbers = golden("updates")
    case, settings = numbers[name], numbers["settings"]
    generator, discriminator, state = players(name, case, settings)
    half = settings["gamma"] / 2
    objectives = {
        "sngan": [Adversarial(losses.hinge)],
        "r3gan": [
            Relativistic(),
            GradientPenalty(at_real, target=0.0, weight=half, name="r1"),
            GradientPenalty(at_fake, target=0.0, weight=half, name="r2"),
        ],
    }
    gan = GAN(
        generator=generator,
        discriminator=discriminator,
        objectives=objectives[name],
        latents=Given(case["z"]),
        d_steps={"sngan": 2, "r3gan": 1}[name],
        g_optimizer=optimizers.adam(**settings["adam"][name]),
        d_optimizer=optimizers.adam(**settings["adam"][name]),
        ema_decay=settings["decay"] if name == "r3gan" else None,
    )
    if name == "r3gan":
        pairs = zip(gan.generator.weights, gan.ema.generator.weights, strict=True)
        averages = {id(weight): average for weight, average in pairs}
        state["average"] = {k: averages[id(v)] for k, v in state["generator"].items()}
    return gan, state, case


def compare(gan, state, expected):
    for kind, variables in state.items():
        for key, variable in variables.items():
            where = f"{kind} {key}"
            np.testing.assert_allclose(variable, expected[kind][key], **CLOSE, err_msg=where)
    optimizer_of = {"generator": gan.g_optimizer, "discriminator": gan.d_optimizer}
    for player, optimizer in optimizer_of.items():
        for key, variable in state[player].items():
            place = optimizer._get_variable_index(variable)
            for slot, found in (("m", optimizer._momentums), ("v", optimizer._velocities)):
                numbers = expected["adam"][player][slot][key]
                where = f"{player} {slot} of {key}"
                np.testing.assert_allclose(found[place], numbers, **CLOSE, err_msg=where)


@pytest.mark.parametrize("name", ["sngan", "r3gan"])
def test_every_update_is_that_of_the_reference(name, golden, monkeypatch):
    gan, state, case = game(name, golden)
    expected = iter(case["updates"])
    original = update.update

    def compared(gan, player, *arguments, **keywords):
        shares = original(gan, player, *arguments, **keywords)
        numbers = next(expected)
        assert player == numbers["player"]
        now = {kind: own for kind, own in state.items() if kind != "average"}
        compare(gan, now, numbers)
        return shares

    monkeypatch.setattr(update, "update", compared)
    for step, reals in enumerate(case["real"]):
        slices = np.swapaxes(np.array(reals, np.float32), 0, 1)[:, : gan.slices]
        gan.train_step((tf.constant(slices), None))
        done = case["updates"][(step + 1) * len(reals) - 1]
        compare(gan, state, done)  # with the average of G, which follows the step's updates
    assert next(expected, None) is None
