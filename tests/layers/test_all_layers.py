"""What holds for every layer here: pure inference, saving, gradients, XLA."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import layers
from compare_gan_tf.errors import UserError

NORMS = {
    "batch_norm": functools.partial(layers.batch_norm, momentum=0.5, epsilon=0.1),
    "no_norm": layers.no_norm,
    "conditional": functools.partial(
        layers.conditional_batch_norm, use_bias=True, momentum=0.5, epsilon=0.1
    ),
    "conditional_spectral": functools.partial(
        layers.conditional_batch_norm, kernel_norm=layers.spectral_norm
    ),
    "conditional_weight": functools.partial(
        layers.conditional_batch_norm, kernel_norm=layers.weight_norm, centred=False
    ),
    "self_modulation": functools.partial(layers.self_modulation, momentum=0.5, epsilon=0.1),
    "self_modulation_flat": functools.partial(layers.self_modulation, num_hidden=0),
    "self_modulation_spectral": functools.partial(
        layers.self_modulation, kernel_norm=layers.spectral_norm, initializer="orthogonal"
    ),
    "layer_norm": functools.partial(layers.layer_norm, epsilon=0.1),
    "instance_norm": functools.partial(layers.instance_norm, epsilon=0.1),
    "group_norm": functools.partial(layers.group_norm, groups=4, epsilon=0.1),
    "pixel_norm": functools.partial(layers.pixel_norm, epsilon=0.1),
    "virtual_batch_norm": functools.partial(layers.virtual_batch_norm, epsilon=0.1),
}
KERNEL_NORMS = {"weight_norm": layers.weight_norm, "spectral_norm": layers.spectral_norm}
CASES = [*NORMS, *KERNEL_NORMS, "weight_norm_deconv", "attention", "attention_spectral"]


def apply(case, x, conditions):
    """The layer `case` called on Keras tensors."""
    if case in NORMS:
        layer = NORMS[case](name="norm")
        asked = [conditions[kind] for kind in getattr(layer, "conditions", ())]
        return layer([x, *asked]) if asked else layer(x)
    if case in KERNEL_NORMS:
        return KERNEL_NORMS[case](keras.layers.Conv2D(6, 3, name="conv"))(x)
    if case == "weight_norm_deconv":
        deconv = keras.layers.Conv2DTranspose(6, 4, 2, padding="same", name="deconv")
        return layers.weight_norm(deconv)(x)
    kernel_norm = layers.spectral_norm if case == "attention_spectral" else None
    return layers.attention(x, kernel_norm=kernel_norm)


def make(case):
    keras.utils.set_random_seed(7)
    x = keras.Input((4, 6, 8), name="x")
    conditions = {"z": keras.Input((5,), name="z"), "labels": keras.Input((3,), name="labels")}
    model = keras.Model({"x": x, **conditions}, apply(case, x, conditions))
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:  # away from ones and zeros
        noise = 0.3 * rng.normal(size=variable.shape)
        variable.assign(variable.numpy() + noise.astype(np.float32))
    return model


def inputs(seed=0, number=6):
    rng = np.random.default_rng(seed)
    shapes = {"x": (number, 4, 6, 8), "z": (number, 5), "labels": (number, 3)}
    return {k: tf.constant(rng.normal(1, 2, shape), tf.float32) for k, shape in shapes.items()}


def values(model):
    return [variable.numpy() for variable in model.variables]


@pytest.fixture(params=CASES)
def model(request):
    return make(request.param)


def test_inference_and_frozen_passes_change_nothing(model):
    model(inputs(), training=True)
    before = values(model)
    model(inputs(1), training=False)
    with layers.frozen_state():
        model(inputs(2), training=True)
    for after, value in zip(values(model), before, strict=True):
        np.testing.assert_array_equal(after, value)


def test_inference_judges_each_sample_alone(model):
    model(inputs(), training=True)
    together = model(inputs(1), training=False)
    alone = model({name: value[2:3] for name, value in inputs(1).items()}, training=False)
    np.testing.assert_allclose(alone[0], together[2], rtol=1e-5, atol=1e-6)


def test_samples_couple_only_in_layers_that_say_so(model):
    first, other = inputs(), inputs(1)
    mixed = {name: tf.concat([first[name][:1], other[name][1:]], 0) for name in first}
    with layers.frozen_state():
        same = np.allclose(model(first, training=True)[0], model(mixed, training=True)[0])
    assert same != any(getattr(layer, "couples_batch", False) for layer in model.layers)


def test_it_survives_saving(model, tmp_path):
    model(inputs(), training=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert json.dumps(again.get_config()) == json.dumps(model.get_config())
    assert len(again.variables) == len(model.variables)
    for training in (False, True):
        found, expected = (m(inputs(1), training=training) for m in (again, model))
        np.testing.assert_array_equal(found, expected)


def step(model, batch):
    with tf.GradientTape() as tape:
        tape.watch(batch["x"])
        y = model(batch, training=True)
        loss = tf.reduce_sum(tf.sin(tf.range(tf.size(y), dtype=y.dtype)) * tf.reshape(y, [-1]))
    gradients = tape.gradient(loss, [batch["x"], *model.trainable_variables])
    return y, gradients, loss


def test_every_weight_has_a_finite_gradient(model):
    for seed in (0, 1):
        _, gradients, _ = step(model, inputs(seed))
        for gradient in gradients:
            assert np.all(np.isfinite(gradient))
            assert np.any(gradient != 0)


@pytest.mark.slow
def test_xla_compiles_the_same(model):
    before = values(model)
    expected = tf.nest.flatten(step(model, inputs()))
    state = values(model)
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)
    found = tf.nest.flatten(tf.function(step, jit_compile=True, autograph=False)(model, inputs()))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=2e-4)
    for one, other in zip(values(model), state, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", NORMS)
def test_flat_vectors_are_normalised_too(case):
    """As in front of the first convolution of some generators."""
    layer = NORMS[case](name="norm")
    batch = inputs()
    x = tf.reshape(batch["x"], [6, -1])
    call = [x, *(batch[kind] for kind in getattr(layer, "conditions", ()))]
    if case == "instance_norm":
        with pytest.raises(UserError, match="InstanceNorm at 'norm'.*one value.*layer_norm"):
            layer(x)
    else:
        assert layer(call if len(call) > 1 else x, training=True).shape == x.shape


@pytest.mark.parametrize(
    "make_layer",
    [
        layers.batch_norm,
        layers.conditional_batch_norm,
        layers.self_modulation,
        layers.layer_norm,
        layers.instance_norm,
        layers.group_norm,
        layers.pixel_norm,
        layers.virtual_batch_norm,
    ],
)
def test_an_epsilon_of_0_is_refused(make_layer):
    with pytest.raises(UserError, match=r"\.epsilon is 0.0: it must be a number above 0"):
        make_layer(epsilon=0.0)


def test_two_layers_with_one_initializer_start_apart():
    """A Keras initializer repeats its numbers; each kernel here has a copy with its own seed."""
    maps = [layers.conditional_batch_norm() for _ in range(2)]
    for layer in maps:
        layer.build([(None, 4, 4, 8), (None, 3)])
    kernels = [v.numpy() for layer in maps for v in layer.trainable_variables]
    assert len(kernels) == 4
    assert len({kernel.tobytes() for kernel in kernels}) == 4
