"""Which maps each discriminator offers: those that its last block or convolution takes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.architectures import (
    bgan,
    biggan,
    biggan_deep,
    dcgan,
    deep_conv,
    infogan,
    mlp,
    r3gan,
    resnet5,
    resnet30,
    resnet_cifar,
    resnet_stl,
    sagan,
    sndcgan,
    stylegan2,
)
from compare_gan_tf.architectures.local_features import LOCAL_FEATURES, with_outputs

# (discriminator, images, options, the maps that it offers)
CASES = {
    "bgan": (bgan, (28, 28, 1), {"width": 2}, (7, 7, 4)),
    "biggan": (biggan, (32, 32, 3), {"ch": 2}, (4, 4, 4)),
    "biggan of StudioGAN": (biggan, (32, 32, 3), {"ch": 2, "halvings": 2}, (8, 8, 4)),
    "biggan_deep": (biggan_deep, (32, 32, 3), {"ch": 4}, (4, 4, 8)),
    "dcgan": (dcgan, (32, 32, 3), {"width": 2}, (4, 4, 8)),
    "deep_conv": (deep_conv, (32, 32, 3), {"width": 2}, (4, 4, 8)),
    "infogan": (infogan, (28, 28, 1), {"width": 2}, (7, 7, 4)),
    "r3gan": (r3gan, (8, 8, 3), {"widths": (8, 4)}, (4, 4, 8)),
    "resnet5": (resnet5, (64, 64, 3), {"width": 1}, (2, 2, 8)),
    "resnet30": (resnet30, (64, 64, 3), {"width": 1, "depth": 1}, (2, 2, 32)),
    "resnet_cifar": (resnet_cifar, (32, 32, 3), {"width": 2}, (8, 8, 2)),
    "resnet_stl": (resnet_stl, (48, 48, 3), {"width": 1}, (3, 3, 8)),
    "sagan": (sagan, (128, 128, 3), {"ch": 1}, (4, 4, 16)),
    "sndcgan": (sndcgan, (32, 32, 3), {"width": 2}, (4, 4, 16)),
    "stylegan2": (stylegan2, (16, 16, 3), {"channel_base": 64, "channel_max": 6}, (4, 4, 6)),
}


@pytest.mark.parametrize("case", CASES)
def test_offers_the_maps_that_its_last_block_takes(case):
    module, images, options, maps = CASES[case]
    plain = module.discriminator(images, **options)
    assert set(plain.output) == {"logits", "features"}
    offering = with_outputs(plain, ["logits", LOCAL_FEATURES])
    assert offering.output[LOCAL_FEATURES].shape == (None, *maps)
    assert all(a is b for a, b in zip(plain.variables, offering.variables, strict=True))
    sample = tf.random.stateless_uniform([2, *images], [0, 1])
    one, other = plain({"images": sample}), offering({"images": sample})
    for name, value in one.items():
        np.testing.assert_array_equal(other[name], value)


def test_the_logits_are_of_the_maps():
    """They are no branch beside: what comes behind them has all of what D says."""
    keras.utils.set_random_seed(0)
    discriminator = resnet_cifar.discriminator((8, 8, 1), width=4)
    maps = discriminator.get_layer(LOCAL_FEATURES).output
    rest = keras.Model(maps, discriminator.output["logits"])
    offering = with_outputs(discriminator, [LOCAL_FEATURES])
    outputs = offering({"images": tf.random.stateless_normal([3, 8, 8, 1], [0, 1])})
    np.testing.assert_allclose(rest(outputs[LOCAL_FEATURES]), outputs["logits"], rtol=1e-6)


def test_a_discriminator_that_has_none_or_is_not_asked_stays_itself():
    points, maps = mlp.discriminator((8, 8, 1)), dcgan.discriminator((8, 8, 1), width=2)
    assert with_outputs(points, [LOCAL_FEATURES]) is points
    assert with_outputs(maps, ["class_logits"]) is maps
