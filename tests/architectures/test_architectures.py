import importlib
import inspect
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import architectures, layers
from compare_gan_tf.architectures import (
    dcgan,
    deep_conv,
    infogan,
    is_conditional,
    maxout,
    mlp,
    resnet5,
    resnet30,
    resnet_cifar,
    resnet_stl,
    sndcgan,
)
from compare_gan_tf.architectures.conditioning import Concatenation, Projection
from compare_gan_tf.architectures.predicted_projection import PredictedProjection
from compare_gan_tf.errors import UserError

FAMILIES = {
    "dcgan": dcgan,
    "deep_conv": deep_conv,
    "infogan": infogan,
    "maxout": maxout,
    "mlp": mlp,
    "resnet5": resnet5,
    "resnet30": resnet30,
    "resnet_cifar": resnet_cifar,
    "resnet_stl": resnet_stl,
    "sndcgan": sndcgan,
}
# Settings that make a network small.
NARROW = {name: {"width": 2} for name in FAMILIES} | {
    "maxout": {"units": 6},
    "mlp": {"units": 6},
    "resnet30": {"width": 1, "depth": 1},
}
SHAPES = {
    "dcgan": [(8, 8, 1), (28, 28, 1), (30, 17, 3), (32, 32, 3)],
    "deep_conv": [(8, 8, 1), (30, 17, 3), (32, 32, 3)],
    "infogan": [(28, 28, 1), (30, 17, 3), (32, 32, 3)],
    "maxout": [(28, 28, 1), (32, 32, 3)],
    "mlp": [(28, 28, 1), (32, 32, 3)],
    "resnet5": [(8, 8, 1), (32, 32, 3), (64, 64, 3)],
    "resnet30": [(32, 32, 3), (64, 64, 1)],
    "resnet_cifar": [(8, 8, 1), (32, 32, 3), (48, 32, 1)],
    "resnet_stl": [(48, 48, 3), (64, 64, 1)],
    "sndcgan": [(8, 8, 1), (28, 28, 1), (30, 17, 3), (32, 32, 3)],
}
SIDE = {name: (32, 32, 1) if name == "resnet30" else (8, 8, 1) for name in FAMILIES}


def small(family, player, *arguments, **options):
    make = getattr(FAMILIES[family], player)
    return make(SIDE[family], *arguments, **NARROW[family], **options)


