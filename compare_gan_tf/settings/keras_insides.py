"""The only module that uses private parts of Keras and TensorFlow.

They exist in the versions of `SEEN_IN`; tests/settings/test_keras_insides.py says which one is
missing in another version.
"""

import contextlib
from collections.abc import Callable, Iterator

import keras

SEEN_IN = {"keras": "3.15.1", "tensorflow": "2.21.0"}
# Name of the class of TensorFlow's default strategy.
DEFAULT_STRATEGY = "_DefaultDistributionStrategy"
_STABLEHLO = "1.0.0"  # of May 2024; newer versions read older ones for five years


def nested_layers(model) -> list:
    """A model or layer and all layers nested in it, always in the same order."""
    return list(model._flatten_layers())


def origin(tensor) -> tuple:
    """(operation that produced a symbolic tensor, index of the call that produced it)."""
    operation, node, _ = tensor._keras_history
    return operation, node


def called_on(operation, node: int) -> list:
    """The symbolic input tensors of an operation's call number `node`."""
    return list(operation._inbound_nodes[node].input_tensors)


def flat(model):
    """A functional model {name: input} of the same layers, without models among them."""

    def called(operation):
        inner = getattr(operation, "_functional", operation)  # of a Sequential
        if not isinstance(inner, keras.Model) or not hasattr(inner, "_run_through_graph"):
            return operation
        return lambda inputs, **_: run_through(inner, inputs, called)

    inputs = {
        name: keras.Input(batch_shape=symbol.shape, dtype=symbol.dtype, name=name)
        for name, symbol in model.input.items()
    }
    given = [inputs[symbol.name] for symbol in model.inputs]
    return keras.Model(inputs, run_through(model, given, called), name=model.name)


def calls(model) -> list[tuple[list, list]]:
    """The calls of a functional model's layers in order: (symbolic inputs, symbolic outputs)."""
    by_depth = sorted(model._nodes_by_depth.items(), reverse=True)
    nodes = [node for _, nodes in by_depth for node in nodes if not node.is_input]
    return [(list(node.input_tensors), list(node.outputs)) for node in nodes]


def run_through(model, inputs: list, called: Callable):
    """The outputs of a functional model, with each operation replaced by `called(operation)`."""
    return model._run_through_graph(inputs, operation_fn=called)


def rate_or_schedule(optimizer):
    """The learning rate as it was set: a variable or a schedule.

    The public property returns the current value of a schedule.
    """
    return optimizer._learning_rate


def clipped(optimizer, gradients: list) -> list:
    """The gradients, clipped according to the optimiser's settings."""
    return optimizer._clip_gradients(gradients)


def portable_stablehlo(text: str) -> bytes:
    """The text of a StableHLO module as a portable artifact, which later versions can read.

    Raises:
      ValueError: the text is no module of StableHLO alone.
    """
    from tensorflow.compiler.mlir.stablehlo import stablehlo  # it takes a while

    return stablehlo.serialize_portable_artifact_str(text, _STABLEHLO)


@contextlib.contextmanager
def without_deterministic_ops() -> Iterator[None]:
    """A context without deterministic operations, with which XLA compiles no max pooling."""
    import tensorflow as tf
    from tensorflow.python.framework import config

    before = config.is_op_determinism_enabled()
    config.disable_op_determinism()
    try:
        yield
    finally:
        if before:
            tf.config.experimental.enable_op_determinism()
