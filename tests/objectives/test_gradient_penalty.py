"""On D(x) = w x + 1 the slope is |w| everywhere; on D(x) = a |x|^2 / 2 it is a |x|."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.architectures import maxout, mlp
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN, passes, update
from compare_gan_tf.objectives import (
    Adversarial,
    GradientPenalty,
    MaxGradientPenalty,
    Samples,
    Scored,
)
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR, Game
from compare_gan_tf.objectives.gradient_penalty import (
    around_real,
    at_fake,
    at_real,
    beside_real,
    between,
)

POINTS = [between, around_real, beside_real, at_real, at_fake]


class Scorer:
    """A discriminator given by a formula."""

    layers = input = ()

    def __init__(self, formula):
        self.formula = formula

    def __call__(self, inputs, training):
        images = inputs["images"]
        flat = tf.reshape(images, [images.shape[0], -1])
        return {"logits": self.formula(flat), "features": flat}


def linear(weights):
    return Scorer(lambda x: tf.linalg.matvec(x, tf.constant(weights, tf.float32)) + 1.0)


def quadratic(a):
    return Scorer(lambda x: 0.5 * a * tf.reduce_sum(tf.square(x), axis=1))


@pytest.fixture
def samples():
    rng = np.random.default_rng(3)
    real, fake = (tf.constant(rng.uniform(-1, 1, [6, 2, 3, 2]), tf.float32) for _ in range(2))
    return Samples(real, None, tf.zeros([6, 1]), None, fake)


def penalty(objective, discriminator, samples):
    game = Game(random.Noise(0, 5, 0), update.gather)
    views = objective.views(DISCRIMINATOR, game, samples)
    scored = passes.score_named(discriminator, "penalty", views)
    (term,) = objective.discriminator(game, samples, scored)
    return float(update.share(term)), scored["points"]


@pytest.mark.parametrize("points", [between, around_real])
def test_value_on_a_linear_discriminator_is_compare_gans(golden, samples, points):
    expected = golden("compare_gan")["gradient_penalty"]
    objective = GradientPenalty(points, epsilon=expected["epsilon"])
    found, _ = penalty(objective, linear(np.linspace(-0.5, 0.5, 12)), samples)
    assert found == pytest.approx(expected["value"], abs=1e-6)


@pytest.mark.parametrize("points", POINTS)
def test_zero_target_is_the_squared_norm(samples, points):
    weights = np.linspace(-0.5, 0.5, 12)
    found, _ = penalty(GradientPenalty(points, target=0.0), linear(weights), samples)
    assert found == pytest.approx(np.sum(weights**2), rel=1e-6)


@pytest.mark.parametrize(("points", "side"), [(at_real, "real"), (at_fake, "fake")])
def test_r1_and_r2_are_taken_at_their_samples(samples, points, side):
    found, scored = penalty(GradientPenalty(points, target=0.0), quadratic(3.0), samples)
    images = getattr(samples, side).numpy()
    assert found == pytest.approx(9 * np.mean(np.sum(images**2, axis=(1, 2, 3))), rel=1e-5)
    assert scored.images is getattr(samples, side)  # no extra pass


def test_beside_reals_noise_is_of_one_sign_and_shrunk_by_one_number_a_sample(samples):
    """x + alpha std / 2 U[0, 1), as compare_gan's first version and StudioGAN have it."""
    wide = samples._replace(real=tf.concat([samples.real] * 500, 0))
    wide = wide._replace(fake=wide.real)
    _, scored = penalty(GradientPenalty(beside_real), quadratic(1.0), wide)
    half = 0.5 * float(tf.math.reduce_std(wide.real))
    noise = (scored.images - wide.real).numpy().reshape(3000, -1) / half
    assert -1e-6 <= noise.min() and noise.max() < 1
    assert noise.mean() == pytest.approx(0.25, abs=0.01)  # of alpha U
    assert np.square(noise).mean() == pytest.approx(1 / 9, abs=0.01)
    of_samples = noise.mean(1)
    assert np.var(of_samples) == pytest.approx(1 / 48 + 1 / (36 * 12), rel=0.1)  # alpha's, and U's
    assert scored.images.numpy().max() > 1  # not clipped


