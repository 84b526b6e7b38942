"""SAN: the loss trains D's features and the scale, its own terms the direction alone."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import latents, optimizers
from compare_gan_tf.architectures import mlp
from compare_gan_tf.architectures.conditioning import Projection
from compare_gan_tf.architectures.sliced_logits import SlicedLogits
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN, update
from compare_gan_tf.objectives import GradientPenalty, Scored, SlicingAdversarial, losses
from compare_gan_tf.objectives.gradient_penalty import at_real
from compare_gan_tf.settings import keras_insides

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=[6, 4])
KERNEL, EMBEDDINGS = RNG.normal(size=[4, 1]), RNG.normal(size=[3, 4])
LABELS = np.array([0, 1, -1, 2, 2, 0])
ONE_HOT = (LABELS[:, None] == np.arange(3)).astype(float)
WEIGHTS = {False: np.tile(KERNEL.T, [6, 1]), True: KERNEL.T + ONE_HOT @ EMBEDDINGS}

# What G pays for a logit, and its slope.
SLOPES = {
    "hinge": (lambda f: -f, lambda f: -np.ones_like(f)),
    "wasserstein": (lambda f: -f, lambda f: -np.ones_like(f)),
    "non_saturating": (lambda f: np.logaddexp(0, -f), lambda f: -1 / (1 + np.exp(f))),
    "least_squares": (lambda f: 0.5 * (f - 1) ** 2, lambda f: f - 1),
    "minimax": (lambda f: -np.logaddexp(0, f), lambda f: -1 / (1 + np.exp(-f))),
}


def sliced_layer(conditional):
    layer = SlicedLogits(dtype="float64")
    shapes = [(6, 4), (6, 3)]
    layer.build(shapes if conditional else shapes[0])
    layer.kernel.assign(KERNEL)
    if conditional:
        layer.embeddings.assign(EMBEDDINGS)
    given = tf.constant(FEATURES)
    return layer, [given, tf.constant(ONE_HOT)] if conditional else given


@pytest.mark.parametrize("conditional", [False, True])
def test_both_logits_are_the_inner_product_of_the_weights(conditional):
    layer, given = sliced_layer(conditional)
    expected = np.sum(WEIGHTS[conditional] * FEATURES, 1)
    for logits in layer(given):
        np.testing.assert_allclose(logits, expected, rtol=1e-12)


@pytest.mark.parametrize("conditional", [False, True])
def test_one_logit_moves_features_and_scale_and_the_other_the_direction(conditional):
    """d logit / d w is <omega, h> omega, and d direction logit / d w is h - <omega, h> omega."""
    layer, given = sliced_layer(conditional)
    features = given[0] if conditional else given
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(features)
        logits, directed = layer(given)
    omega = WEIGHTS[conditional] / np.linalg.norm(WEIGHTS[conditional], axis=1, keepdims=True)
    radial = np.sum(omega * FEATURES, 1, keepdims=True) * omega
    for logit, by_weights in ((logits, radial), (directed, FEATURES - radial)):
        found = tape.gradient(logit, layer.trainable_variables)
        np.testing.assert_allclose(found[0][:, 0], by_weights.sum(0), rtol=1e-10)
        if conditional:
            np.testing.assert_allclose(found[1], ONE_HOT.T @ by_weights, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(tape.gradient(logits, features), WEIGHTS[conditional], rtol=1e-10)
    assert tape.gradient(directed, features) is None


@pytest.mark.parametrize("name", SLOPES)
def test_the_direction_separates_by_what_g_pays(name):
    value, slope = SLOPES[name]
    objective = SlicingAdversarial(getattr(losses, name))
    real, fake = (tf.constant(RNG.normal(size=5)) for _ in range(2))
    views = {
        side: Scored(None, tf.zeros_like(logits), None, heads={"direction_logits": logits})
        for side, logits in (("real", real), ("fake", fake))
    }
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        terms = {t.name: t.values for t in objective.discriminator(None, None, views)}
    assert list(terms) == ["real", "fake", "direction_real", "direction_fake"]
    np.testing.assert_allclose(terms["direction_real"], value(real.numpy()), rtol=1e-12)
    np.testing.assert_allclose(terms["direction_fake"], -value(fake.numpy()), rtol=1e-12)
    found = tape.gradient(list(terms.values()), [real, fake])  # the rest is of other logits
    np.testing.assert_allclose(found[0], slope(real.numpy()), rtol=1e-10)
    np.testing.assert_allclose(found[1], -slope(fake.numpy()), rtol=1e-10)


def make(*objectives, conditional=True, **settings):
    keras.utils.set_random_seed(0)
    own = functools.partial(mlp.discriminator, units=5, depth=1, conditioning=Projection())
    defaults = {"generator": functools.partial(mlp.generator, units=5, depth=1)}
    return GAN(
        (4, 4, 1),
        3 if conditional else None,
        conditional=conditional,
        objectives=[SlicingAdversarial(), *objectives],
        latents=latents.Normal(3),
        g_optimizer=optimizers.sgd(learning_rate=0.1),
        d_optimizer=optimizers.sgd(learning_rate=0.1),
        **{"discriminator": own} | defaults | settings,
    )


def test_the_layer_replaces_the_last_one_and_the_projection():
    names = {layer.name for layer in make().discriminator.layers}
    assert "sliced_logits" in names and not names & {"logit", "label_projection"}
    plain = make(conditional=False).discriminator
    shapes = [variable.shape for variable in plain.get_layer("sliced_logits").variables]
    assert shapes == [(5, 1)]


def test_an_update_of_d_is_the_gradient_of_the_two_losses():
    """In numpy: features by the hinge loss, w along itself by it, across itself by the means."""
    gan = make(conditional=False)
    layer = gan.discriminator.get_layer("sliced_logits")
    images = tf.random.stateless_uniform([8, 4, 4, 1], [1, 2], -1.0, 1.0)
    real = gan.discriminator({"images": images})["features"].numpy().astype(float)
    w = layer.kernel.numpy()[:, 0].astype(float)
    start = tf.constant(0, tf.int64)
    fakes = update.generate(update.begin(gan, "discriminator", start, 0), 8, None).outputs
    fake = gan.discriminator({"images": fakes})["features"].numpy().astype(float)
    logs = update.update(gan, "discriminator", images, None, step=start, substep=0)
    found = (w - layer.kernel.numpy()[:, 0]) / 0.1
    omega = w / np.linalg.norm(w)
    of_hinge = -np.mean(real * (real @ w < 1)[:, None], 0) + np.mean(
        fake * (fake @ w > -1)[:, None], 0
    )
    of_means = fake.mean(0) - real.mean(0)
    expected = omega * (omega @ of_hinge) + of_means - omega * (omega @ of_means)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    hinge = np.mean(np.maximum(0, 1 - real @ w)) + np.mean(np.maximum(0, 1 + fake @ w))
    gap = np.mean(fake @ w) - np.mean(real @ w)
    assert float(logs["discriminator/loss"]) == pytest.approx(hinge + gap, rel=1e-4)


def test_penalties_are_of_the_sliced_logit_and_leave_the_direction():
    gan = make(GradientPenalty(at_real, target=0.0), conditional=False)
    layer = gan.discriminator.get_layer("sliced_logits")
    images = tf.random.stateless_uniform([8, 4, 4, 1], [1, 2], -1.0, 1.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = gan.discriminator({"images": images}, training=True)["logits"]
        penalty = tf.reduce_sum(tf.square(tape.gradient(logits, images)))
    slope = outer.gradient(penalty, layer.kernel.value)[:, 0].numpy()
    omega = layer.kernel.numpy()[:, 0] / np.linalg.norm(layer.kernel)
    assert np.linalg.norm(slope) > 1e-6
    np.testing.assert_allclose(slope, omega * (omega @ slope), rtol=1e-3, atol=1e-9)


def test_a_saved_discriminator_keeps_its_layer(tmp_path):
    gan = make()
    gan.discriminator.save(tmp_path / "d.keras")
    loaded = keras.models.load_model(tmp_path / "d.keras")
    again = make(discriminator=loaded).discriminator
    given = {"images": tf.ones([2, 4, 4, 1]), "labels": tf.constant([1, -1])}
    for name, value in gan.discriminator(given).items():
        np.testing.assert_allclose(again(given)[name], value, rtol=1e-6)
    assert sum(isinstance(one, SlicedLogits) for one in keras_insides.nested_layers(again)) == 1


def test_a_discriminator_that_tells_no_features_is_refused():
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(1))
    nested = keras.Sequential([keras.Input((4, 4, 1)), model])
    with pytest.raises(UserError, match="needs the features before D's last layer"):
        make(discriminator=nested, conditional=False)
