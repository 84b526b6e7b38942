"""Every pair of players keeps the rules of `testing.check_architecture`."""

import functools
import importlib
import math
import pkgutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import architectures
from compare_gan_tf.layers import dtype_policy
from compare_gan_tf.testing import check_architecture


def _pairs() -> list[str]:
    modules = pkgutil.iter_modules(architectures.__path__)
    found = [importlib.import_module(f"{architectures.__name__}.{one.name}") for one in modules]
    return [one.__name__ for one in found if {"generator", "discriminator"} <= vars(one).keys()]


# What makes the networks small; by default `width` of 2.
SETTINGS = {
    "biggan": {"ch": 2},
    "biggan_deep": {"ch": 4},
    "fastgan": {"width": 8},
    "maxout": {"units": 6},
    "mlp": {"units": 6},
    "r3gan": {"widths": (4, 4, 4, 4), "cardinalities": (2, 2, 2, 2)},
    "r3gan2": {"width": 8, "depth": 1, "group_width": 4},
    "resnet30": {"width": 2, "depth": 1},
    "sagan": {"ch": 4},
    "stylegan2": {"channel_base": 64, "channel_max": 4},
    "table": {},
}
# How far samples and logits move in half precision, and D's slopes, which turn more: rounding flips
# signs in front of its ReLUs, of which networks of width 2 have few.
HALVES = {"mixed_float16": (0.03, 0.15), "mixed_bfloat16": (0.15, 0.3)}
UNBOUNDED = (
    "r3gan",
    "r3gan2",
    "stylegan2",
    "table",
    "text_networks",
)  # linear, or logits of symbols
SHAPES = {
    "fastgan": (256, 256, 3),  # D's gates pool 64 x 64 values
    "table": (1, 5),
    "text_networks": (8, 5),
}


SLOW = (
    "biggan_deep",
    "fastgan",
    "r3gan",
    "r3gan2",
    "resnet30",
    "resnet5",
    "resnet_stl",
    "sagan",
    "stylegan2",
)


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow if name.endswith(SLOW) else []) for name in _pairs()
])  # fmt: skip
def test_a_pair_keeps_the_rules(name):
    module = importlib.import_module(name)
    family = name.rpartition(".")[2]
    settings = SETTINGS.get(family, {"width": 2})
    make = [functools.partial(one, **settings) for one in (module.generator, module.discriminator)]
    shapes = {"sample_shape": SHAPES.get(family, (32, 32, 3)), "latent_dim": 8}
    check_architecture(*make, **shapes, bounded=family not in UNBOUNDED)


def _outputs(name, policy):
    """The players under a policy, G's samples, D's logits and the gradient of their sum."""
    module, family = importlib.import_module(name), name.rpartition(".")[2]
    shape, settings = SHAPES.get(family, (32, 32, 3)), SETTINGS.get(family, {"width": 2})
    keras.utils.set_random_seed(0)
    with dtype_policy(policy):
        generator = module.generator(shape, 8, **settings)
        discriminator = module.discriminator(shape, **settings)
    rng = np.random.default_rng(0)
    for kernel in (*generator.trainable_variables, *discriminator.trainable_variables):
        size = math.prod(kernel.shape[:-1]) ** -0.5
        if len(kernel.shape) > 1 and np.std(kernel) < size / 2:  # signals would vanish in float16
            kernel.assign(rng.normal(0.0, size, kernel.shape))
    z, images = rng.normal(size=(2, 4, *shape)), rng.uniform(-1, 1, (4, *shape))
    with tf.GradientTape() as tape:
        images = tf.constant(images, tf.float32)
        tape.watch(images)
        logits = discriminator({"images": images})["logits"]
    samples = generator({"z": tf.constant(z[0].reshape(4, -1)[:, :8], tf.float32)})
    return generator, discriminator, samples, logits, tape.gradient(logits, images)


@pytest.mark.slow
@pytest.mark.parametrize("name", _pairs())
def test_a_pair_computes_the_same_in_mixed_precision(name):
    *_, samples, logits, slopes = _outputs(name, "float32")
    for policy, (moved, turned) in HALVES.items():
        *players, low_samples, low_logits, low_slopes = _outputs(name, policy)
        assert low_logits.dtype == low_slopes.dtype == tf.float32
        assert {v.dtype for p in players for v in p.variables if "float" in v.dtype} == {"float32"}
        assert {policy.removeprefix("mixed_")} <= {one.compute_dtype for one in players[1].layers}
        low_samples = tf.cast(low_samples, tf.float32)
        for low, full, allowed in (
            (low_samples, samples, moved),
            (low_logits, logits, moved),
            (low_slopes, slopes, turned),
        ):
            assert np.linalg.norm(low - full) <= allowed * np.linalg.norm(full), policy
