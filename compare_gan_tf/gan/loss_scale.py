"""The scale of a player's loss, which keeps the gradients of float16 networks in range."""

import keras
import tensorflow as tf

from compare_gan_tf.layers import add_state
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR

_FIRST, _LEAST, _MOST = 2.0**15, 1.0, 2.0**24
_GROWTH_STEPS = 2000


def for_players(precision: str) -> dict:
    """{player: its `LossScale`}; None for both if no network computes in mixed float16.

    Where the variables are float16, too, unscaled gradients would be rounded to 0.
    """
    is_needed = precision == "mixed_float16"
    return {one: LossScale(one) if is_needed else None for one in (DISCRIMINATOR, GENERATOR)}


class LossScale(keras.layers.Layer):
    """A factor on one player's loss (Micikevicius et al., 2018, sections 3.2 and 4).

    Backpropagation starts at the scale s instead of 1, and the gradients of the weights are divided
    by s before they are clipped. s is a power of 2, so that nothing is rounded. It begins at 2^15.
    An update with a gradient that is not finite is skipped on all replicas, and halves s; 2000
    updates in a row without one double it, up to 2^24. Each player has its own s: the gradients of
    G pass through D, and have other sizes.

    At s = 1 nothing is skipped: what is not finite there is so without a scale, and shows in the
    next loss. The loss itself and the input gradients of penalties do not depend on s.
    """

    def __init__(self, player: str):
        super().__init__(name=f"{player}_loss_scale", dtype="float32")
        first = keras.initializers.Constant(_FIRST)
        self.scale = add_state(self, "scale", initializer=first)
        self.good_updates = add_state(self, "good_updates", dtype="int64")  # since s changed
        self.built = True

    def unscaled(self, gradients: list) -> list:
        """The gradients of the loss, from those of s times the loss."""
        return [gradient / tf.cast(self.scale.value, gradient.dtype) for gradient in gradients]

    def apply(self, optimizer, gradients: list, variables: list, are_finite):
        """Applies the gradients if they are finite, and updates s.

        Args:
          optimizer: of Keras.
          gradients: unscaled.
          variables: what they change.
          are_finite: bool scalar, equal on all replicas.
        """
        is_applied = tf.logical_or(are_finite, self.scale.value <= _LEAST)
        _apply_if(is_applied, optimizer, gradients, variables)
        good = tf.where(are_finite, self.good_updates.value + 1, 0)
        grows = good >= _GROWTH_STEPS
        grown = self.scale.value * tf.where(grows, 2.0, 1.0)
        scale = tf.where(are_finite, grown, 0.5 * self.scale.value)
        self.good_updates.assign(tf.where(grows, tf.zeros_like(good), good))
        self.scale.assign(tf.clip_by_value(scale, _LEAST, _MOST))


def not_finite(gradients: list):
    """The number of gradients of this replica with a NaN or infinite value, float32 scalar."""
    finite = [tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients]
    return tf.reduce_sum(1.0 - tf.cast(tf.stack(finite), tf.float32))


def _apply_if(condition, optimizer, gradients: list, variables: list):
    """`optimizer.apply` if the condition, which is equal on all replicas, holds."""

    def apply(gradients):
        optimizer.apply(gradients, variables)

    def across(strategy, condition, gradients):
        # Replicas exchange gradients in `apply`, which a branch that each of them enters cannot.
        def run():
            strategy.extended.call_for_each_replica(apply, args=(gradients,))

        first = strategy.experimental_local_results(condition)[0]
        tf.cond(first, run, lambda: None)

    replica = tf.distribute.get_replica_context()
    if replica.num_replicas_in_sync > 1:
        replica.merge_call(across, args=(condition, gradients))
    else:
        tf.cond(condition, lambda: apply(gradients), lambda: None)
