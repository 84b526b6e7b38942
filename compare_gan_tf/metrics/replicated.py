"""Distributes the rows of a function's inputs among the replicas of a strategy."""

from collections.abc import Callable

import tensorflow as tf


def replicated(function: Callable, strategy: tf.distribute.Strategy | None = None) -> Callable:
    """Compiles a function {name: [n, ...]} -> tensors [n, ...] for all replicas of a strategy.

    Args:
      function: of a dictionary of tensors with equally many rows; returns a tensor or a structure
        of tensors, whose row i depends on row i of the inputs only.
      strategy: the strategy in whose scope the function's variables were made; None for the current
        one.
    """
    function = tf.function(function, reduce_retracing=True)
    strategy = strategy or tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    # Of several workers one computes scores, alone, by its first device.
    if replicas == 1 or isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return function

    def share(inputs):
        number = len(next(iter(inputs.values())))
        rows = -(-number // replicas)
        padded = {k: tf.gather(v, tf.range(rows * replicas) % number) for k, v in inputs.items()}

        def part(context):
            start = context.replica_id_in_sync_group * rows
            return {name: values[start : start + rows] for name, values in padded.items()}

        def joined(value):
            parts = strategy.experimental_local_results(value)
            return tf.concat([tf.convert_to_tensor(one) for one in parts], 0)[:number]

        parts = strategy.experimental_distribute_values_from_function(part)
        return tf.nest.map_structure(joined, strategy.run(function, (parts,)))

    return share
