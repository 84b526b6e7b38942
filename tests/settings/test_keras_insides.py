"""The private parts of Keras and TensorFlow that are used: each is there, and as it was."""

import ast
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

from compare_gan_tf.settings import keras_insides

ROOT = pathlib.Path(__file__).parents[2]
GONE = ", ".join(
    f"{module.__name__} {module.__version__} has none; it was seen in {version}"
    for module, version in zip((keras, tf), keras_insides.SEEN_IN.values(), strict=True)
)


@pytest.mark.parametrize(
    ("holder", "name"),
    [
        (keras.Model, "_flatten_layers"),
        (keras.Model, "_make_function"),
        (keras.Model, "_maybe_symbolic_build"),
        (context.context(), "configure_coordination_service"),
        (context.context(), "set_config_key_value"),
        (context.context(), "get_config_key_value"),
        (context.context(), "wait_at_barrier"),
        (context, "coordination_config_pb2"),
        (keras.Model(X := keras.Input((1,)), X), "_run_through_graph"),
        (keras.optimizers.Adam, "_clip_gradients"),
        (keras.optimizers.Adam, "_get_variable_index"),
        (keras.optimizers.Adam(), "_learning_rate"),
        (keras.Input((1,)), "_keras_history"),
        (keras.layers.Dense(1), "_inbound_nodes"),
        (keras.layers.Dropout(0.5), "_seed_generators"),
        (keras.src.backend, "AutocastScope"),
        (keras.Variable, "_initialize_with_initializer"),
        (tf.distribute.get_strategy().extended, "_in_multi_worker_mode"),
    ],
)
def test_the_part_is_there(holder, name):
    assert hasattr(holder, name), f"{name}: {GONE}"


def test_variables_are_seen_before_they_are_made():
    seen = []
    with keras_insides.each_variable(lambda *one: seen.append(one)):
        keras.layers.Dense(2, name="dense").build((None, 3))
    assert seen == [("dense/kernel", (3, 2), "float32"), ("dense/bias", (2,), "float32")], GONE
    keras.layers.Dense(2).build((None, 3))
    assert len(seen) == 2


def test_graphs_of_operations():
    inputs = keras.Input((3,), name="x")
    dense = keras.layers.Dense(2, use_bias=False, name="dense")
    hidden = dense(inputs)
    model = keras.Model(inputs, keras.layers.ReLU()(hidden))
    assert keras_insides.origin(hidden) == (dense, 0), GONE
    (given,) = keras_insides.called_on(dense, 0)
    assert given is inputs, GONE
    outer = keras.Sequential([model])
    assert "dense" in [layer.name for layer in keras_insides.nested_layers(outer)], GONE

    def ones(layer):
        return lambda *inputs, **_: keras.ops.ones((1, 2)) * (5.0 if layer is dense else 7.0)

    assert np.all(keras_insides.run_through(model, [np.zeros((1, 3))], ones) == 7.0), GONE


def test_the_graphs_that_an_operation_calls():
    def branches(x):
        return tf.cond(x > 0, lambda: tf.exp(x), lambda: tf.sin(x))

    graph = tf.function(branches).get_concrete_function(tf.TensorSpec([])).graph
    called = [keras_insides.called_graphs(one) for one in graph.get_operations()]
    (both,) = [graphs for graphs in called if graphs]
    kinds = [{one.type for one in inner.get_operations()} for inner in both]
    assert {name for one in kinds for name in one & {"Exp", "Sin"}} == {"Exp", "Sin"}, GONE
    assert len(kinds) == 2 and not any({"Exp", "Sin"} <= one for one in kinds), GONE


def test_a_profile_is_read():
    # Field 1 of the space is a plane, whose field 2 is its name.
    (plane,) = keras_insides.read_xspace(b"\x0a\x06\x12\x04/cpu").planes
    assert plane.name == "/cpu" and list(plane.lines) == [], GONE


def test_optimizers():
    weights = [keras.Variable(np.zeros(n)) for n in (2, 3)]
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    adam = keras.optimizers.Adam(schedule, clipvalue=0.5)
    adam.build(weights)
    adam.iterations.assign(2)
    assert keras_insides.rate_or_schedule(adam) is schedule, GONE
    assert hasattr(keras_insides.rate_or_schedule(keras.optimizers.Adam(0.1)), "assign"), GONE
    index = adam._get_variable_index(weights[1])  # what our optimisers inherit
    assert index == 1, GONE
    adam.apply([np.ones(2), np.full(3, 0.25)])
    momentum, velocity = adam._momentums[index], adam._velocities[index]
    assert np.allclose(momentum, 0.1 * 0.25) and np.allclose(velocity, 0.001 * 0.25**2), GONE
    (clipped,) = keras_insides.clipped(adam, [tf.constant([2.0, -0.1])])
    assert clipped.numpy() == pytest.approx([0.5, -0.1]), GONE


def test_programs_become_portable():
    text = (
        "module @step { func.func @main(%arg0: tensor<2xf32>) -> tensor<2xf32> "
        "{ return %arg0 : tensor<2xf32> } }"
    )
    assert b"StableHLO_v1.0.0" in keras_insides.portable_stablehlo(text), GONE
    with pytest.raises(ValueError):
        keras_insides.portable_stablehlo("module @step { mhlo.none }")


def test_deterministic_operations_are_off_within():
    from tensorflow.python.framework import config

    tf.config.experimental.enable_op_determinism()
    with keras_insides.without_deterministic_ops():
        assert not config.is_op_determinism_enabled(), GONE
    assert config.is_op_determinism_enabled(), GONE


def test_the_strategy_where_none_was_chosen():
    assert type(tf.distribute.get_strategy()).__name__ == keras_insides.DEFAULT_STRATEGY, GONE


# --- Nobody else --------------------------------------------------------------------------------


def private_parts(path):
    """(line, name) of private attributes that neither the file nor a class of it defines."""
    tree = ast.parse(path.read_text())
    own = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            own.add(node.attr)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            if not node.attr.startswith("__") and node.attr not in own:
                yield node.lineno, node.attr


# Of named tuples, and of our own base classes; and one of tensorflow-datasets.
FREE = {"_replace", "_asdict", "_fields", "_of", "_data_dir_root"}
# What our optimisers inherit from those of Keras.
INHERITED = {"_get_variable_index", "_momentums", "_velocities"}
INSIDES = {"gin_insides.py", "keras_insides.py", "optuna_insides.py"}


def test_only_the_modules_of_insides_use_private_parts_of_others():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for folder in ("compare_gan_tf", "export", "examples", "experiments", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.name not in INSIDES
        for line, name in private_parts(path)
        if name not in FREE and not (name in INHERITED and path.name == "optimizers.py")
    ]
    assert not found
    inside = dict(private_parts(ROOT / "compare_gan_tf" / "settings" / "keras_insides.py"))
    assert "_flatten_layers" in inside.values()  # this test sees them