@pytest.mark.parametrize(("points", "moved"), [(at_real, 0.0), (between, 0.5)])
def test_a_penalty_at_real_samples_knows_no_fakes(samples, points, moved):
    """The loss-sensitive GAN's (Qi, 2017) is at reals alone, WGAN-GP's lies between."""
    there, here = (samples._replace(fake=samples.fake + shift) for shift in (1.0, 0.0))
    found = [
        penalty(GradientPenalty(points, target=0.0), quadratic(1.0), one)[0]
        for one in (there, here)
    ]
    assert abs(found[0] - found[1]) > moved if moved else found[0] == found[1]


def test_the_centre_is_0_or_1(samples):
    flat, unit = linear(np.zeros(12)), linear(np.eye(12)[0])
    assert penalty(GradientPenalty(at_real, target=0.0), flat, samples)[0] == 0.0
    assert penalty(GradientPenalty(between, epsilon=0.0), unit, samples)[0] == pytest.approx(0.0)


def test_between_lies_on_the_line_from_real_to_fake(samples):
    _, scored = penalty(GradientPenalty(between), quadratic(1.0), samples)
    real, fake, found = (x.numpy() for x in (samples.real, samples.fake, scored.images))
    alpha = (found - real) / (fake - real)
    np.testing.assert_allclose(alpha, alpha[:, :1, :1, :1] + np.zeros_like(alpha), atol=2e-4)
    assert np.all((alpha > 0) & (alpha < 1))
    assert np.ptp(alpha[:, 0, 0, 0]) > 0.2  # one alpha for each sample


def test_around_real_stays_within_half_a_deviation_and_the_range(samples):
    _, scored = penalty(GradientPenalty(around_real), quadratic(1.0), samples)
    real = samples.real.numpy()
    noise = scored.images.numpy() - real
    assert np.abs(noise).max() <= real.std() / 2
    assert np.abs(noise).max() > real.std() * 0.45
    assert np.abs(scored.images.numpy()).max() <= 1.0


def test_one_sided_ignores_slopes_below_the_target(samples):
    objective = GradientPenalty(between, one_sided=True, epsilon=0.0)
    below, _ = penalty(objective, linear(np.full(12, 0.1)), samples)
    above, _ = penalty(objective, linear(np.full(12, 1.0)), samples)
    assert below == 0.0
    assert above == pytest.approx((np.sqrt(12) - 1) ** 2, rel=1e-5)


def test_slopes_double_when_images_are_measured_in_unit_intervals(samples):
    objective = GradientPenalty(between, target=0.0, image_width=1.0)
    found, _ = penalty(objective, linear(np.full(12, 0.5)), samples)
    assert found == pytest.approx(4 * 12 * 0.25, rel=1e-6)


def test_slope_of_zero_has_a_finite_gradient_thanks_to_epsilon(samples):
    scale = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        scorer = Scorer(lambda x: scale * tf.reduce_sum(x, axis=1))
        game = Game(random.Noise(0, 0, 0), update.gather)
        views = GradientPenalty().views(DISCRIMINATOR, game, samples)
        scored = passes.score_named(scorer, "p", views)
        (term,) = GradientPenalty().discriminator(None, samples, scored)
        value = update.share(term)
    assert float(value) == pytest.approx((0.01 - 1) ** 2, rel=1e-5)  # sqrt(1e-4) = .01
    assert np.isfinite(tape.gradient(value, scale).numpy())


SECOND_ORDER = {
    "two_sided": GradientPenalty,
    "one_sided": lambda points: GradientPenalty(points, target=0.5, one_sided=True),
    "zero": lambda points: GradientPenalty(points, target=0.0),
    "largest": MaxGradientPenalty,
}


@pytest.mark.parametrize("form", SECOND_ORDER)
@pytest.mark.parametrize("points", POINTS)
def test_gradient_of_the_penalty_equals_finite_differences(samples, points, form):
    rng = np.random.default_rng(1)
    first, second = (tf.Variable(rng.normal(size=s), dtype=tf.float64) for s in ([12, 5], [5]))
    wide = Samples(*(None if x is None else tf.cast(x, tf.float64) for x in samples))
    wide = wide._replace(real=tf.cast(samples.real, tf.float64))

    class Wide(Scorer):
        def __call__(self, inputs, training):
            flat = tf.reshape(inputs["images"], [6, 12])
            return {"logits": tf.linalg.matvec(tf.tanh(flat @ first), second), "features": flat}

    objective = SECOND_ORDER[form](points)
    game = Game(None, update.gather)
    fixed = objective.views(DISCRIMINATOR, Game(random.Noise(0, 5, 0), update.gather), samples)[
        "points"
    ]
    fixed = fixed._replace(images=tf.cast(fixed.images, tf.float64))

    def value():
        scored = passes.score_named(Wide(None), "p", {"points": fixed})
        (term,) = objective.discriminator(game, wide, scored)
        return update.share(term)

    with tf.GradientTape() as tape:
        result = value()
    for variable, gradient in zip(
        (first, second), tape.gradient(result, (first, second)), strict=True
    ):
        direction = rng.normal(size=variable.shape)
        start, step = variable.numpy(), 1e-5
        variable.assign(start + step * direction)
        up = value().numpy()
        variable.assign(start - step * direction)
        down = value().numpy()
        variable.assign(start)
        expected = (up - down) / (2 * step)
        assert np.sum(gradient.numpy() * direction) == pytest.approx(expected, rel=1e-4)


