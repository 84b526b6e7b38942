"""Configs whose networks have a published number of parameters have it."""

import gin
import pytest
import tensorflow as tf

from compare_gan_tf import data
from compare_gan_tf.gan import description as describe

# In units: of compare_gan's code, of mimicry's networks by hand (tests/architectures/
# test_sources_options.py), of StudioGAN's log of DCGAN and of its table (10,000s and
# 100,000s), of R3GAN's and StyleGAN2's code.
COUNTS = {
    "dcgan_celeba64.gin": (5_364_739, 4_314_753, 1),
    "first_gan/mnist.gin": (2_503_984, 1_231_441, 1),
    "resnet_cifar10.gin": (5_849_603, 1_483_137, 1),
    "resnet_lsun-bedroom128.gin": (13_786_115, 15_086_529, 1),
    "sndcgan_celebahq128.gin": (19_926_019, 5_983_745, 1),
    "biggan_imagenet128.gin": (70_433_988, 87_982_370, 1),
    "biggan/imagenet128.gin": (70_433_988, 87_982_370, 1),
    "biggan/imagenet128_deep.gin": (50_244_484, 34_590_210, 1),
    "mimicry/sngan_cifar10.gin": (4_276_739, 1_053_825, 1),
    "mimicry/sngan_celeba64.gin": (12_220_675, 10_141_441, 1),
    "mimicry/sngan_celeba128.gin": (32_150_787, 29_017_857, 1),
    "mimicry/wgan_gp_stl10.gin": (4_878_083, 10_141_441, 1),
    "studiogan/dcgan.gin": (3_812_355, 2_931_009, 1),
    "studiogan/sngan.gin": (430, 106, 10_000),
    "studiogan/biggan.gin": (942, 242, 10_000),
    "r3gan/cifar10.gin": (20_781_952, 21_280_512, 1),
    "r3gan/ffhq256.gin": (23_057_952, 23_009_568, 1),
    "r3gan2/cifar10.gin": (17_335_425, 17_720_832, 1),
    "stylegan2/cifar10.gin": (202, 231, 100_000),
    "stylegan2/ffhq256.gin": (24_767_458, 24_001_089, 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_has_the_published_number_of_parameters(name, parsed, no_downloads, monkeypatch):
    # Zeros, for orthogonal kernels of this size take a minute.
    zeros = tf.keras.initializers.Zeros
    monkeypatch.setattr("keras.initializers.OrthogonalInitializer.__call__", zeros.__call__)
    parsed(name)
    bound = gin.get_bindings("GAN")
    dataset = data.load()
    classes = dataset.num_classes if bound.get("conditional") else None
    shape = {"sample_shape": dataset.sample_shape, "num_classes": classes}
    generator = bound["generator"](latent_dim=bound["latents"].dim, **shape)
    players = generator, bound["discriminator"](**shape)
    found = [describe.describe_network(player)["trainable_parameters"] for player in players]
    *published, unit = COUNTS[name]
    assert [round(count / unit) for count in found] == published
