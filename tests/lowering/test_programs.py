"""A function as a StableHLO program: its inputs and outputs by name, and what JAX computes."""

import importlib.util
import json
import pathlib
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import lowering, random
from compare_gan_tf.errors import UserError
from compare_gan_tf.latents import Normal
from compare_gan_tf.layers import add_state
from compare_gan_tf.lowering import programs

RUNNER = pathlib.Path(lowering.__file__).parent / "runner.py"
X = {"x": tf.TensorSpec([2, 3], tf.float32)}


class Counter(keras.layers.Layer):
    """Three variables: one that is read, one that is assigned, one that is neither."""

    def __init__(self):
        super().__init__()
        self.read, self.idle, self.steps = (
            add_state(self, name, initializer="ones", dtype="float32") for name in "abc"
        )
        self.variables_ = {"read": self.read, "idle": self.idle, "steps": self.steps}

    def count(self, x):
        self.steps.assign(self.steps + 1.0)
        return {"z_last": x * self.read, "a_first": tf.reduce_sum(x) + self.steps}


@pytest.fixture
def in_jax(jax, tmp_path):
    """A function (program, state, arrays) -> (state, results), computed by JAX."""
    import jax as library

    def compute(program, state, arrays):
        (tmp_path / "one.stablehlo").write_bytes(program.code)
        spec = {"programs": {"one": program.signature()}}
        (tmp_path / "lowered.json").write_text(json.dumps(spec))
        shutil.copy(RUNNER, tmp_path / "run.py")
        found = importlib.util.spec_from_file_location("run", tmp_path / "run.py")
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        before = library.config.jax_enable_x64
        library.config.update("jax_enable_x64", True)
        try:
            return library.jit(module.named("one"))(state, arrays)
        finally:
            library.config.update("jax_enable_x64", before)

    return compute


def test_inputs_and_outputs_have_names():
    layer = Counter()
    program = programs.lower(layer.count, X, layer.variables_)
    assert [*program.inputs] == ["x", "steps", "read"] or [*program.inputs] == [
        "x",
        "read",
        "steps",
    ]
    assert [*program.outputs] == ["a_first", "z_last", "steps"]
    assert program.results == ["a_first", "z_last"]
    assert program.signature()["outputs"][1] == {
        "name": "z_last",
        "shape": [2, 3],
        "dtype": "float32",
    }
    assert float(layer.steps) == 1.0  # nothing was computed


def test_the_code_is_portable_and_names_no_place_of_this_machine():
    layer = Counter()
    code = programs.lower(layer.count, X, layer.variables_).code
    assert b"StableHLO_v1.0.0" in code
    assert b"/home" not in code and b".py" not in code and b"ensorflow" not in code


def test_jax_computes_it_and_the_state_after_it(in_jax):
    layer = Counter()
    program = programs.lower(layer.count, X, layer.variables_)
    state = {"read": np.float32(3.0), "steps": np.float32(5.0), "idle": np.float32(0.0)}
    after, results = in_jax(program, state, {"x": np.arange(6, dtype=np.float32).reshape(2, 3)})
    assert float(results["a_first"]) == 15.0 + 6.0
    assert np.array_equal(results["z_last"], [[0, 3, 6], [9, 12, 15]])
    assert {name: float(value) for name, value in after.items()} == {
        "read": 3.0,
        "steps": 6.0,
        "idle": 0.0,
    }


def test_jax_draws_the_same_numbers(in_jax):
    """The bits of Philox are those of TensorFlow, and so are floats, but for the last bit of z."""
    key = random.key(3, "z")

    def draw(step):
        noise = random.Noise(3, step, 2)
        return {
            "bits": random.bits([5, 7], tf.stack([tf.constant(key, tf.int64), step])),
            "uniform": noise.uniform("u", [64, 3]),
            "z": noise.draw("z", Normal(16).sample, 8),
        }

    program = programs.lower(draw, {"step": tf.TensorSpec([], tf.int64)}, {})
    for step in (0, 123_456_789_012):
        _, found = in_jax(program, {}, {"step": np.int64(step)})
        wanted = draw(tf.constant(step, tf.int64))
        assert np.array_equal(found["bits"], wanted["bits"])
        assert np.array_equal(found["uniform"], wanted["uniform"])
        np.testing.assert_allclose(found["z"], wanted["z"], rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: {"y": tf.strings.as_string(x)}, "XLA cannot compile the step: .*AsString"),
        (lambda x: {"y": tf.unique(tf.reshape(x, [-1]))[0]}, "a shape that is not static"),
        (
            lambda x: {"y": tf.numpy_function(np.sin, [x], tf.float32)},
            "XLA cannot compile the step",
        ),
        (lambda x: {"y": tf.boolean_mask(x, x > 0)}, "a shape that is not static|cannot compile"),
        (lambda x: {"y": x + LOOSE}, "uses a variable loose:0, which no checkpoint has"),
        (lambda x: {"y": x + BIG}, r"uses a tensor of shape \(2, 3\), made outside of it"),
    ],
)
def test_what_cannot_be_lowered_is_one_line(function, message):
    with pytest.raises(UserError, match=message) as error:
        programs.lower(function, X, {})
    assert "\n" not in str(error.value)


LOOSE, BIG = tf.Variable(1.0, name="loose"), tf.zeros([2, 3])


def test_calls_that_not_every_device_has_are_refused():
    with pytest.raises(UserError, match="calls eigh_cpu, which not every device has"):
        programs._check_operations("%1 = stablehlo.custom_call @eigh_cpu(%0)")


def test_deterministic_operations_are_off_for_max_pooling_alone():
    tf.config.experimental.enable_op_determinism()

    def pool(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.max_pool2d(x[tf.newaxis, :, :, tf.newaxis], 2, 1, "SAME")
        return {"gradient": tape.gradient(y, x)}

    programs.lower(pool, X, {})
    from tensorflow.python.framework import config

    assert config.is_op_determinism_enabled()
