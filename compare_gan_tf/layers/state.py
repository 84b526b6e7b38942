"""Passes that read a network's state in training mode but leave it as it is.

A player's state (spectral-norm vectors, moving averages) advances once in that player's own
update. Every other pass, such as the one at a penalty's points or G's pass while D learns, runs
under `frozen_state`.
"""

__all__ = ["add_state", "frozen_state", "not_averaged"]

import contextlib
import threading

import keras

from compare_gan_tf.settings import keras_insides

_local = threading.local()  # each replica of a strategy traces in a thread of its own


@contextlib.contextmanager
def frozen_state(frozen: bool = True):
    """Within it, `training=True` uses batch statistics and dropout but writes no variable.

    With `frozen=False` it changes nothing: an outer `frozen_state` stays in force.
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
    """`model(inputs, training=True)`; under `frozen_state` no layer in it writes a variable.

    Layers of ours ask `is_frozen`. Those of Keras, such as its batch normalisation, and of users
    do not: what they would write is dropped.
    """
    with keras.StatelessScope() if is_frozen() else contextlib.nullcontext():
        return model(inputs, training=True)


@contextlib.contextmanager
def views_of_pass(sizes: list[int]):
    """Within it, a pass has views side by side, of so many rows of this replica each.

    What draws noise for rows thereby knows which row of the global batch each of them is.
    """
    before = view_sizes()
    _local.sizes = sizes
    try:
        yield
    finally:
        _local.sizes = before


def view_sizes() -> list[int] | None:
    """The rows of each view of the pass being traced; None if it is one view."""
    return getattr(_local, "sizes", None)


def not_averaged(model) -> list:
    """The variables that an average of the model's weights must copy instead of averaging.

    Layers, nested ones too, name theirs in an attribute `not_averaged`: directions such as the
    vectors of spectral norm, and what is set once.
    """
    layers = keras_insides.nested_layers(model)
    return [variable for layer in layers for variable in getattr(layer, "not_averaged", ())]
