"""The state of networks, and what their layers must know of the pass that is being traced.

A player's state (spectral-norm vectors, moving averages) changes once in each of that player's own
updates. Every other pass, such as G's pass in an update of D, runs under `frozen_state`; under
`reuse_last_batch` D's last update may take the pass of G's first.
"""

__all__ = ["add_state", "frozen_state", "not_averaged", "plain_forms", "under_xla"]

import contextlib
import threading

import keras

from compare_gan_tf.settings import keras_insides

_local = threading.local()  # each replica of a strategy traces in its own thread


@contextlib.contextmanager
def frozen_state(frozen: bool = True):
    """A context in which `training=True` uses batch statistics and dropout but writes no variable.

    With `frozen=False` it has no effect: an outer `frozen_state` stays active.
    """
    before = is_frozen()
    _local.frozen = before or frozen
    try:
        yield
    finally:
        _local.frozen = before


def is_frozen() -> bool:
    """Whether the pass being traced must not write state."""
    return getattr(_local, "frozen", False)


def add_state(layer, name: str, *, shape=(), dtype=None, initializer="zeros"):
    """Adds to a layer a variable that no optimiser trains.

    Every replica of a strategy must write the same value to it, such as a function of the global
    batch or of the weights: only the value of the first replica is kept.

    Args:
      layer: of Keras.
      name: of the variable.
      shape: of the variable.
      dtype: of the variable; None for that of the layer.
      initializer: a name that Keras knows, or an initializer.
    """
    return layer.add_weight(
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        trainable=False,
        aggregation="only_first_replica",
        name=name,
    )


def training_pass(model, inputs):
    """`model(inputs, training=True)`; under `frozen_state` no layer writes a variable.

    This package's layers call `is_frozen`. Layers of Keras, such as its batch normalisation, and of
    users do not: a stateless scope discards what they write. It names the values that an outer one
    has, as in a micro-batch, for it would hide them. A model of `gan.remat` has an attribute
    `recomputed`, which is called instead.
    """
    if recomputed := getattr(model, "recomputed", None):
        return recomputed(inputs)
    if not is_frozen():
        return model(inputs, training=True)
    with keras.StatelessScope([(variable, variable.value) for variable in model.variables]):
        return model(inputs, training=True)


def same_context():
    """A function that makes a context: what the layers are told now, for a later pass."""
    now = dict(vars(_local))

    @contextlib.contextmanager
    def context():
        before = dict(vars(_local))
        vars(_local).update(now)
        try:
            yield
        finally:
            vars(_local).update(before)

    return context


@contextlib.contextmanager
def views_of_pass(sizes: list[int]):
    """A context that declares the views in a pass: the number of this replica's rows of each.

    From it a layer that draws noise knows the index of each row in the global batch.
    """
    before = view_sizes()
    _local.sizes = sizes
    try:
        yield
    finally:
        _local.sizes = before


def view_sizes() -> list[int] | None:
    """The number of rows of each view in the pass being traced; None for one view."""
    return getattr(_local, "sizes", None)


def not_averaged(model) -> list:
    """The variables that a moving average of the model's weights must copy.

    Layers, including nested ones, list them in an attribute `not_averaged`: directions, such as
    spectral-norm vectors, and variables that are set only once.
    """
    layers = keras_insides.nested_layers(model)
    return [variable for layer in layers for variable in getattr(layer, "not_averaged", ())]


def with_kernel(layer, kernel):
    """A context in which a layer's kernel is this tensor; its other variables stay as they are.

    They are named, too: within another stateless scope, whose values this one would hide.
    """
    others = [(variable, variable.value) for variable in layer.variables]
    return keras.StatelessScope(state_mapping=[*others, (layer.kernel, kernel)])


# --- The arithmetic of a pass -----------------------------------------------------------------


@contextlib.contextmanager
def plain_forms():
    """A context in which each `ResizedConv2D` computes what is written, to count its products."""
    with _set("plain", True):
        yield


@contextlib.contextmanager
def under_xla(compiled: bool = True):
    """A context that tells the layers that XLA compiles what is traced.

    With `compiled=False` it has no effect: an outer `under_xla` stays active.
    """
    with _set("xla", is_under_xla() or compiled):
        yield


def has_plain_forms() -> bool:
    """Whether `plain_forms` is active."""
    return getattr(_local, "plain", False)


def is_under_xla() -> bool:
    """Whether XLA compiles what is traced, as far as `under_xla` tells."""
    return getattr(_local, "xla", False)


@contextlib.contextmanager
def _set(name: str, value: bool):
    before = getattr(_local, name, False)
    setattr(_local, name, value)
    try:
        yield
    finally:
        setattr(_local, name, before)
