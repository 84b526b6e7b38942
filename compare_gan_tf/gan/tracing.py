"""Traces the update of a player once for all its updates in a training step."""

import functools
from collections.abc import Callable

import tensorflow as tf

from compare_gan_tf.gan import update


def repeated(gan, player: str, number: int) -> Callable:
    """`update.update` of a player; traced once, as a function of its own, if it is called often.

    Most of the time before the first step is tracing, and the updates of one player differ only
    in their tensors. Replicas exchange values, which no function inside of a step can do, so that
    on several of them each update is traced; so is one that shares G's pass.

    Args:
      gan: the `GAN`.
      player: DISCRIMINATOR or GENERATOR.
      number: of its updates in a step.

    Returns:
      A function with the arguments of `update.update` after `player`.
    """

    def run(real, real_labels, *, step, substep):
        return update.update(gan, player, real, real_labels, step=step, substep=substep)

    separately = functools.partial(update.update, gan, player)
    replicas = tf.distribute.get_replica_context().num_replicas_in_sync
    if number == 1 or replicas > 1 or tf.executing_eagerly():
        return separately
    traced = tf.function(run, autograph=False)

    def once(*reals, step, substep: int, shared=None):
        if shared is not None:
            return separately(*reals, step=step, substep=substep, shared=shared)
        return traced(*reals, step=step, substep=tf.constant(substep, tf.int64))

    return once
