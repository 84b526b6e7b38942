"""Auxiliary tasks: what the heads are shown, what a perfect head pays, and what is refused."""

import functools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import latents, random
from compare_gan_tf.architectures import mlp
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN, update
from compare_gan_tf.layers import batch_norm, spectral_norm
from compare_gan_tf.objectives import (
    Adversarial,
    CategoricalInformation,
    Classification,
    Consistency,
    GaussianInformation,
    LatentConsistency,
    Objective,
    Rotation,
    Samples,
    Scored,
    consistency,
)
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR, Game, View
from compare_gan_tf.objectives.classification import cross_entropy

RNG = np.random.default_rng(0)
IMAGES = tf.constant(RNG.uniform(-1, 1, [8, 4, 4, 2]), tf.float32)
FAKES = tf.constant(RNG.uniform(-1, 1, [8, 4, 4, 2]), tf.float32)
LABELS = tf.constant([0, 1, 2, 0, 1, 2, 0, -1])
FAKE_LABELS = tf.constant([2, 2, 1, 1, 0, 0, 2, 1])


def game(**more):
    return Game(random.Noise(0, 5, 0), update.gather, tf.constant(5, tf.int64), **more)


def samples(z=None):
    return Samples(IMAGES, LABELS, z, FAKE_LABELS, FAKES)


def make(*objectives, shape=(4, 4, 2), **settings):
    keras.utils.set_random_seed(0)
    defaults = dict(
        conditional=True,
        generator=functools.partial(mlp.generator, units=5, depth=1, norm=batch_norm),
        discriminator=functools.partial(mlp.discriminator, units=5, depth=1),
    )
    return GAN(shape, 3, objectives=[Adversarial(), *objectives], **defaults | settings)


# Classification


def test_cross_entropy_leaves_out_what_has_no_label():
    logits = RNG.normal(size=[8, 3])
    values, weights = cross_entropy(LABELS, tf.constant(logits))
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    known = LABELS.numpy() >= 0
    np.testing.assert_array_equal(weights, known)
    expected = -np.log(probability[known, LABELS.numpy()[known]])
    np.testing.assert_allclose(values.numpy()[known], expected, rtol=1e-6)


@pytest.mark.parametrize(("fakes", "sides"), [(True, ["real", "fake"]), (False, ["real"])])
def test_the_classifier_learns_reals_by_their_labels_and_fakes_by_those_g_was_given(fakes, sides):
    objective = Classification(fakes=fakes, generator_weight=0.3)
    objective.head = lambda features, training: features
    logits = {side: tf.constant(RNG.normal(size=[8, 3]), tf.float32) for side in ("real", "fake")}
    views = {side: Scored(None, None, logits[side]) for side in sides}
    terms = objective.discriminator(game(), samples(), views)
    assert [term.name for term in terms] == sides
    for term, labels in zip(terms, (LABELS, FAKE_LABELS), strict=False):
        values, weights = cross_entropy(labels, logits[term.name])
        np.testing.assert_array_equal(term.values, values)
        np.testing.assert_array_equal(term.weights, weights)
    (term,) = objective.generator(game(), samples(), {"fake": Scored(None, None, logits["fake"])})
    np.testing.assert_array_equal(term.values, cross_entropy(FAKE_LABELS, logits["fake"])[0])
    assert update.factor_of(objective, term, 0) == 0.3


def test_a_classifier_needs_labels():
    with pytest.raises(UserError, match="Classification needs labels"):
        make(Classification(), conditional=False)


# Rotation


@pytest.mark.parametrize(
    ("player", "images", "labels"),
    [
        (DISCRIMINATOR, IMAGES, LABELS),
        (GENERATOR, FAKES, FAKE_LABELS),
    ],
)
def test_rotations_are_numpys_and_keep_their_own_labels(player, images, labels):
    views = Rotation(one_in=4).views(player, game(), samples())
    assert views["upright"].images is images  # shares the pass of the loss
    turned, chosen = views["turned"].images.numpy(), images.numpy()[::4]
    expected = np.concatenate([np.rot90(chosen, turns, axes=(1, 2)) for turns in (1, 2, 3)])
    np.testing.assert_array_equal(turned, expected)
    np.testing.assert_array_equal(views["turned"].labels, np.tile(labels.numpy()[::4], 3))


