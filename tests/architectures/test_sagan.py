import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import layers
from compare_gan_tf.architectures import sagan
from compare_gan_tf.errors import UserError


def counted(make, *arguments, **options):
    """Trainable parameters of a network whose weights are never made."""
    with keras.StatelessScope(initialize_variables=False):
        model = make(*arguments, kernel_initializer="zeros", **options)
        size = sum(math.prod(v.shape) for v in model.trainable_variables)
    keras.utils.clear_session()  # else Keras makes them when the next scope ends
    return size


@pytest.mark.parametrize("side", [32, 128])
def test_without_attention_parameters_are_those_of_studiogans_sngan(golden, side):
    row = golden("biggan")["studiogan"][f"sngan_{side}"]
    digits = 2 if side == 32 else 1
    shape, classes = (side, side, 3), row["classes"]
    generator = counted(sagan.generator, shape, row["latent_dim"], classes, attention=())
    discriminator = counted(sagan.discriminator, shape, classes, attention=())
    assert round(generator / 1e6, digits) == row["generator"]
    assert round(discriminator / 1e6, digits) == row["discriminator"]


@pytest.mark.parametrize(("side", "at"), [(32, (256, 128)), (64, (128, 64)), (128, (256, 128))])
def test_attention_has_five_quarters_of_the_channels_squared(side, at):
    """In the authors' "feat32" at 128 px G has 4 ch channels there, and D 2 ch; ch is 64."""
    for make, arguments, channels in (
        (sagan.generator, (128,), at[0]),
        (sagan.discriminator, (), at[1]),
    ):
        sizes = [
            counted(make, (side, side, 3), *arguments, attention=attention)
            for attention in ((), None)
        ]
        assert sizes[1] - sizes[0] == 5 * channels**2 // 4 + 1, make


@pytest.mark.parametrize("side", [32, 64, 128])
@pytest.mark.parametrize("classes", [None, 3])
def test_images_are_in_range_and_labels_matter(side, classes):
    generator = sagan.generator((side, side, 1), 8, classes, ch=4)
    discriminator = sagan.discriminator((side, side, 1), classes, ch=4)
    labels = {"labels": tf.constant([0, 2, 2])} if classes else {}
    images = generator({"z": 10 * tf.ones([3, 8])} | labels, training=True).numpy()
    assert images.shape == (3, side, side, 1) and np.abs(images).max() <= 1.0
    logits = discriminator({"images": tf.repeat(images[:1], 3, 0)} | labels)["logits"]
    assert logits.shape == (3,)
    assert (np.abs(images[0] - images[1]).max() > 1e-5) == bool(classes)
    assert (float(logits[0]) != float(logits[1])) == bool(classes)


def test_both_players_are_under_spectral_norm():
    for player in (
        sagan.generator((32, 32, 3), 8, ch=4),
        sagan.discriminator((32, 32, 3), 3, ch=4),
    ):
        kernels = [v for v in player.trainable_variables if v.name == "kernel"]
        vectors = [v for v in player.non_trainable_variables if v.name == "u"]
        assert len(kernels) == len(vectors) > 10


def test_attention_attends():
    generator = sagan.generator((32, 32, 3), 8, ch=4)
    discriminator = sagan.discriminator((32, 32, 3), ch=4, attention=(16, 8))
    images = tf.random.stateless_uniform([2, 32, 32, 3], [0, 1], -1, 1)
    for player, output, count in (
        (generator, lambda: generator({"z": tf.ones([1, 8])}), 1),
        (discriminator, lambda: discriminator({"images": images})["logits"], 2),
    ):
        gains = [v for v in player.trainable_variables if v.name == "sigma"]
        assert len(gains) == count
        for gain in gains:
            before = output()
            gain.assign(1.0)
            assert np.abs(output() - before).max() > 1e-6


def test_labels_reach_a_generator_whose_norm_does_not_use_them():
    generator = sagan.generator((32, 32, 1), 8, 3, ch=4, norm=layers.batch_norm)
    images = generator({"z": tf.ones([2, 8]), "labels": tf.constant([0, 1])})
    assert np.abs(images[0] - images[1]).max() > 1e-5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sagan.generator((256, 256, 3), 8), "32, 48, 64, 128 px.*have 256"),
        (lambda: sagan.discriminator((32, 48, 3)), "square.*32 x 48"),
        (lambda: sagan.generator((32, 32, 3), 8, attention=64), "sagan.generator.attention has 64"),
        (
            lambda: sagan.generator((32, 32, 3), 8, norm=layers.conditional_batch_norm),
            "needs labels",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()
