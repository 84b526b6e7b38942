"""The only module that uses private parts of Keras and TensorFlow.

They exist in the versions of `SEEN_IN`; tests/settings/test_keras_insides.py says which one is
missing in another version.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf
from keras.src.backend import AutocastScope
from tensorflow.python.eager import context

SEEN_IN = {"keras": "3.15.1", "tensorflow": "2.21.0"}
# Name of the class of TensorFlow's default strategy.
DEFAULT_STRATEGY = "_DefaultDistributionStrategy"
# A context in which layers read variables in their own dtype, not in that of a mixed policy.
without_autocast = functools.partial(AutocastScope, None)
_LONGEST_MEETING = 24 * 3600  # seconds; a lost worker ends it much earlier
_STABLEHLO = "1.0.0"  # of May 2024; newer versions read older ones for five years


def nested_layers(model) -> list:
    """A model or layer and all layers nested in it, always in the same order."""
    return list(model._flatten_layers())


def draws_noise(layer) -> bool:
    """Whether a layer itself draws noise from a seed of Keras, as dropout does."""
    return bool(layer._seed_generators)


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


def inputs(operation) -> list:
    """The symbolic input tensors of all calls of an operation."""
    return [tensor for node in operation._inbound_nodes for tensor in node.input_tensors]


def run_through(model, inputs: list, called: Callable):
    """The outputs of a functional model, with each operation replaced by `called(operation)`."""
    return model._run_through_graph(inputs, operation_fn=called)


@contextlib.contextmanager
def each_variable(see: Callable) -> Iterator[None]:
    """Calls `see(path, shape, dtype)` before a layer's or an optimiser's variable is made."""
    make = keras.Variable._initialize_with_initializer

    def seen(variable, initializer):
        see(variable.path, variable._shape, variable._dtype)
        make(variable, initializer)

    keras.Variable._initialize_with_initializer = seen
    try:
        yield
    finally:
        keras.Variable._initialize_with_initializer = make


def rate_or_schedule(optimizer):
    """The learning rate as it was set: a variable or a schedule.

    The public property returns the current value of a schedule.
    """
    return optimizer._learning_rate


def clipped(optimizer, gradients: list) -> list:
    """The gradients, clipped according to the optimiser's settings."""
    return optimizer._clip_gradients(gradients)


def read_xspace(content: bytes):
    """The protocol buffer of a profile: planes (devices), lines (threads) and their events."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    return xplane_pb2.XSpace.FromString(content)


def called_graphs(operation) -> list:
    """The graphs of the functions that an operation of a graph calls."""
    attributes = operation.node_def.attr.values()
    names = [value.func.name for value in attributes if value.HasField("func")]
    functions = (operation.graph._get_function(name) for name in names)
    return [function.graph for function in functions if function is not None]


def most_iterations(operation) -> int:
    """The `maximum_iterations` of a `tf.while_loop` in a graph; 1 for all other operations."""
    is_loop = operation.type in ("While", "StatelessWhile")
    most = tf.get_static_value(operation.inputs[1]) if is_loop else None
    return 1 if most is None else max(1, int(most))  # -1 is for none


# --- Several workers --------------------------------------------------------------------------


class BuiltModel(keras.Model):
    """A Keras model that its constructor builds; its `train_step` returns {name: scalar}.

    The scalars must be equal on all replicas. Under several workers Keras would average each of
    them over the workers along an axis that scalars do not have; so they travel in one row.
    """

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: there is nothing left to build, and Keras cannot average uint8 images."""

    def _make_function(self, step_function):
        strategy = self.distribute_strategy
        several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        # Keras asks this, too: with one worker it takes the scalars of the first replica as usual.
        if not (several and strategy.extended._in_multi_worker_mode()):
            return super()._make_function(step_function)

        def in_one_row(data):
            logs = step_function(data)
            names = sorted(logs)
            return {"\n".join(names): tf.stack([[logs[name] for name in names]])}  # [1, terms]

        function = super()._make_function(in_one_row)

        def by_name(iterator):
            ((names, values),) = function(iterator).items()
            return dict(zip(names.split("\n"), tf.unstack(values), strict=True))

        return by_name


def watch_workers(leader: str, jobs: dict[str, int], *, start: float, silence: float) -> None:
    """Makes TensorFlow's coordination service watch the workers; call it before a strategy.

    Args:
      leader: address of the worker that runs the service, as "/job:worker/replica:0/task:0".
      jobs: {type of task: number of workers}.
      start: seconds that a worker waits for the others to start.
      silence: seconds without a sign of life after which a worker counts as lost.
    """
    coordinated = [
        context.coordination_config_pb2.CoordinatedJob(name=job, num_tasks=number)
        for job, number in jobs.items()
    ]
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader=leader,
        cluster_register_timeout_in_ms=int(start * 1000),
        heartbeat_timeout_in_ms=int(silence * 1000),
        coordinated_jobs=coordinated,
    )


def exchange(meeting: str, text: str, index: int, number: int) -> list[str]:
    """The texts that all workers bring to a meeting, in their order; waits for all of them.

    Args:
      meeting: its name, which is equal on all workers and new.
      text: of this worker.
      index: of this worker.
      number: of workers.

    Raises:
      tf.errors.OpError: a worker was lost.
    """
    service = context.context()
    service.set_config_key_value(f"{meeting}/{index}", text)
    service.wait_at_barrier(meeting, _LONGEST_MEETING * 1000)
    return [service.get_config_key_value(f"{meeting}/{one}", 60_000) for one in range(number)]


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
