"""Every pair of players keeps the rules of `testing.check_architecture`."""

import functools
import importlib
import pkgutil

import pytest

from compare_gan_tf import architectures
from compare_gan_tf.testing import check_architecture


def _pairs() -> list[str]:
    modules = pkgutil.iter_modules(architectures.__path__)
    found = [importlib.import_module(f"{architectures.__name__}.{one.name}") for one in modules]
    return [one.__name__ for one in found if {"generator", "discriminator"} <= vars(one).keys()]


# What makes the networks small; by default `width` of 2.
SETTINGS = {
    "biggan": {"ch": 2},
    "biggan_deep": {"ch": 4},
    "maxout": {"units": 6},
    "mlp": {"units": 6},
    "r3gan": {"widths": (4, 4, 4, 4), "cardinalities": (2, 2, 2, 2)},
    "resnet30": {"width": 2, "depth": 1},
    "sagan": {"ch": 4},
    "table": {},
}
UNBOUNDED = ("r3gan", "table", "text_networks")  # linear, or logits of symbols
SHAPES = {
    "table": (1, 5),
    "text_networks": (8, 5),
}


@pytest.mark.parametrize("name", _pairs())
def test_a_pair_keeps_the_rules(name):
    module = importlib.import_module(name)
    family = name.rpartition(".")[2]
    settings = SETTINGS.get(family, {"width": 2})
    make = [functools.partial(one, **settings) for one in (module.generator, module.discriminator)]
    shapes = {"sample_shape": SHAPES.get(family, (32, 32, 3)), "latent_dim": 8}
    check_architecture(*make, **shapes, bounded=family not in UNBOUNDED)
