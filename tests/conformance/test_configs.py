"""Every config that ships: its header, its bindings, and one training step at a small size."""

import math
import pathlib
import re
import types

import gin
import numpy as np
import pytest
import tensorflow as tf
from config_sets import BATCH

from compare_gan_tf.bin import build
from compare_gan_tf.config import gin_files
from compare_gan_tf.data import lsun, pipeline, specs
from compare_gan_tf.lowering import steps

FLAGS = types.SimpleNamespace(gin_config=["of the test"], gin_bindings=[], model_dir=None)
CONFIGS = gin_files.packaged_configs()
PIECES = [name for name in CONFIGS if name.startswith("base/")]
STUDIES = [name for name in CONFIGS if name.startswith("study/")]
ROWS = [name for name in CONFIGS if name not in (*PIECES, *STUDIES, "quickstart.gin")]

# One of each architecture and each kind of objective; the others are slow.
STEPPED = (
    "bgan/mnist.gin",
    "bgan/text.gin",
    "created_equal/dragan_cifar10.gin",
    "created_equal/wgan_cifar10.gin",
    "dcgan_celeba64.gin",
    "first_gan/mnist.gin",
    "landscape/sndcgan_cifar10_sn_gp.gin",
    "loss_sensitive/clsgan_cifar10.gin",
    "resnet_cifar10.gin",
    "small/digits_wgan_gp.gin",
    "small/mnist_infogan.gin",
    "wgan/gp_cifar10_acgan.gin",
)
PLAYERS = ("generator", "discriminator")
# Players that a step may leave as they are: G at rest; a rectified L may be 0 everywhere.
AT_REST = {
    "loss_sensitive/lsgan_celeba64.gin": PLAYERS,
    "toy/disjoint_supports.gin": ("generator",),
    "toy/optimal_discriminator.gin": ("generator",),
}


def _both(*bindings: str):
    """Bindings of generator and discriminator alike, whatever the side of the images."""
    return lambda side: [f"{player}.{one}" for player in PLAYERS for one in bindings]


def _stages(side: int) -> list[str]:
    number = int(math.log2(side / 4)) + 1
    return _both(f"widths = {(4,) * number}", f"cardinalities = {(2,) * number}")(side)


# {module of the architecture: function of the images' side -> its bindings at a small size}
SMALL = {
    "bgan": _both("width = 4"),
    "biggan": _both("ch = 2"),
    "biggan_deep": _both("ch = 4"),
    "dcgan": _both("width = 4"),
    "deep_conv": _both("width = 4"),
    "fastgan": _both("width = 8"),
    "gaussian": lambda side: [],
    "infogan": _both("width = 4"),
    "maxout": _both("units = 8"),
    "mlp": _both("units = 8"),
    "r3gan": _stages,
    "r3gan2": _both("width = 4", "depth = 1", "group_width = 2"),
    "resnet5": _both("width = 2"),
    "resnet_cifar": _both("width = 4"),
    "sagan": _both("ch = 4"),
    "sndcgan": _both("width = 4"),
    "stylegan2": _both("channel_base = 64", "channel_max = 4"),
    "table": lambda side: [],
    "text_networks": _both("width = 4"),
}


def _text(name: str) -> str:
    return pathlib.Path(gin_files.find_config(name)).read_text()


def _header(name: str) -> dict[str, str]:
    """{field: text} of the comment that a config begins with; lines that go on are indented."""
    comment = re.match(r"(#.*\n)+", _text(name)).group()
    lines = comment.replace("\n#   ", " ").replace("# ", "").splitlines()
    return dict(line.split(": ", 1) for line in lines)


# --- What needs no networks -------------------------------------------------------------------


def test_every_piece_is_short_and_included():
    text = "".join(map(_text, CONFIGS))
    included = re.findall(r'^(?:include|study\.base =) "(.*)"$', text, re.MULTILINE)
    assert sorted(set(included)) == PIECES
    for name in PIECES:
        _check_length(name, most=120 if name.endswith("_axes.gin") else 30)


def _bound(name: str, default=None):
    """A parameter as it is bound, without making what it refers to."""
    function, _, parameter = name.rpartition(".")
    return gin.get_bindings(function, resolve_references=False).get(parameter, default)


def _architecture() -> str:
    return str(_bound("GAN.generator")).lstrip("@").split(".")[0]


def _states_steps(name: str) -> set[int]:
    numbers = re.findall(r"\d[\d,]*", _header(name)["Steps"])
    return {int(number.replace(",", "")) for number in numbers if number != ","}


