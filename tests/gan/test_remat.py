"""GAN.remat: activations recomputed in the backward pass change nothing but memory and time."""

import functools
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import GAN, optimizers
from compare_gan_tf.architectures import biggan, mlp, resnet_cifar
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import remat
from compare_gan_tf.layers import batch_norm, no_norm, spectral_norm
from compare_gan_tf.layers.state import training_pass
from compare_gan_tf.objectives import Adversarial, GradientPenalty, Relativistic
from compare_gan_tf.objectives.gradient_penalty import at_real

MEMORY = pathlib.Path(__file__).parents[1] / "helpers" / "remat_memory.py"
SHAPE = (32, 32, 3)


def keras_generator():
    """With a model among its layers, dropout, batch norm and a shortcut, 4 x 4 to 32 x 32."""
    block_in = keras.Input((4, 4, 6))
    block = keras.Sequential([keras.layers.Conv2D(6, 3, padding="same"), keras.layers.ReLU()])
    inner = keras.Model(block_in, keras.layers.Add()([block_in, block(block_in)]))
    z = keras.Input((5,))
    x = keras.layers.Reshape((4, 4, 6))(keras.layers.Dense(96)(z))
    x = keras.layers.Dropout(0.5, seed=1)(keras.layers.BatchNormalization()(inner(x)))
    x = keras.layers.UpSampling2D(8)(x)
    return keras.Model(z, keras.layers.Conv2D(3, 1, activation="tanh")(x))


def keras_discriminator():
    layers = [
        keras.layers.Conv2D(6, 5, strides=4, activation="leaky_relu"),
        keras.layers.Conv2D(6, 3, activation="leaky_relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(1),
    ]
    return keras.Sequential([keras.Input(SHAPE), *layers])


def resnets(norm, kernel_norm=None):
    return {
        "generator": functools.partial(resnet_cifar.generator, width=4, norm=batch_norm),
        "discriminator": functools.partial(
            resnet_cifar.discriminator, width=4, norm=norm, kernel_norm=kernel_norm
        ),
    }


def bigs():
    settings = {"ch": 4, "kernel_norm": spectral_norm}
    return {
        "generator": functools.partial(biggan.generator, **settings),
        "discriminator": functools.partial(biggan.discriminator, **settings),
        "conditional": True,
        "num_classes": 3,
        "ema_decay": 0.9,
    }


CASES = {
    "spectral norm and R1": lambda: (
        resnets(no_norm, spectral_norm)
        | {"objectives": [Adversarial(), GradientPenalty(points=at_real, target=0.0)]}
    ),
    "a D that couples its batch": lambda: resnets(batch_norm) | {"objectives": [Relativistic()]},
    "a shared pass": lambda: resnets(no_norm) | {"reuse_last_batch": True, "d_steps": 2},
    "BigGAN": bigs,
    "Keras models": lambda: {
        "generator": keras_generator(),
        "discriminator": keras_discriminator(),
        "sample_shape": None,
    },
}


def trained(case: str, recomputed: bool, wrap):
    """The GAN, the logs and the values of all variables after two steps."""
    keras.utils.set_random_seed(0)
    settings = {"sample_shape": SHAPE, "objectives": [Adversarial()]} | CASES[case]()
    descent = {f"{one}_optimizer": optimizers.sgd(learning_rate=0.05) for one in "gd"}
    gan = GAN(remat=recomputed, **descent, **settings)
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (4, gan.slices, *SHAPE), np.uint8)
    labels = rng.integers(0, 3, (4, gan.slices), np.int32) if gan.num_classes else None
    step = wrap(lambda: gan.train_step((images, labels)))
    logs = [{name: float(value) for name, value in step().items()} for _ in range(2)]
    return gan, logs, {f"{i} {v.path}": v.numpy() for i, v in enumerate(gan.variables)}


GRAPH = functools.partial(tf.function, autograph=False)
WRAPS = {"graph": GRAPH, "eager": lambda step: step}


SLOW = {"BigGAN", "spectral norm and R1", "a shared pass", "a D that couples its batch"}
RUNS = [
    pytest.param(case, wrap, marks=[pytest.mark.slow] if case in SLOW else [])
    for case in CASES
    for wrap in WRAPS
    if wrap == "graph" or case == "Keras models"
]


@pytest.mark.parametrize(("case", "wrap"), RUNS)
def test_values_gradients_and_state_are_those_of_the_plain_pass(case, wrap):
    _, plain_logs, plain = trained(case, False, WRAPS[wrap])
    gan, logs, values = trained(case, True, WRAPS[wrap])
    assert all(len(one.recomputed.segments) > 1 for one in (gan.generator, gan.discriminator))
    for one, other in zip(plain_logs, logs, strict=True):
        assert one == pytest.approx(other, rel=1e-5)
    for (name, value), expected in zip(values.items(), plain.values(), strict=True):
        np.testing.assert_allclose(value, expected, rtol=2e-5, atol=2e-6, err_msg=name)


def test_the_network_is_cut_where_one_map_passes():
    model = resnet_cifar.discriminator(SHAPE, width=4)
    found = remat.segments(model)
    assert 3 <= len(found) <= 6
    assert sum(len(one.model.layers) - len(one.enters) for one in found) == len(model.layers) - 1
    for segment in found[1:]:
        assert len(segment.enters) == 1


def test_a_network_without_a_cut_is_refused():
    with pytest.raises(UserError, match="GAN.remat = True, but the generator cannot be cut"):
        GAN(
            (4, 4, 1),
            generator=functools.partial(mlp.generator, units=4, depth=0),
            discriminator=functools.partial(mlp.discriminator, units=4, depth=1),
            objectives=Adversarial(),
            remat=True,
        )


def test_the_backward_pass_computes_the_activations_again():
    """Were they kept, each convolution would run once forward."""
    counts = {}
    for recomputed in (False, True):
        model = resnet_cifar.discriminator(SHAPE, width=4)
        model.recomputed = remat.Recomputed(model, "discriminator") if recomputed else None

        def gradient(images, model=model):
            with tf.GradientTape() as tape:
                tape.watch(images)
                logits = training_pass(model, {"images": images})["logits"]
            return tape.gradient(logits, images)

        graph = GRAPH(gradient).get_concrete_function(tf.TensorSpec((2, *SHAPE))).graph
        counts[recomputed] = sum(one.type == "Conv2D" for one in graph.get_operations())
    assert counts[True] == 2 * counts[False]


@pytest.mark.slow
def test_a_deep_network_takes_less_memory():
    megabytes = {}
    for recomputed in ("plain", "recomputed"):
        command = [sys.executable, MEMORY, recomputed]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        megabytes[recomputed] = float(run.stdout.splitlines()[-1])
    assert megabytes["recomputed"] < 0.7 * megabytes["plain"], megabytes
