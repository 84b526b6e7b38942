"""All that this library needs of Keras and TensorFlow and they do not offer, in one place.

Each private part was seen in the versions of `SEEN_IN`; tests/settings/test_keras_insides.py says
which one is gone where another version has none of it.
"""

from collections.abc import Callable

SEEN_IN = {"keras": "3.15.1", "tensorflow": "2.21.0"}
# The class of TensorFlow's strategy where none was chosen.
DEFAULT_STRATEGY = "_DefaultDistributionStrategy"


def nested_layers(model) -> list:
    """A model or layer and all layers in it, however deep, always in the same order."""
    return list(model._flatten_layers())


def origin(tensor) -> tuple:
    """(operation that made a symbolic tensor, which of its calls did)."""
    operation, node, _ = tensor._keras_history
    return operation, node


def called_on(operation, node: int) -> list:
    """The symbolic tensors that an operation was given in one of its calls."""
    return list(operation._inbound_nodes[node].input_tensors)


def run_through(model, inputs: list, called: Callable):
    """The outputs of a functional model whose operations are replaced by `called(operation)`."""
    return model._run_through_graph(inputs, operation_fn=called)


def rate_or_schedule(optimizer):
    """The learning rate as it was set: a variable or a schedule, where the public property gives
    the number of the moment.
    """
    return optimizer._learning_rate


def clipped(optimizer, gradients: list) -> list:
    """Gradients clipped as the optimiser's settings say."""
    return optimizer._clip_gradients(gradients)
