"""What the endpoints of a loaded module promise."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.export import modules
from compare_gan_tf.latents import draw_labels

Z = np.random.default_rng(5).standard_normal((4, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def generators(exported):
    return {name: tf.saved_model.load(one.paths["generator"]) for name, one in exported.items()}


@pytest.fixture(scope="module")
def discriminators(exported):
    return {name: tf.saved_model.load(one.paths["discriminator"]) for name, one in exported.items()}


def test_signatures_are_those_of_the_contract(generators, discriminators):
    images = {"serving_default", "generator", "generator_uint8"}
    assert set(generators["conditional"].signatures) == images
    assert set(generators["unconditional"].signatures) == images
    assert set(generators["points"].signatures) == {"serving_default", "generator"}
    assert set(discriminators["points"].signatures) == {"serving_default", "discriminator"}
    generator = generators["conditional"].signatures["serving_default"]
    assert set(generator.structured_input_signature[1]) == {"z", "labels"}
    assert set(generator.structured_outputs) == {"generated"}
    discriminator = discriminators["unconditional"].signatures["serving_default"]
    assert set(discriminator.structured_input_signature[1]) == {"images"}
    assert set(discriminator.structured_outputs) == {"logits", "probability", "features"}


def test_points_keep_their_units(generators, discriminators, exported):
    run = exported["points"].run
    expected = run.generator({"z": Z}, training=False)
    assert float(tf.reduce_max(expected)) > 1.0  # no range that could be mistaken for another
    np.testing.assert_allclose(generators["points"]({"z": Z}), expected, rtol=1e-6)
    np.testing.assert_allclose(generators["points"].serve([Z]), expected, rtol=1e-6)
    scores = run.discriminator({"images": expected}, training=False)
    found = discriminators["points"](expected)
    np.testing.assert_allclose(found["logits"], scores["logits"], rtol=1e-6)


@pytest.mark.parametrize("num", [0, 1, 3, 130])
def test_any_batch_size(num, generators, discriminators):
    images = generators["unconditional"](np.zeros((num, 6), np.float32))
    assert images.shape == (num, 8, 8, 1) and images.dtype == tf.float32
    scores = discriminators["unconditional"](images)
    assert scores["logits"].shape == scores["probability"].shape == (num,)
    assert scores["features"].shape[0] == num and len(scores["features"].shape) == 2
    assert generators["unconditional"].sample(num, [1, 2], 0.0).shape == (num, 8, 8, 1)


@pytest.mark.parametrize("name", ["unconditional", "conditional", "points"])
def test_no_samples_are_none_at_every_endpoint(name, generators, discriminators):
    generator, discriminator = generators[name], discriminators[name]
    labels = {"labels": tf.zeros([0], tf.int32)} if name == "conditional" else {}
    given = {"z": tf.zeros([0, 6]), **labels}
    images = generator(given)
    shape = (2,) if name == "points" else (8, 8, 1)
    assert images.shape == (0, *shape) and images.dtype == tf.float32
    made = [generator.serve(given), generator.sample(0, [1, 2], 0.5, *labels.values())]
    made.append(generator.sample(0, [1, 2]))
    for signature in generator.signatures.values():
        made.append(signature(**given)["generated"])
    if name != "points":
        assert generator.uint8(given).dtype == tf.uint8
        made.append(generator.uint8(*given.values()))
    assert all(samples.shape == (0, *shape) for samples in made)
    given = {"images": images, **labels}
    for scores in (
        discriminator(given),
        discriminator.serve(given),
        discriminator.signatures["serving_default"](**given),
    ):
        assert scores["logits"].shape == scores["probability"].shape == (0,)
        assert scores["features"].shape[0] == 0 and scores["features"].shape[1] > 0


def test_what_is_computed_for_no_samples_changes_no_bit_of_others(generators, exported):
    """The network alone, in a graph as the module's."""
    generator = exported["unconditional"].run.generator
    alone = tf.function(lambda z: generator({"z": z}, training=False) * 0.5 + 0.5)
    for num in (1, 3, 130):
        z = np.random.default_rng(num).standard_normal((num, 6)).astype(np.float32)
        np.testing.assert_array_equal(generators["unconditional"](z), alone(z))


def test_uint8_rounds_to_the_nearest(generators):
    module = generators["unconditional"]
    images = module(Z).numpy()
    expected = np.floor(images * 255 + 0.5)
    found = module.uint8(Z).numpy()
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


def test_samples_are_the_images_of_their_latents(generators, exported):
    z = exported["unconditional"].run.latents.sample(5, [3, 4], 0.7)
    assert float(tf.reduce_max(tf.abs(z))) <= 0.7
    module = generators["unconditional"]
    np.testing.assert_allclose(module.sample(5, [3, 4], 0.7), module(z), atol=1e-6)


def test_another_seed_gives_other_samples_and_the_same_seed_the_same(generators):
    module = generators["unconditional"]
    first = module.sample(4, [0, 1], 0.0).numpy()
    np.testing.assert_array_equal(module.sample(4, [0, 1], 0.0), first)
    assert np.abs(module.sample(4, [0, 2], 0.0) - first).max() > 0.01
    assert np.abs(module.sample(4, [1, 1], 0.0) - first).max() > 0.01