def test_a_head_that_knows_the_turn_pays_nothing():
    objective = Rotation(one_in=4)
    objective.head = lambda features, training: features
    turns = tf.one_hot([0, 1, 2, 3], 4) * 50.0
    upright = tf.concat([turns[:1], -turns[:3]] * 2, 0)  # images 0 and 4 are taken
    turned = tf.repeat(turns[1:], 2, axis=0)
    views = {"upright": Scored(None, None, upright), "turned": Scored(None, None, turned)}
    (term,) = objective.discriminator(game(), samples(), views)
    assert term.values.shape == (8,)
    assert float(update.share(term)) == pytest.approx(0.0, abs=1e-6)
    (term,) = objective.generator(game(), samples(), views)
    assert update.factor_of(objective, term, 0) == 0.2
    blind = {name: view._replace(features=0 * view.features) for name, view in views.items()}
    (term,) = objective.discriminator(game(), samples(), blind)
    assert float(update.share(term)) == pytest.approx(math.log(4))


def test_rotation_needs_square_images_and_a_batch_that_divides():
    with pytest.raises(UserError, match="Rotation needs square images"):
        make(Rotation(), shape=(4, 6, 1))
    with pytest.raises(UserError, match="Rotation.one_in is 3: it must divide"):
        Rotation(one_in=3).views(DISCRIMINATOR, game(), samples())


# Consistency


def test_consistency_is_the_squared_difference_of_logits():
    views = {
        "plain": Scored(None, tf.constant([1.0, 2.0]), None),
        "changed": Scored(None, tf.constant([3.0, 1.5]), None),
    }
    (term,) = Consistency().discriminator(game(), samples(), views)
    np.testing.assert_allclose(term.values, [4.0, 0.25])


def test_a_shift_by_up_to_the_whole_side_stays_in_the_image():
    images = tf.reshape(tf.range(1.0, 33.0), [2, 4, 4, 1])
    for seed in range(20):
        changed = consistency.flip_and_shift(images, random.Noise(seed, 0, 0), "t", share=1.0)
        for image, own in zip(changed.numpy(), images.numpy(), strict=True):
            assert set(image.ravel()) <= set(own.ravel())


def test_flips_and_shifts_are_those_of_numpy():
    """Reflected padding by one pixel, cropped: each image is one of 2 x 3 x 3."""
    changed = consistency.flip_and_shift(IMAGES, random.Noise(0, 0, 0), "t").numpy()
    found = set()
    for image, result in zip(IMAGES.numpy(), changed, strict=True):
        candidates = {}
        for flip in (False, True):
            mirrored = image[:, ::-1] if flip else image
            padded = np.pad(mirrored, [(1, 1), (1, 1), (0, 0)], mode="reflect")
            for down in range(3):
                for right in range(3):
                    key = flip, down, right
                    candidates[key] = padded[down : down + 4, right : right + 4]
        equal = [key for key, value in candidates.items() if np.array_equal(value, result)]
        assert len(equal) == 1
        found.add(equal[0])
    assert len(found) > 3 and len({flip for flip, _, _ in found}) == 2


def test_consistency_of_fakes_costs_one_view_more_and_gives_nothing_to_g():
    objective = Consistency(lambda name, game, samples: consistency.View(samples.fake))
    views = objective.views(DISCRIMINATOR, game(), samples())
    assert views["plain"].images is FAKES and views["changed"].images.shape == FAKES.shape
    assert objective.views(GENERATOR, game(), samples()) == {}
    assert objective.generator(game(), samples(), {}) == []


def test_latent_consistency_spreads_what_g_makes_of_near_latents():
    def generate(z, labels):
        return tf.tile(tf.reshape(z, [8, 1, 1, 3]), [1, 4, 4, 1])  # G(z) = z at every pixel

    z = tf.constant(RNG.normal(size=[8, 3]), tf.float32)
    objective = LatentConsistency(std=0.5, generator_weight=0.7)
    ours = samples(z)._replace(fake=generate(z, None))
    views = objective.views(DISCRIMINATOR, game(generate=generate), ours)
    assert views["plain"].images is ours.fake
    moved = views["near"].images.numpy()[:, 0, 0] - z.numpy()
    assert 0.25 < moved.std() < 0.8
    (term,) = objective.generator(game(generate=generate), ours, {})
    np.testing.assert_allclose(term.values, -np.mean(moved**2, 1), rtol=1e-4)
    assert update.factor_of(objective, term, 0) == 0.7


# InfoGAN


CODED = latents.Coded(latents.Normal(2), categorical=(3, 2), continuous=2)


def test_each_categorical_code_has_its_cross_entropy():
    objective = CategoricalInformation()
    make(objective, latents=CODED)
    z, guess = CODED.sample(8, [1, 2]).numpy(), RNG.normal(size=[8, 5])
    terms = objective._terms(tf.constant(z), tf.constant(guess, tf.float32))
    for term, (start, stop) in zip(terms, ((0, 3), (3, 5)), strict=True):
        logits, code = guess[:, start:stop], z[:, 2 + start : 2 + stop]
        log = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        np.testing.assert_allclose(term.values, -np.sum(code * log, 1), rtol=1e-5)


