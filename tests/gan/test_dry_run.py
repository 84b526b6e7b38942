"""What is refused once a GAN and its data meet; others: bin/test_wrong_settings."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import GAN
from compare_gan_tf.architectures import mlp
from compare_gan_tf.data import Dataset, Split
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import alphabets, dry_run
from compare_gan_tf.objectives import Adversarial, DiscreteBoundarySeeking, discrete


def check(level: int, alphabet, objective):
    """A dry run of a GAN on images of two levels, 0 and `level`."""
    images = level * np.random.default_rng(0).integers(0, 2, [8, 4, 4, 1])
    dataset = Dataset("two levels", {"train": Split(images.astype(np.uint8))})
    gan = GAN(
        dataset.sample_shape,
        generator=functools.partial(mlp.generator, units=4, depth=1),
        discriminator=functools.partial(mlp.discriminator, units=4, depth=1),
        alphabet=alphabet,
        objectives=[objective],
    )
    dry_run.check(gan, dataset, batch_size=4, strategy=tf.distribute.get_strategy())


def test_bits_are_for_pixels_that_are_black_or_white():
    check(255, alphabets.Bits(), DiscreteBoundarySeeking(samples=2))
    with pytest.raises(UserError, match="are 200, neither 0 nor 255: set data.load.view = @binar"):
        check(200, alphabets.Bits(), DiscreteBoundarySeeking(samples=2))


@pytest.mark.parametrize(
    ("relaxation", "message"),
    [
        (discrete.importance, "Bits.relaxation: importance cannot be used"),
        (mlp.generator, "Bits.relaxation: generator cannot be used"),
        (lambda alphabet, logits, noise: logits[:, 0], "it gives samples of shape"),
    ],
)
def test_a_relaxation_must_give_samples(relaxation, message):
    check(255, alphabets.Bits(alphabets.Concrete()), Adversarial())
    with pytest.raises(UserError, match=message):
        check(255, alphabets.Bits(relaxation), Adversarial())


def test_a_label_distribution_must_give_a_label_for_each_fake():
    rng = np.random.default_rng(0)
    split = Split(
        rng.integers(0, 256, [8, 4, 4, 1]).astype(np.uint8), np.arange(8, dtype=np.int32) % 2
    )
    gan = GAN(
        (4, 4, 1),
        2,
        conditional=True,
        generator=functools.partial(mlp.generator, units=4, depth=1),
        discriminator=functools.partial(mlp.discriminator, units=4, depth=1),
        label_distribution=lambda noise, real_labels, num_classes: real_labels[:1],
        objectives=[Adversarial()],
    )
    with pytest.raises(UserError, match=r"it gives labels of shape \(1,\), not \(4,\)"):
        dry_run.check(
            gan,
            Dataset("of two classes", {"train": split}, 2),
            batch_size=4,
            strategy=tf.distribute.get_strategy(),
        )
