"""What a GAN refuses: settings of its constructor, and samples; others: bin/test_wrong_settings."""

import functools

import pytest
from small_gan import Brighten, batch, make

from compare_gan_tf import optimizers
from compare_gan_tf.architectures import mlp
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN
from compare_gan_tf.gan.alphabets import Bits, Concrete, straight_through
from compare_gan_tf.latents import Normal
from compare_gan_tf.layers import batch_norm
from compare_gan_tf.objectives import (
    L2,
    Adversarial,
    DiscreteBoundarySeeking,
    GradientPenalty,
    LossSensitiveClassifier,
)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objectives": []}, "objectives is empty"),
        ({"objectives": [Adversarial(), Adversarial()]}, "two of GAN.objectives are named 'adv"),
        ({"d_steps": 0}, "d_steps is 0"),
        ({"ema_decay": 1.0}, "ema_decay is 1.0"),
        ({"num_classes": None, "conditional": True}, "conditional is True but"),
        ({"ema_decay": 0.9, "ema_halflife": 2.0}, "ema_halflife is 2.0: give one"),
        ({"ema_halflife": 0.0}, "ema_halflife is 0.0"),
        ({"augment": Brighten}, "give @Brighten"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, message):
    arguments = {"sample_shape": (4, 4, 1), "num_classes": 3, "objectives": [Adversarial()]}
    with pytest.raises(UserError, match=message):
        GAN(generator=mlp.generator, discriminator=mlp.discriminator, **arguments | settings)


@pytest.mark.parametrize("relaxation", [straight_through, Concrete()])
def test_a_relaxation_that_nothing_learns_through_is_refused(relaxation):
    make([Adversarial(), DiscreteBoundarySeeking()], alphabet=Bits(relaxation))
    with pytest.raises(UserError, match="Bits.relaxation is .*: remove it, or take one that does"):
        make([DiscreteBoundarySeeking()], alphabet=Bits(relaxation))


def test_a_classifier_of_losses_needs_a_discriminator_without_labels():
    plain = functools.partial(mlp.discriminator, units=5, conditioning=None)
    make([LossSensitiveClassifier()], conditional=True, discriminator=plain)
    with pytest.raises(UserError, match="LossSensitiveClassifier alone is for a discriminator"):
        make([LossSensitiveClassifier(), GradientPenalty()], conditional=True)
    make([LossSensitiveClassifier(), Adversarial()], conditional=True)


def test_one_optimiser_for_both_players_is_refused():
    shared = optimizers.sgd()
    with pytest.raises(UserError, match="one object"):
        make(g_optimizer=shared, d_optimizer=shared)


def test_a_player_without_any_term_is_refused():
    gan = make([GradientPenalty()])
    with pytest.raises(UserError, match="no objective has a term for the generator"):
        gan.train_step(batch(gan))


def test_lazy_objectives_need_a_discriminator_that_scores_samples_one_by_one():
    with pytest.raises(UserError, match="GradientPenalty.every is 2 but this discriminator has"):
        make([Adversarial(), GradientPenalty(every=2)], d_norm=batch_norm)
    make([Adversarial(), L2(every=2)], d_norm=batch_norm)


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
