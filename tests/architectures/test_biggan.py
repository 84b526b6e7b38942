"""How many parameters BigGAN and BigGAN-deep have, and what spectral norm keeps."""

import functools
import math

import keras
import pytest
import tensorflow as tf

from compare_gan_tf import layers
from compare_gan_tf.architectures import biggan, biggan_blocks, biggan_deep

FAMILIES = {"biggan": biggan, "biggan_deep": biggan_deep}


def normed(vector="left"):
    """Options with which every kernel but the embeddings' is under spectral norm."""
    norm = functools.partial(layers.spectral_norm, vector=vector)
    conditional = functools.partial(layers.conditional_batch_norm, kernel_norm=norm)
    return {"norm": conditional, "kernel_norm": norm}, {"kernel_norm": norm}


def counted(make, *arguments, **options):
    """(trainable, non-trainable) of a network whose weights are never made."""
    with keras.StatelessScope(initialize_variables=False):
        model = make(*arguments, **options)
        sizes = tuple(
            sum(math.prod(v.shape) for v in variables)
            for variables in (model.trainable_variables, model.non_trainable_variables)
        )
    keras.utils.clear_session()  # else Keras makes them when the next scope ends
    return sizes


@pytest.mark.parametrize("family", FAMILIES)
def test_the_published_networks_have_compare_gans_numbers_of_parameters(golden, family):
    module = FAMILIES[family]
    for row in golden("biggan")[family]:
        shape = (row["side"], row["side"], 3)
        generator, _ = counted(module.generator, shape, row["latent_dim"], 1000)
        discriminator, _ = counted(module.discriminator, shape, 1000)
        assert (generator, discriminator) == (row["generator"], row["discriminator"]), shape


@pytest.mark.parametrize("family", FAMILIES)
def test_spectral_norm_stores_compare_gans_vectors(golden, family):
    module = FAMILIES[family]
    rows = golden("biggan")
    for vector, expected in rows["not_trained_at_128"][family].items():
        of_generator, of_discriminator = normed(vector)
        latent_dim = rows[family][0]["latent_dim"]
        of_both = {"kernel_initializer": "zeros"}  # quick: spectral norm reads the kernel's shape
        generator = counted(
            module.generator, (128, 128, 3), latent_dim, 1000, **of_generator, **of_both
        )
        discriminator = counted(
            module.discriminator, (128, 128, 3), 1000, **of_discriminator, **of_both
        )
        assert [generator[1], discriminator[1]] == expected, vector


def test_options_give_studiogans_numbers_of_parameters(golden):
    row = golden("biggan")["studiogan"]["biggan_32"]
    generator, _ = counted(biggan.generator, (32, 32, 3), 80, 10, attention="B2")
    discriminator, _ = counted(
        biggan.discriminator,
        (32, 32, 3),
        10,
        halvings=2,
        shortcut=biggan_blocks.learned_shortcut,
    )
    assert round(generator / 1e6, 2) == row["generator"]
    assert round(discriminator / 1e6, 2) == row["discriminator"]


def test_options_give_the_authors_numbers_of_parameters_at_256():
    """Attention at 64 px, and a learned shortcut in the block that halves 8 ch channels."""
    row = {"generator": 82097604, "discriminator": 98635298}
    generator, _ = counted(biggan.generator, (256, 256, 3), 140, 1000, attention=64)
    at_64, at_128 = (5 * (ch * 96) ** 2 // 4 + 1 for ch in (4, 2))
    assert generator == row["generator"] - at_128 + at_64
    discriminator, _ = counted(
        biggan.discriminator, (256, 256, 3), 1000, shortcut=biggan_blocks.learned_shortcut
    )
    assert discriminator == row["discriminator"] + 768 * 768 + 768


@pytest.mark.parametrize("hierarchical", [True, False])
@pytest.mark.parametrize("embedded", [True, False])
def test_a_generators_parameters_are_those_of_its_table(hierarchical, embedded):
    """Three blocks of width 4 ch from 4x4 maps, z of 8 and 5 classes."""
    width, labels = 8, (7 if embedded else 5)
    first_z, condition = (2, 2 + labels) if hierarchical else (8, labels)
    embeddings = (8 * 8 + 8) + (5 * 7 + 7) if embedded else 0
    conv, shortcut = 9 * width * width + width, width * width + width
    block = 2 * conv + shortcut + 4 * condition * width
    final = 2 * width + 9 * width * 3 + 3
    attention = 2 * width * 1 + width * 4 + 4 * width + 1
    found, _ = counted(
        biggan.generator,
        (32, 32, 3),
        8,
        5,
        ch=2,
        attention=(16,),
        hierarchical_z=hierarchical,
        embed_z=embedded,
        embed_y=embedded,
        embed_y_dim=7,
        embed_bias=True,
    )
    assert found == embeddings + (first_z + 1) * 16 * width + 3 * block + attention + final


def test_kernel_norm_wraps_every_kernel_but_the_embeddings():
    of_generator, of_discriminator = normed()
    generator = biggan.generator((32, 32, 3), 8, 3, ch=4, attention=8, **of_generator)
    bare = [
        layer.name
        for layer in generator.layers
        if isinstance(layer, keras.layers.Dense | keras.layers.Conv2D)
    ]
    assert bare == ["embed_y"]
    discriminator = biggan.discriminator((32, 32, 3), 3, ch=4, **of_discriminator)
    vectors = [v for v in discriminator.non_trainable_variables if v.name == "u"]
    kernels = [v for v in discriminator.trainable_variables if v.name == "kernel"]
    assert len(vectors) == len(kernels)


def test_deep_networks_may_take_images_from_a_wider_convolution():
    narrow, _ = counted(biggan_deep.generator, (32, 32, 3), 8, 3, ch=4)
    wide, _ = counted(biggan_deep.generator, (32, 32, 3), 8, 3, ch=4, final_filters=128)
    assert wide - narrow == 125 * (9 * 16 + 1)
    model = biggan_deep.generator((32, 32, 3), 8, ch=4, final_filters=128)
    assert model({"z": tf.ones([1, 8])}).shape == (1, 32, 32, 3)