# What sources have and a default does not: their files are named in the headers.
SOURCES = {
    "created_equal/wgan_mnist.gin": {"adam.learning_rate": 5e-5, "train.training_steps": 3125},
    "created_equal/lsgan_cifar10.gin": {"batch_norm.momentum": 0.999, "batch_norm.epsilon": 1e-3},
    "created_equal/wgan_gp_mnist.gin": {"GAN.reuse_last_batch": False, "evaluate.extractor": None},
    "landscape/resnet_lsun.gin": {"adam.learning_rate": 1.93e-5, "adam.beta_2": 0.8819},
    "landscape/sndcgan_celebahq128_sn.gin": {
        "data.load.hold_out": False,
        "evaluate.num_real": 3000,
    },
    "mimicry/sngan_celeba64.gin": {
        "sagan.discriminator.halvings": 5,
        "spectral_norm.epsilon": 1e-12,
    },
    "mimicry/sngan_imagenet32.gin": {"central.side": 224, "data.load.min_crop_area": 1.0},
    "studiogan/dcgan.gin": {"GAN.d_steps": 2, "Normal.dim": 128, "adam.beta_1": 0.5},
    "studiogan/mdgan.gin": {"GradientPenalty.weight": 0.5, "GAN.ema_start_step": 1000},
    "studiogan/reacgan_ada.gin": {"Adaptive.target": 0.7, "train.batch_size": 128},
    "studiogan/tiny_reacgan.gin": {"data_to_data.margin": 1.0, "Contrastive.units": 768},
    "studiogan/biggan_ada.gin": {"adam.epsilon": 1e-6, "data.load.flip": False},
    "studiogan/wgan_gp.gin": {"batch_norm.epsilon": 1e-4, "GradientPenalty.weight": 10.0},
    "studiogan/tiny_biggan.gin": {"biggan.generator.ch": 80, "GAN.ema_start_step": 20000},
    "r3gan/ffhq64.gin": {"ada.hue.multiplier": 0.5, "ada.brightness.multiplier": 0.5},
    "stylegan2/cifar10.gin": {"data.load.flip": True, "GradientPenalty.weight": 0.005},
    "stylegan2/cifar10_ada.gin": {"ada.hue.multiplier": "nothing", "Adaptive.speed": 500000.0},
    "stylegan2/cifar10_d2dce_ada.gin": {"GAN.d_steps": 2, "Adaptive.target": 0.8},
    "stylegan2/cifar10_d2dce_diffaugment.gin": {
        "GradientPenalty.weight": 0.04,
        "GradientPenalty.every": 2,
    },
    "stylegan2/cifar10_lecam.gin": {"LeCam.weight": 0.3, "train.training_steps": 1000000},
    "stylegan2/ffhq256.gin": {"GradientPenalty.every": 16, "adam.learning_rate": 0.0025},
    "cgan_pd_imagenet128.gin": {"batch_norm.epsilon": 2e-5, "sagan.discriminator.narrow": True},
    "biggan/imagenet256.gin": {"biggan.generator.attention": 128, "Normal.dim": 140},
    "wgan/lsun_bedroom64.gin": {"rmsprop.rho": 0.99, "rmsprop.epsilon": 1e-16},
    "wgan/gp_cifar10.gin": {"sagan.generator.ch": 32, "adam.beta_2": 0.9},
}


def _check_length(name, most=30):
    assert _text(name).startswith("# ")
    assert len(_text(name).splitlines()) < most, name


@pytest.mark.parametrize("name", ROWS)
def test_says_what_it_binds(name, parsed):
    """Its intervals, its length and its source's settings; tests/test_docs.py has the headers."""
    _check_length(name)
    parsed(name)
    together = _bound("train.steps_per_execution", 1)
    for interval in ("training_steps", "checkpoint_every", "log_every", "sample_every"):
        assert _bound(f"train.{interval}") % together == 0, interval
    assert _bound("train.training_steps") in _states_steps(name)
    assert _architecture() in SMALL
    expected = SOURCES.get(name, {})
    assert {setting: _bound(setting, "nothing") for setting in expected} == expected


def test_sources_are_of_configs():
    assert SOURCES.keys() <= set(ROWS)


# --- One training step ------------------------------------------------------------------------


def _cases(fast=STEPPED) -> list:
    marks = {name: () if name in fast else pytest.mark.slow for name in ROWS}
    return [pytest.param(name, marks=marks[name]) for name in ROWS]


def _side() -> int:
    """Of the images of the set that is bound; 0 of points."""
    name = _bound("data.load.name")
    own = {scene: size for scene, (_, size) in lsun.SCENES.items()} | {"digits": 8}
    own |= {public: spec.size for public, spec in specs.SPECS.items()}
    return _bound("data.load.image_size") or own.get(name, 0)


@pytest.mark.parametrize("name", _cases())
def test_trains_a_step(name, parsed, no_downloads):
    parsed(name)
    small = [f"{_architecture()}.{one}" for one in SMALL[_architecture()](_side())]
    parsed(name, [*small, "GAN.d_steps = 1"])
    dataset, gan = build.gan(FLAGS)  # refuses bindings that nothing uses
    batch = {"batch_size": BATCH, "slices": gan.slices, "start": 0, "stop": 1}
    (reals,) = pipeline.batches(dataset.splits["train"], key=0, **batch)
    players = {player: getattr(gan, player) for player in PLAYERS}
    before = {player: _weights(network) for player, network in players.items()}
    logs = gan.train_step(reals)
    assert gan.current_step == 1
    assert all(np.isfinite(float(value)) for value in logs.values()), logs
    for player, network in players.items():
        pairs = zip(before[player], _weights(network), strict=True)
        assert any(np.any(a != b) for a, b in pairs) or player in AT_REST.get(name, ())
    images = gan.sample(2, tf.constant([0, 1]))
    assert images.shape == (2, *dataset.sample_shape)
    assert np.all(np.abs(images) <= 1.0) or not dataset.is_images


def _weights(network) -> list[np.ndarray]:
    return [variable.numpy() for variable in network.trainable_variables]


# --- XLA --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", _cases(fast=("small/digits_wgan_gp.gin",)))
def test_its_step_and_its_sampler_compile_with_static_shapes(name, parsed, no_downloads):
    """What a TPU needs, and `compare-gan lower`; the program itself is not optimised here."""
    parsed(name)
    small = [f"{_architecture()}.{one}" for one in SMALL[_architecture()](_side())]
    parsed(name, [*small, "GAN.d_steps = 1"])
    dataset, gan = build.gan(FLAGS)
    step = steps.train_step(gan, dataset.splits["train"], BATCH)
    assert {f"{player}/loss" for player in PLAYERS} <= {*step.results}
    assert "step" in step.outputs
    (samples,) = steps.sampler(gan).outputs.values()
    assert samples.shape == (steps.SAMPLES, *dataset.sample_shape)