def test_truncation_may_be_left_out_and_nothing_below_zero_truncates(generators):
    module = generators["unconditional"]
    first = module.sample(4, [0, 1], 0.0).numpy()
    np.testing.assert_array_equal(module.sample(4, [0, 1]), first)
    np.testing.assert_array_equal(module.sample(4, [0, 1], -1.0), first)


def test_samples_of_given_labels_are_the_images_of_those_labels(generators, exported):
    module = generators["conditional"]
    z = exported["conditional"].run.latents.sample(4, [3, 4])
    expected = module(z, [0, 9, 4, 4])
    np.testing.assert_allclose(module.sample(4, [3, 4], 0.0, [0, 9, 4, 4]), expected, atol=1e-6)
    assert np.abs(expected - module(z, [1, 8, 5, 5])).max() > 1e-3


def test_label_minus_one_is_drawn(generators):
    module = generators["conditional"]
    drawn = draw_labels(4, [3, 4], 10).numpy()
    given = np.array([-1, (drawn[1] + 1) % 10, -1, -1], np.int32)
    expected = module.sample(4, [3, 4], 0.0, [drawn[0], given[1], drawn[2], drawn[3]])
    np.testing.assert_array_equal(module.sample(4, [3, 4], 0.0, given), expected)
    np.testing.assert_array_equal(
        module.sample(4, [3, 4], 0.0, [-1] * 4), module.sample(4, [3, 4], 0.0)
    )
    np.testing.assert_array_equal(
        module.sample(4, [3, 4], labels=[-1] * 4), module.sample(4, [3, 4])
    )


@pytest.mark.parametrize("labels", [[0, 1, 2, 10], [0, 1, 2, -2]])
def test_sample_refuses_labels_that_are_no_class(labels, generators):
    with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be -1 to 9"):
        generators["conditional"].sample(4, [3, 4], 0.0, labels)


@pytest.mark.parametrize("wrong", [10, -1])
def test_no_image_is_made_of_a_label_that_is_no_class(wrong, generators):
    module = generators["conditional"]
    z = np.zeros([2, 6], np.float32)
    labels = np.array([0, wrong], np.int32)
    for call in (module, module.uint8, module.serve):
        with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be 0 to 9"):
            call([z, labels])


def test_no_image_is_scored_under_a_label_that_is_no_class(exported):
    discriminator = exported["conditional"].run.discriminator
    module = modules.DiscriminatorModule(discriminator, 10)
    images = np.zeros([2, *modules.sample_shape(discriminator)], np.float32)
    assert module(images, np.array([-1, 9], np.int32))["logits"].shape == (2,)  # -1: unlabelled
    with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be -1 to 9"):
        module(images, np.array([0, 10], np.int32))


def test_sample_refuses_another_number_of_labels(generators):
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        generators["conditional"].sample(4, [3, 4], 0.0, [0, 1, 2])


def test_drawn_labels_are_uniform_and_independent_of_the_latents():
    labels = draw_labels(20_000, [0, 42], 10).numpy()
    counts = np.bincount(labels, minlength=10)
    # chi-squared with 9 degrees of freedom: 33.7 is exceeded once in 10,000
    assert np.sum((counts - 2000) ** 2 / 2000) < 33.7
    z = tf.random.stateless_normal([20_000, 1], [0, 42], alg="philox").numpy()[:, 0]
    assert abs(np.corrcoef(labels, z)[0, 1]) < 4 / np.sqrt(20_000)  # 4 standard errors
    np.testing.assert_array_equal(draw_labels(7, [0, 42], 10), labels[:7])


def test_a_discriminator_is_frozen(discriminators, generators):
    module = discriminators["unconditional"]
    images = generators["unconditional"](Z)
    before = [variable.numpy() for variable in module.variables]
    first = module(images)["logits"].numpy()
    np.testing.assert_array_equal(module(images)["logits"], first)
    for variable, value in zip(module.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_the_weights_can_be_fine_tuned_and_statistics_are_not_among_them(generators, exported):
    run = exported["unconditional"].run
    module = generators["unconditional"]
    assert len(module.variables) == len(run.generator.variables)
    assert len(module.trainable_variables) == len(run.generator.trainable_variables)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(module(Z))
    gradients = tape.gradient(loss, module.trainable_variables)
    assert all(gradient is not None for gradient in gradients)
    assert max(float(tf.reduce_max(tf.abs(gradient))) for gradient in gradients) > 0


def test_layers_work_inside_keras_models(exported):
    paths = exported["unconditional"].paths
    z = keras.Input((6,))
    images = keras.layers.TFSMLayer(paths["generator"])(z)
    model = keras.Model(z, keras.layers.TFSMLayer(paths["discriminator"])(images))
    module = tf.saved_model.load(paths["generator"])
    scores = tf.saved_model.load(paths["discriminator"])(module(Z))
    np.testing.assert_allclose(model.predict(Z, verbose=0)["logits"], scores["logits"], rtol=1e-5)


def test_nothing_of_ours_is_named_in_the_files(exported):
    for one in exported.values():
        for player in ("generator", "discriminator"):
            with open(f"{one.paths[player]}/saved_model.pb", "rb") as file:
                assert b"compare_gan" not in file.read()
