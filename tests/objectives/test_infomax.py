"""InfoMax-GAN: the contrast of features, what it is taken of, and what its heads are."""

import functools
import math
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.architectures import mlp, resnet_cifar
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN, update
from compare_gan_tf.layers import spectral_norm
from compare_gan_tf.objectives import Adversarial, InfoMax, Samples, Scored
from compare_gan_tf.objectives.base import Game
from compare_gan_tf.objectives.heads import ResidualHead
from compare_gan_tf.objectives.infomax import contrast

RNG = np.random.default_rng(0)


def random(*shape):
    return tf.constant(RNG.normal(size=shape), tf.float32)


def test_contrast_has_the_numbers_of_the_published_code(golden):
    numbers = golden("infomax")
    features = tf.constant(numbers["local_features"])
    values = contrast(features, tf.constant(numbers["global_features"]), features, 0)
    np.testing.assert_allclose(values, numbers["values"], rtol=1e-6)
    # Its score of -10 for a sample's own places is next to nothing.
    assert float(tf.reduce_mean(values)) == pytest.approx(numbers["masked_mean"], abs=1e-5)


def test_features_that_say_nothing_cost_the_logarithm_of_the_number_of_choices():
    values = contrast(tf.ones([4, 9, 3]), tf.zeros([4, 3]), tf.ones([4, 9, 3]), 0)
    np.testing.assert_allclose(values, math.log(1 + 3 * 9), rtol=1e-6)


def test_features_that_tell_each_sample_cost_nothing():
    own = 100.0 * tf.tile(tf.eye(4)[:, tf.newaxis], [1, 9, 1])
    np.testing.assert_array_equal(contrast(own, tf.eye(4), own, 0), 0.0)


def test_a_sample_alone_has_nothing_to_tell_it_from():
    """And a gradient of 0, not one that is no number."""
    local_features, global_features = random(1, 4, 3), random(1, 3)
    with tf.GradientTape() as tape:
        tape.watch(local_features)
        values = contrast(local_features, global_features, local_features, 0)
    np.testing.assert_array_equal(values, 0.0)
    np.testing.assert_array_equal(tape.gradient(values, local_features), 0.0)


def test_replicas_tell_their_samples_from_those_of_the_global_batch():
    local_features, global_features = random(6, 5, 3), random(6, 3)
    whole = contrast(local_features, global_features, local_features, 0)
    for first in (0, 2, 4):
        rows = slice(first, first + 2)
        part = contrast(local_features[rows], global_features[rows], local_features, first)
        np.testing.assert_allclose(part, whole[rows], rtol=1e-6)


def test_the_heads_project_rows_and_maps_alike():
    head = ResidualHead(3, 4, name="head")
    for variable in head.trainable_variables:
        variable.assign(RNG.normal(size=variable.shape))
    hidden, out, shortcut = (
        [weight.numpy().astype(np.float64) for weight in layer.weights]
        for layer in (head.hidden, head.output_layer, head.shortcut)
    )
    x = RNG.normal(size=[2, 5, 3])
    expected = np.maximum(x @ hidden[0] + hidden[1], 0) @ out[0] + out[1]
    expected += x @ shortcut[0] + shortcut[1]
    maps = tf.constant(x, tf.float32)
    np.testing.assert_allclose(head(maps), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(head(maps[:, 0]), expected[:, 0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("index", range(4))
def test_the_heads_have_mimicrys_number_of_parameters(golden, index):
    row = golden("infomax")["heads"][index]
    maps = keras.Input((4, 4, row["local"]))
    discriminator = types.SimpleNamespace(
        output={"local_features": maps, "features": keras.Input((row["global"],))}
    )
    objective = InfoMax(kernel_norm=spectral_norm)
    with keras.StatelessScope(initialize_variables=False):
        objective.build_for(types.SimpleNamespace(discriminator=discriminator))
        found = sum(math.prod(variable.shape) for variable in objective.trainable_variables)
    keras.utils.clear_session()
    assert found == row["parameters"]


def test_d_pays_for_reals_and_g_for_fakes_by_maps_behind_a_relu():
    objective = InfoMax(generator_weight=0.7)
    objective.local_head = objective.global_head = lambda x, training: x
    samples = Samples(random(3, 2, 2, 1), None, None, None, random(3, 2, 2, 1))
    maps, features = random(3, 2, 2, 4), random(3, 4)
    scored = {"own": Scored(None, None, features, heads={"local_features": maps})}
    places = tf.reshape(tf.maximum(maps, 0.0), [3, 4, 4])
    expected = contrast(places, features, places, 0)
    for player, images, factor in (
        ("discriminator", samples.real, None),
        ("generator", samples.fake, 0.7),
    ):
        game = Game(None, update.gather)
        assert objective.views(player, game, samples)["own"].images is images
        (term,) = getattr(objective, player)(game, samples, scored)
        assert (term.name, term.factor) == ("", factor)
        np.testing.assert_allclose(term.values, expected, rtol=1e-6)


def make(discriminator, *objectives):
    keras.utils.set_random_seed(0)
    return GAN(
        (8, 8, 1),
        generator=functools.partial(mlp.generator, units=4),
        discriminator=discriminator,
        objectives=[Adversarial(), *objectives],
    )


def test_a_discriminator_without_maps_is_refused():
    with pytest.raises(UserError, match="InfoMax needs maps.*@sndcgan.discriminator"):
        make(mlp.discriminator, InfoMax())


def test_only_a_game_that_asks_for_the_maps_has_them_as_an_output():
    narrow = functools.partial(resnet_cifar.discriminator, width=2)
    assert set(make(narrow).discriminator.output) == {"logits", "features"}
    gan = make(narrow, InfoMax(units=4))
    assert gan.discriminator.output["local_features"].shape == (None, 2, 2, 2)
    plain = make(narrow).discriminator
    assert [v.path for v in plain.variables] == [v.path for v in gan.discriminator.variables]


def test_the_heads_train_with_d_alone():
    gan = make(functools.partial(resnet_cifar.discriminator, width=2), InfoMax(units=4))
    heads = {id(variable) for variable in gan.objectives[1].trainable_variables}
    assert len(heads) == 12
    assert heads <= {id(variable) for variable in update.trained_by(gan, "discriminator")}
    assert not heads & {id(variable) for variable in update.trained_by(gan, "generator")}
