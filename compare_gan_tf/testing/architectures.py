"""Checks of architectures: pairs of a generator and a discriminator."""

__all__ = ["check_architecture", "check_player"]

import pathlib
import tempfile
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.architectures import is_conditional

_N = 4  # samples in a batch


def check_architecture(
    generator: Callable,
    discriminator: Callable,
    *,
    sample_shape: tuple[int, ...] = (8, 8, 1),
    latent_dim: int = 5,
    num_classes: int | None = 3,
    bounded: bool = True,
) -> None:
    """Checks the functions that make a generator and a discriminator, see `architectures`.

    * G returns samples of the right shape. If it is `bounded`, its images stay within [-1, 1],
      also for extreme latents.
    * D returns logits [n] and features [n, F].
    * Both players pass `check_player`.

    Args:
      generator: function (sample_shape=, latent_dim=, num_classes=) -> Keras model.
      discriminator: function (sample_shape=, num_classes=) -> Keras model.
      sample_shape: of the samples: (height, width, channels), or (D,) of points.
      latent_dim: of z.
      num_classes: of the labels; None without them.
      bounded: whether G's images stay within [-1, 1], for instance by a tanh.

    Raises:
      AssertionError: a rule is broken; the message says which.
    """
    rng = np.random.default_rng(0)
    labels = tf.constant(np.arange(_N) % (num_classes or 1), tf.int32)
    z = tf.constant(rng.normal(size=[_N, latent_dim]), tf.float32)
    samples = tf.constant(rng.uniform(-1.0, 1.0, [_N, *sample_shape]), tf.float32)
    shapes = {"sample_shape": sample_shape, "num_classes": num_classes}

    made = check_player(
        lambda: generator(latent_dim=latent_dim, **shapes), {"z": z, "labels": labels}
    )
    for scale in (0.0, 1.0, 100.0):
        given = _taken(made, {"z": scale * z, "labels": labels})
        found = made(given, training=True).numpy()
        assert found.shape == samples.shape, f"G gives {found.shape}, not {samples.shape}"
        assert np.all(np.isfinite(found)), f"G's samples of z * {scale} are not finite"
        inside = np.abs(found).max() <= 1.0
        assert inside or not bounded or len(sample_shape) == 1, "G's images leave [-1, 1]"
    given = {"images": samples, "labels": labels}
    made = check_player(lambda: discriminator(**shapes), given)
    outputs = made(_taken(made, given))
    assert {"logits", "features"} <= outputs.keys(), f"D gives {sorted(outputs)}"
    assert outputs["logits"].shape == (_N,), f"D's logits are {outputs['logits'].shape}, not [n]"
    shape = outputs["features"].shape
    assert shape.rank == 2, f"D's features are {shape}, not [n, F]"


def check_player(make: Callable[[], keras.Model], inputs: dict) -> keras.Model:
    """Checks one network.

    * The same global seed makes the same weights.
    * An inference pass changes no variable, and a sample's outputs do not depend on the others.
    * Outputs in a graph equal outputs in eager mode.
    * A gradient reaches every trainable variable.
    * Labels, if the network takes them, change the outputs.
    * Saved and loaded weights give the same outputs.

    Args:
      make: makes the model.
      inputs: {name: batch [n, ...]}; inputs that the network does not take are left out.

    Returns:
      The model.

    Raises:
      AssertionError: a rule is broken; the message says which.
    """
    models = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        models.append(make())
    model, twin = models
    weights = [variable.numpy() for variable in model.variables]
    _assert_close(twin.variables, weights, "the weights of two models of one seed", exact=True)
    given = _taken(model, inputs)
    outputs = _outputs(model, given)
    _assert_close(model.variables, weights, "variables after an inference pass", exact=True)
    assert all(np.all(np.isfinite(one)) for one in outputs), "outputs are not finite"
    _assert_close(_outputs(tf.function(model), given), outputs, "outputs in a graph")
    alone = [_outputs(model, {k: v[i : i + 1] for k, v in given.items()}) for i in range(_N)]
    joined = [np.concatenate(parts) for parts in zip(*alone, strict=True)]
    _assert_close(joined, outputs, "outputs of each sample alone")
    _check_gradients(model, given)
    if is_conditional(model):
        _check_labels(model, given)
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "of.weights.h5")
        for variable in model.trainable_variables:
            variable.assign(variable + 0.01)
        model.save_weights(path)
        twin.load_weights(path)
        _assert_close(_outputs(twin, given), _outputs(model, given), "outputs of loaded weights")
    return model


def _check_labels(model: keras.Model, given: dict) -> None:
    """Compares outputs under two sets of labels.

    Weights are multiplied by 10: the initial ones of narrow networks make differences of 1e-7.
    """
    before = [variable.numpy() for variable in model.trainable_variables]
    for variable, value in zip(model.trainable_variables, before, strict=True):
        variable.assign(10.0 * value)
    other = {**given, "labels": tf.roll(given["labels"], 1, 0)}
    pairs = zip(_outputs(model, other), _outputs(model, given), strict=True)
    assert any(not np.array_equal(one, two) for one, two in pairs), (
        f"labels do not change what {model.name} gives"
    )
    for variable, value in zip(model.trainable_variables, before, strict=True):
        variable.assign(value)


def _taken(model: keras.Model, inputs: dict) -> dict:
    """The inputs that the model takes."""
    names = {tensor.name for tensor in model.inputs}
    return {name: value for name, value in inputs.items() if name in names}


def _outputs(model: Callable, given: dict) -> list[np.ndarray]:
    return [one.numpy() for one in tf.nest.flatten(model(given, training=False))]


def _assert_close(found, expected, what: str, exact: bool = False) -> None:
    tolerances = {"rtol": 0.0, "atol": 0.0} if exact else {"rtol": 1e-3, "atol": 1e-4}
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one), other, err_msg=what, **tolerances)


def _check_gradients(model: keras.Model, given: dict) -> None:
    rng = np.random.default_rng(1)
    before = [variable.numpy() for variable in model.variables]
    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(model(given, training=True))
        total = tf.add_n([tf.reduce_sum(one * rng.normal(size=one.shape)) for one in outputs])
    variables = [variable.value for variable in model.trainable_variables]
    reached = tape.gradient(total, variables)
    for variable, gradient in zip(model.trainable_variables, reached, strict=True):
        assert gradient is not None, f"no gradient reaches {variable.path}"
        assert np.all(np.isfinite(tf.convert_to_tensor(gradient))), f"{variable.path}: not finite"
    assert any(np.any(tf.convert_to_tensor(one) != 0.0) for one in reached), "all gradients are 0"
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)
