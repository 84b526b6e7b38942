"""The variables of a checkpoint as values in memory, and as they are in a file."""

import tensorflow as tf
from absl import logging

from compare_gan_tf.storage import files

READ_ERRORS = (tf.errors.OpError, OSError, ValueError, AssertionError, LookupError)
SCALE = "_loss_scale"  # ends the names of those that runs in float16 have, and no others


def variable_like(variable) -> tf.Variable:
    """A variable of zeros with the shape and the dtype of another."""
    return tf.Variable(tf.zeros(variable.shape, variable.dtype), trainable=False)


def as_stored(live: dict, prefix: str) -> dict:
    """The variables to restore, with the scales of the losses that the file has.

    A run may change its precision: new scales stay at their first values, others are dropped.

    Args:
      live: {name: a variable, or a list of variables}.
      prefix: of the checkpoint's files.
    """
    stored = {name.split("/")[0] for name, _ in tf.train.list_variables(prefix)}
    dropped = {
        name: [tf.Variable(0.0), tf.Variable(0, dtype=tf.int64)]
        for name in stored - live.keys()
        if name.endswith(SCALE)
    }
    return dropped | {n: v for n, v in live.items() if n in stored or not n.endswith(SCALE)}


def not_finite(players: dict, values: dict) -> str | None:
    """The first variable of a player with a NaN or infinite value; None if all are finite.

    Args:
      players: {name: network}.
      values: {name: the values of the network's variables}.
    """
    for name, player in players.items():
        for variable, value in zip(player.variables, values[name], strict=True):
            if not tf.reduce_all(tf.math.is_finite(tf.cast(value, tf.float32))):
                return f"weight {variable.path} of {player.name}"
    return None


def is_whole(prefix: str) -> bool:
    """Whether all tensors of a checkpoint can be read; if not, an error is logged.

    TensorFlow compares the checksum of each as it reads it.
    """
    try:
        with files.without_patterns(prefix) as path:
            reader = tf.train.load_checkpoint(path)
            for name in reader.get_variable_to_shape_map():
                reader.get_tensor(name)
    except READ_ERRORS as error:
        warn_of(prefix, error)
        return False
    return True


def warn_of(prefix: str, error: Exception) -> None:
    """Logs that a checkpoint cannot be read, and what follows."""
    text = " ".join(str(error).split())[:300]
    logging.error("checkpoint %s cannot be read, trying the one before: %s", prefix, text)