@pytest.mark.parametrize(
    ("family", "shape"), [(family, shape) for family in FAMILIES for shape in SHAPES[family]]
)
def test_shapes_and_range(family, shape):
    module, narrow = FAMILIES[family], NARROW[family]
    images = module.generator(shape, 5, **narrow)({"z": 100 * tf.ones([3, 5])}, training=True)
    assert images.shape == (3, *shape)
    assert np.abs(images).max() <= 1.0
    scores = module.discriminator(shape, **narrow)({"images": images})
    assert scores["logits"].shape == (3,)
    assert scores["features"].shape[0] == 3
    assert len(scores["features"].shape) == 2


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("norm", ["no_norm", "conditional_batch_norm"])
def test_labels_change_what_every_generator_makes(family, norm):
    keras.utils.set_random_seed(0)  # in a few narrow networks every ReLU is dead
    generator = small(family, "generator", 4, 3, norm=getattr(layers, norm))
    assert is_conditional(generator)
    for variable in generator.trainable_variables:  # else the differences are of 1e-7
        variable.assign(10.0 * variable)
    images = generator({"z": tf.ones([3, 4]), "labels": tf.constant([0, 1, 1])}).numpy()
    assert not np.array_equal(images[0], images[1])
    np.testing.assert_allclose(images[1], images[2], atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("conditioning", [
    Projection(),
    pytest.param(Concatenation(), marks=pytest.mark.slow),
    pytest.param(PredictedProjection(), marks=pytest.mark.slow),
])  # fmt: skip
def test_labels_change_what_every_discriminator_says(family, conditioning):
    keras.utils.set_random_seed(0)
    discriminator = small(family, "discriminator", 3, conditioning=conditioning)
    assert is_conditional(discriminator)
    for variable in discriminator.trainable_variables:
        variable.assign(10.0 * variable)
    images = tf.ones([3, *SIDE[family]])
    logits = discriminator({"images": images, "labels": tf.constant([0, 1, 1])})["logits"]
    assert float(logits[0]) != float(logits[1])
    assert float(logits[1]) == pytest.approx(float(logits[2]), abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_discriminator_without_conditioning_takes_no_labels(family):
    assert is_conditional(small(family, "discriminator", 3))  # by default it does
    assert not is_conditional(small(family, "discriminator", 3, conditioning=None))


def kernels(model):
    """Variables that are kernels, those of no layer of norms among them."""
    return [v for v in model.trainable_variables if v.name == "kernel"]


@pytest.mark.parametrize("family", FAMILIES)
def test_kernel_norm_has_every_kernel(family):
    generator = small(family, "generator", 4, kernel_norm=layers.spectral_norm)
    everywhere = {"kernel_norm_at_start": True} if family == "resnet30" else {}
    discriminator = small(
        family, "discriminator", 3, kernel_norm=layers.spectral_norm, **everywhere
    )
    for model in (generator, discriminator):
        vectors = [v for v in model.non_trainable_variables if v.name == "u"]
        assert len(vectors) == len(kernels(model)) > 2


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("norm", ["layer_norm", "virtual_batch_norm"])
def test_both_players_take_norms(family, norm):
    norm = getattr(layers, norm)
    images = small(family, "generator", 4, norm=norm)({"z": tf.ones([2, 4])})
    discriminator = small(family, "discriminator", norm=norm)
    assert np.isfinite(discriminator({"images": images})["logits"]).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_self_modulation_is_for_generators(family):
    images = small(family, "generator", 4, norm=layers.self_modulation)({"z": tf.ones([2, 4])})
    assert images.shape == (2, *SIDE[family])
    with pytest.raises(UserError, match="needs z, which only a generator has"):
        small(family, "discriminator", norm=layers.self_modulation)


@pytest.mark.parametrize("family", ["dcgan", "infogan", "resnet_cifar", "resnet_stl", "resnet5"])
@pytest.mark.parametrize(("unit_interval", "zero"), [(True, -1.0), (False, 0.0)])
def test_the_discriminators_of_compare_gan_read_images_in_the_unit_interval(
    family, unit_interval, zero
):
    model = small(family, "discriminator", unit_interval=unit_interval)
    images = zero * tf.ones([1, *SIDE[family]])  # 0 as they see it: as are all biases
    assert float(model({"images": images})["logits"][0]) == 0.0
    assert float(model({"images": images + 1.0})["logits"][0]) != 0.0


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize(
    ("family", "shape", "settings", "message"),
    [
        ("text_networks", (5, 4), {"width": 0}, "width is 0"),
        ("text_networks", (5, 4), {"kernel": 0}, "kernel is 0"),
        ("text_networks", (5, 4), {"depth": -1}, "depth is -1"),
        ("bgan", (28, 28, 1), {"width": -3}, "width is -3"),
        ("biggan", (32, 32, 3), {"ch": 0}, "ch is 0"),
        ("biggan_deep", (32, 32, 3), {"ch": 0}, "ch is 0"),
        ("dcgan", (8, 8, 1), {"width": 2.5}, "width is 2.5"),
        ("deep_conv", (8, 8, 1), {"width": 0}, "width is 0"),
        ("infogan", (8, 8, 1), {"width": 0}, "width is 0"),
        ("maxout", (8, 8, 1), {"units": 0}, "units is 0"),
        ("mlp", (2,), {"units": 0}, "units is 0"),
        ("r3gan", (8, 8, 1), {"widths": (8, -8)}, "widths: one is -8"),
        ("resnet30", (128, 128, 3), {"width": 0}, "width is 0"),
        ("resnet5", (8, 8, 3), {"width": 0}, "width is 0"),
        ("resnet_cifar", (32, 32, 3), {"shortcut_kernel": 0}, "shortcut_kernel is 0"),
        ("resnet_stl", (48, 48, 3), {"width": 0}, "width is 0"),
        ("sagan", (32, 32, 3), {"ch": -1}, "ch is -1"),
        ("sndcgan", (8, 8, 1), {"width": 0}, "width is 0"),
    ],
)
def test_sizes_that_are_none_are_refused(family, player, shape, settings, message):
    module = importlib.import_module(f"compare_gan_tf.architectures.{family}")
    arguments = (4,) if player == "generator" else ()
    with pytest.raises(UserError, match=f"{family}.{player}.{message}: it must be a whole number"):
        getattr(module, player)(shape, *arguments, **settings)


def settings_of_architectures():
    """(such as "mlp.generator", setting) of all pairs of networks."""
    folder = pathlib.Path(architectures.__file__).parent
    for name in sorted(path.stem for path in folder.glob("*.py")):
        module = importlib.import_module(f"compare_gan_tf.architectures.{name}")
        for player in ("generator", "discriminator", "classifier"):
            signature = inspect.signature(getattr(module, player, lambda: None))
            for setting, parameter in signature.parameters.items():
                if parameter.kind != parameter.KEYWORD_ONLY or isinstance(parameter.default, bool):
                    continue
                if setting not in UNDECLARED:
                    yield f"{name}.{player}", setting


UNDECLARED = {"kernel_initializer", "residual_initializer"}  # Keras knows what they may be


@pytest.mark.parametrize(("selector", "setting"), list(settings_of_architectures()))
def test_every_setting_is_declared(selector, setting):
    name, player = selector.split(".")
    make = getattr(importlib.import_module(f"compare_gan_tf.architectures.{name}"), player)
    shape = (4, 5) if name == "text_networks" else (2,) if name == "gaussian" else (32, 32, 3)
    arguments = (2,) if player == "generator" else (3,) if name == "classifiers" else ()
    with pytest.raises(UserError, match=rf"^{selector}\.{setting} is 1.5j: it must be "):
        make(shape, *arguments, **{setting: 1.5j})


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"mlp"}))
@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_points_are_refused(family, player):
    arguments = (4,) if player == "generator" else ()
    with pytest.raises(UserError, match=r"needs images.*\(2,\).*mlp"):
        getattr(FAMILIES[family], player)((2,), *arguments)