@pytest.mark.parametrize("learn_variance", [True, False])
def test_continuous_codes_have_the_log_density_of_a_gaussian(learn_variance):
    objective = GaussianInformation(learn_variance=learn_variance)
    make(objective, latents=CODED)
    assert objective.trainable_variables[-1].shape == (4 if learn_variance else 2,)
    z, guess = CODED.sample(8, [1, 2]).numpy(), RNG.normal(size=[8, 4])
    variance = np.exp(guess[:, 2:]) if learn_variance else 1.0
    density = np.exp(-((z[:, -2:] - guess[:, :2]) ** 2) / (2 * variance))
    density = density / np.sqrt(2 * np.pi * variance)
    given = guess if learn_variance else guess[:, :2]
    (term,) = objective._terms(tf.constant(z), tf.constant(given, tf.float32))
    np.testing.assert_allclose(term.values, -np.log(density).sum(1), rtol=1e-5)


def test_codes_must_be_part_of_z():
    for objective in (CategoricalInformation(), GaussianInformation()):
        with pytest.raises(UserError, match="needs codes in z: set GAN.latents = @Coded"):
            make(objective)


# Heads


@pytest.mark.parametrize(
    ("objective", "players"),
    [
        (lambda: Classification(), [DISCRIMINATOR]),
        (lambda: Rotation(one_in=2), [DISCRIMINATOR]),
        (lambda: CategoricalInformation(hidden=3), [DISCRIMINATOR, GENERATOR]),
    ],
)
def test_heads_train_with_the_players_that_they_name(objective, players):
    for rates, player in (((0.0, 0.1), DISCRIMINATOR), ((0.1, 0.0), GENERATOR)):
        ours = objective()
        optimizers = [keras.optimizers.SGD(rate) for rate in rates]
        settings = {"g_optimizer": optimizers[0], "d_optimizer": optimizers[1]}
        gan = make(ours, latents=CODED, **settings)
        before = [variable.numpy() for variable in ours.trainable_variables]
        assert before
        images = tf.cast(tf.random.stateless_uniform([4, gan.slices, 4, 4, 2], [0, 1]), tf.float32)
        gan.train_step((images, tf.zeros([4, gan.slices], tf.int32)))
        moved = [
            not np.array_equal(value, variable.numpy())
            for value, variable in zip(before, ours.trainable_variables, strict=True)
        ]
        assert any(moved) == (player in players)


def test_adding_a_head_leaves_the_initial_weights_of_the_players():
    one, other = make(), make(Classification())
    for a, b in zip(one.discriminator.variables, other.discriminator.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_head_with_spectral_norm_moves_its_vector_once_in_each_update_of_d():
    objective = Classification(kernel_norm=spectral_norm)
    gan = make(objective, d_optimizer=keras.optimizers.SGD(0.0))
    layer = objective.head.output_layer
    kernel, u = layer.layer.kernel.numpy(), layer.u.numpy()
    v = kernel.T @ u
    expected = kernel @ v / np.linalg.norm(kernel @ v)
    gan.train_step((tf.zeros([4, gan.slices, 4, 4, 2]), tf.zeros([4, gan.slices], tf.int32)))
    np.testing.assert_allclose(layer.u, expected, rtol=1e-4, atol=1e-6)


def test_further_outputs_of_d_are_heads_of_its_views():
    def discriminator(sample_shape, num_classes):
        images = keras.Input(sample_shape, name="images")
        features = keras.layers.Flatten()(images)
        logits = keras.layers.Reshape(())(keras.layers.Dense(1)(features))
        outputs = {"logits": logits, "features": features, "more": 2.0 * features}
        return keras.Model({"images": images}, outputs)

    class Watcher(Objective):
        reads = ("more",)

        def views(self, player, game, samples):
            return {"fake": consistency.View(samples.fake, samples.fake_labels)}

        def discriminator(self, game, samples, scored):
            self.seen = scored["fake"]
            return []

    watcher = Watcher(name="watcher")
    gan = make(watcher, discriminator=discriminator)
    gan.train_step((tf.zeros([4, gan.slices, 4, 4, 2]), tf.zeros([4, gan.slices], tf.int32)))
    assert list(watcher.seen.heads) == ["more"]
    np.testing.assert_allclose(watcher.seen.heads["more"], 2.0 * watcher.seen.features)


def test_a_batch_that_cannot_be_turned_in_parts_is_told_by_its_size():
    view = View(tf.zeros([6, 4, 8, 1]), None)
    with pytest.raises(UserError, match="one_in is 4: it must divide .* which is 6$"):
        Rotation(one_in=4)._turned(view)
    assert Rotation(one_in=3)._turned(View(tf.zeros([6, 4, 4, 1]), None)).images.shape[0] == 6
