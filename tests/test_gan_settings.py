"""What a GAN refuses when it is asked for samples; its settings are in bin/test_wrong_settings."""

import pytest

from compare_gan_tf.architectures import mlp
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN
from compare_gan_tf.latents import Normal
from compare_gan_tf.objectives import Adversarial


@pytest.fixture(scope="module", params=[True, False])
def gan(request):
    return GAN(
        (2,),
        3,
        generator=mlp.generator,
        discriminator=mlp.discriminator,
        objectives=[Adversarial()],
        latents=Normal(2),
        conditional=request.param,
    )


@pytest.mark.parametrize("seed", [5, [1, 2, 3], [0.5, 1.0]])
def test_samples_need_a_seed_of_two_whole_numbers(gan, seed):
    with pytest.raises(UserError, match=r"the seed is .*\[2\], such as \[0, 1\]"):
        gan.sample(4, seed)


@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [0, 1, 2, -2], [0, 1, 2]])
def test_samples_of_labels_that_are_no_class_or_too_few_are_refused(gan, labels):
    with pytest.raises(UserError, match="labels .*must be" if gan.num_classes else "conditional"):
        gan.sample(4, [0, 1], 0.0, labels)


def test_samples_of_labels_that_are_classes_are_made(gan):
    labels = [0, 1, 2, -1] if gan.num_classes else None
    assert gan.sample(4, [0, 1], 0.0, labels).shape == (4, 2)
