import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import layers
from compare_gan_tf.errors import UserError

RNG = np.random.default_rng(0)


def single(norm=layers.batch_norm):
    """A model of one batch norm on its input x."""
    x = keras.Input((2, 3, 4), name="x")
    return keras.Model({"x": x}, norm(name="norm")(x))


def batches_of(sizes, offset=0.0):
    """Batches whose means differ, which an average of variances would miss."""
    return [
        {"x": tf.constant(RNG.normal(offset + index, 1.0, (size, 2, 3, 4)), tf.float32)}
        for index, size in enumerate(sizes)
    ]


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_they_are_those_of_all_values_pooled(offset):
    model, batches = single(), batches_of([4, 4, 4, 3, 1], offset)
    assert layers.standing_statistics(model, iter(batches)) == 1
    values = np.concatenate([batch["x"].numpy() for batch in batches]).astype(np.float64)
    layer = model.get_layer("norm")
    np.testing.assert_allclose(layer.moving_mean, values.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, values.var((0, 1, 2)), rtol=1e-5)


def test_nothing_of_earlier_statistics_remains():
    model, batches = single(), batches_of([4, 4])
    layers.standing_statistics(model, batches)
    before = [v.numpy() for v in model.variables]
    model(batches[0], training=True)
    layers.standing_statistics(model, batches)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def generator():
    """Two norms, of which the second's inputs depend on the first's, and other state."""
    z, labels = keras.Input((5,), name="z"), keras.Input((3,), name="labels")
    norm = layers.self_modulation(name="first", kernel_norm=layers.spectral_norm)
    x = norm([keras.layers.Dense(8, name="dense")(z), z])
    x = layers.spectral_norm(keras.layers.Dense(6, "relu", name="hidden"))(x)
    x = layers.conditional_batch_norm(name="second", kernel_norm=layers.spectral_norm)([x, labels])
    return keras.Model({"z": z, "labels": labels}, x)


def test_each_layer_sees_what_it_sees_in_training():
    model = generator()
    batches = [
        {"z": tf.random.stateless_normal([n, 5], [n, 1]) + n, "labels": tf.eye(3)[:n]}
        for n in (2, 3)
    ]
    for batch in batches:
        model(batch, training=True)
    state = {v.path: v.numpy() for v in model.variables}
    seen = keras.Model(model.inputs, model.get_layer("second").input[0])
    with layers.frozen_state():
        values = np.concatenate([seen(batch, training=True).numpy() for batch in batches])
    assert layers.standing_statistics(model, batches) == 2
    layer = model.get_layer("second")
    np.testing.assert_allclose(layer.moving_mean, values.mean(0), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(layer.moving_variance, values.var(0), rtol=1e-4, atol=1e-7)
    for variable in model.variables:
        if "moving" not in variable.name:
            np.testing.assert_array_equal(variable, state[variable.path], err_msg=variable.path)


def test_layers_inside_of_other_models_are_set_too():
    inner, x = single(), keras.Input((2, 3, 4), name="x")
    model = keras.Model({"x": x}, inner({"x": x}))
    assert layers.standing_statistics(model, batches_of([2], offset=5.0)) == 1
    assert np.all(inner.get_layer("norm").moving_mean.numpy() > 3.0)


def test_a_model_without_batch_norm_stays_as_it_is():
    assert layers.standing_statistics(single(layers.layer_norm), batches_of([2])) == 0


def test_no_batch_is_refused():
    with pytest.raises(UserError, match="at least one batch"):
        layers.standing_statistics(single(), [])


def test_a_layer_called_twice_pools_both():
    x = keras.Input((2, 3, 4), name="x")
    layer = layers.batch_norm(name="norm")
    model = keras.Model(
        {"x": x}, keras.layers.Add()([layer(x), layer(keras.layers.Rescaling(2.0)(x))])
    )
    batches = batches_of([3, 2], offset=1.0)
    assert layers.standing_statistics(model, batches) == 1
    values = np.concatenate([batch["x"].numpy() for batch in batches]).astype(np.float64)
    values = np.concatenate([values, 2 * values])
    np.testing.assert_allclose(layer.moving_mean, values.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, values.var((0, 1, 2)), rtol=1e-5)
