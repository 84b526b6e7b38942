import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.layers import frozen_state, not_averaged, virtual_batch_norm

RNG = np.random.default_rng(0)
REFERENCE = RNG.normal(3.0, 2.0, (5, 3, 4, 2))
OTHER = RNG.normal(-1.0, 4.0, (7, 3, 4, 2))


def call(layer, x, training=True):
    return layer(tf.constant(x, tf.float32), training=training).numpy()


def by_itself(x):
    return (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)


def beside_reference(x):
    """Salimans et al.'s first and second moments, each sample as one of N + 1."""
    share = 1.0 / (len(REFERENCE) + 1)
    first = share * x.mean((1, 2)) + (1 - share) * REFERENCE.mean((0, 1, 2))
    second = share * (x**2).mean((1, 2)) + (1 - share) * (REFERENCE**2).mean((0, 1, 2))
    deviation = np.sqrt(second - first**2 + 1e-5)
    return (x - first[:, None, None]) / deviation[:, None, None]


def test_the_reference_batch_is_normalised_by_itself():
    np.testing.assert_allclose(
        call(virtual_batch_norm(), REFERENCE), by_itself(REFERENCE), atol=1e-5
    )


@pytest.mark.parametrize("training", [True, False])
def test_other_samples_are_normalised_beside_the_first_batch(training):
    layer = virtual_batch_norm()
    call(layer, REFERENCE)
    for x in (OTHER, OTHER[2:3]):
        np.testing.assert_allclose(call(layer, x, training), beside_reference(x), atol=1e-5)
    call(layer, OTHER)  # a later batch is not the reference
    np.testing.assert_allclose(call(layer, OTHER, training), beside_reference(OTHER), atol=1e-5)


def test_a_frozen_pass_is_normalised_by_itself_and_is_not_the_reference():
    layer = virtual_batch_norm()
    with frozen_state():
        np.testing.assert_allclose(call(layer, OTHER), by_itself(OTHER), atol=1e-5)
    call(layer, REFERENCE)
    np.testing.assert_allclose(call(layer, OTHER), beside_reference(OTHER), atol=1e-5)


def test_before_training_inference_is_the_identity():
    found = call(virtual_batch_norm(), OTHER, training=False)
    np.testing.assert_allclose(found, OTHER, rtol=1e-5, atol=1e-6)


def test_flat_vectors_are_samples_of_one_position():
    layer = virtual_batch_norm()
    call(layer, REFERENCE[:, 0, 0])
    x = OTHER[:, 0, 0]
    reference = REFERENCE[:, 0, 0]
    first = x / 6 + 5 / 6 * reference.mean(0)
    second = x**2 / 6 + 5 / 6 * (reference**2).mean(0)
    expected = (x - first) / np.sqrt(second - first**2 + 1e-5)
    np.testing.assert_allclose(call(layer, x), expected, atol=1e-5)


def test_its_reference_is_copied_not_averaged():
    x = keras.Input((3, 4, 2))
    model = keras.Model(x, virtual_batch_norm()(x))
    assert {v.name for v in not_averaged(model)} == {
        "reference_mean",
        "reference_variance",
        "reference_size",
    }