def test_the_generator_pays_nothing(samples):
    objective = GradientPenalty()
    assert objective.views(GENERATOR, None, samples) == {}
    assert objective.generator(None, samples, {}) == []


@pytest.mark.parametrize("points", [at_real, at_fake])
def test_the_largest_slope_is_what_max_gradient_penalty_takes(samples, points):
    found, scored = penalty(MaxGradientPenalty(points), quadratic(3.0), samples)
    squared = np.sum(np.square(scored.images.numpy()), axis=(1, 2, 3))
    assert found == pytest.approx(9 * squared.max(), rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": -1.0}, "target is -1.0"),
        ({"epsilon": -1.0}, "epsilon is -1.0"),
        ({"image_width": 0.0}, "image_width is 0.0"),
        ({"finite_difference": 0.0, "target": 0.0}, "finite_difference is 0.0"),
        ({"every": 0}, "every is 0"),
        ({"weight": "heavy"}, "weight is 'heavy'"),
        ({"weight": abs}, "must be a number or a schedule"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        GradientPenalty(**settings)


# By finite differences


def network(activation, convolutions):
    """A small discriminator of 8 x 8 pixels."""
    layers = keras.layers
    x = images = keras.Input((8, 8, 1), name="images")
    if convolutions:
        x = layers.Conv2D(8, 3, 2, "same", activation=activation)(x)
        x = layers.Conv2D(16, 3, 2, "same", activation=activation)(x)
    x = layers.Flatten()(x)
    if not convolutions:
        x = layers.Dense(32, activation)(layers.Dense(32, activation)(x))
    logits = layers.Reshape(())(layers.Dense(1)(x))
    return keras.Model({"images": images}, {"logits": logits, "features": x})


def mean_gradient(discriminator, objective, samples, draws):
    """The penalty and its gradient by all weights, float64, means over the draws of u."""
    weights = [variable.value for variable in discriminator.trainable_variables]

    @tf.function(autograph=False)
    def of_draw(step):
        game = Game(random.Noise(0, step, 0), update.gather)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            views = objective.views(DISCRIMINATOR, game, samples)
            scored = passes.score_named(discriminator, "p", views)
            (term,) = objective.discriminator(game, samples, scored)
            value = update.share(term)
        found = passes.gradients(tape, value, weights)
        return tf.concat([[value], *(tf.reshape(one, [-1]) for one in found)], 0)

    every = [of_draw(tf.constant(i, tf.int64)).numpy().astype(float) for i in range(draws)]
    mean = np.mean(every, 0)
    return mean[0], mean[1:]


def both_gradients(discriminator, number):
    images = tf.random.stateless_uniform([number, 8, 8, 1], [1, 2], -1.0, 1.0)
    samples = Samples(images, None, None, None, images)
    approximated = GradientPenalty(at_real, target=0.0, finite_difference=0.01)
    exact = mean_gradient(discriminator, GradientPenalty(at_real, target=0.0), samples, 1)
    return exact, mean_gradient(discriminator, approximated, samples, 64)


@pytest.mark.parametrize(
    ("activation", "convolutions"), [("tanh", False), ("silu", False), ("softplus", True)]
)
def test_the_mean_gradient_by_finite_differences_is_the_exact_one(activation, convolutions):
    keras.utils.set_random_seed(0)
    (value, exact), (mean, found) = both_gradients(network(activation, convolutions), 1024)
    assert mean == pytest.approx(value, rel=0.05)
    assert np.linalg.norm(found - exact) < 0.05 * np.linalg.norm(exact)


def test_with_kinks_the_gradient_is_the_exact_one_and_noise_across_it():
    """D(x + e u) and D(x) differ in the units that a leaky ReLU lets through."""
    keras.utils.set_random_seed(0)
    (value, exact), (mean, found) = both_gradients(network("leaky_relu", True), 1024)
    assert mean == pytest.approx(value, rel=0.05)
    assert found @ exact == pytest.approx(exact @ exact, rel=0.05)


@pytest.mark.parametrize("width", [2.0, 1.0])
def test_a_finite_difference_on_a_linear_discriminator_is_that_of_its_direction(samples, width):
    weights = np.linspace(-0.5, 0.5, 12)
    objective = GradientPenalty(at_real, target=0.0, finite_difference=0.1, image_width=width)
    game = Game(random.Noise(0, 5, 0), update.gather)
    views = objective.views(DISCRIMINATOR, game, samples)
    scored = passes.score_named(linear(weights), "penalty", views)
    (term,) = objective.discriminator(game, samples, scored)
    u = (views["moved"].images - samples.real).numpy().astype(float).reshape(6, 12) / 0.1
    np.testing.assert_allclose(term.values, (u @ weights * 2.0 / width) ** 2, rtol=1e-3)
    assert views["points"] == samples.real_view  # the pass of the loss


def test_directions_are_standard_normal(samples):
    wide = samples._replace(real=tf.concat([samples.real] * 500, 0))
    objective = GradientPenalty(at_real, target=0.0, finite_difference=0.01)
    views = objective.views(DISCRIMINATOR, Game(random.Noise(0, 5, 0), update.gather), wide)
    u = (views["moved"].images - wide.real).numpy() / 0.01
    assert u.mean() == pytest.approx(0.0, abs=0.02)
    assert np.square(u).mean() == pytest.approx(1.0, abs=0.03)
    assert np.mean(u**4) == pytest.approx(3.0, abs=0.2)


def test_both_points_have_the_same_augmentation(samples):
    """Also where the loss has scored the reals before, with an augmentation of its own."""
    tags = []

    def augment(images, tag):
        tags.append(tag)
        return images

    game = Game(random.Noise(0, 5, 0), update.gather)
    objective = GradientPenalty(at_real, target=0.0, finite_difference=0.01)
    views = objective.views(DISCRIMINATOR, game, samples)
    tagged = [(f"penalty/{name}", view) for name, view in views.items()]
    first = ("adversarial/real", samples.real_view)
    passes.score_views(linear(np.ones(12)), [first, *tagged], augment)
    assert tags == ["adversarial/real"] * 2
    tags.clear()
    passes.score_views(linear(np.ones(12)), tagged, augment)
    assert tags == ["penalty/points"] * 2


def test_under_bfloat16_the_difference_is_of_float32_logits():
    def discriminator(sample_shape, num_classes=None):
        return mlp.discriminator(sample_shape, num_classes, units=8)

    objective = GradientPenalty(at_real, target=0.0, finite_difference=0.1)
    gan = GAN(
        (4, 4, 1),
        generator=functools.partial(mlp.generator, units=8),
        discriminator=discriminator,
        objectives=[Adversarial(), objective],
        precision="mixed_bfloat16",
    )
    logits = {side: tf.constant([1.0 + shift]) for side, shift in (("points", 0), ("moved", 1e-4))}
    scored = {side: Scored(None, value, None) for side, value in logits.items()}
    (term,) = objective.discriminator(None, None, scored)  # bfloat16 has 1.0 and 1.0078
    assert float(term.values[0]) == pytest.approx(1e-6, rel=1e-2)
    assert gan.discriminator.output["logits"].dtype == "float32"
    logs = gan.train_step((tf.zeros([4, gan.slices, 4, 4, 1], tf.uint8),))
    assert np.isfinite(float(logs["discriminator/gradient_penalty"]))


def test_finite_differences_of_norms_and_of_noisy_scores_are_refused():
    with pytest.raises(UserError, match="set GradientPenalty.target = 0.0"):
        GradientPenalty(between, finite_difference=0.01)
    with pytest.raises(UserError, match="draws noise, such as dropout's"):
        GAN(
            (28, 28, 1),
            generator=functools.partial(mlp.generator, units=4, depth=1),
            discriminator=maxout.discriminator,
            objectives=[Adversarial(), GradientPenalty(target=0.0, finite_difference=0.01)],
        )
