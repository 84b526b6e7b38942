"""Records the first term of the losses that is NaN or infinite."""

import keras
import tensorflow as tf

from compare_gan_tf.layers import add_state


class FirstFailure(keras.layers.Layer):
    """Stores the first training step with a term that is NaN or infinite, and that term.

    A compiled step cannot raise a Python error, so it writes variables that Python reads later.
    """

    def __init__(self):
        super().__init__(name="first_failure")
        none = {"dtype": "int64", "initializer": keras.initializers.Constant(-1)}
        self.step = add_state(self, "step", **none)
        self.term = add_state(self, "term", **none)  # its index in the sorted names
        self.built = True

    def note(self, names: list[str], values, step):
        """Records a step, unless an earlier one is recorded.

        Args:
          names: sorted names of the terms, and of the players' losses, which end in "/loss". Terms
            take precedence, because a loss is not finite if one of its terms is not.
          values: float32 [len(names)].
          step: int64 scalar.
        """
        broken = tf.math.logical_not(tf.math.is_finite(values))
        is_term = tf.constant([not name.endswith("/loss") for name in names])
        first = tf.argmax(tf.cast(broken, tf.int32) * (1 + tf.cast(is_term, tf.int32)))
        is_first = tf.logical_and(self.step < 0, tf.reduce_any(broken))
        self.term.assign(tf.where(is_first, first, self.term))
        self.step.assign(tf.where(is_first, step, self.step))

    def forget(self):
        """Records nothing, as at the beginning."""
        self.step.assign(-1)
        self.term.assign(-1)

    def of(self, names) -> tuple[int, str] | None:
        """(step, name of the term, one of `names`); None if all values have been finite."""
        step = int(self.step.numpy())
        return None if step < 0 else (step, sorted(names)[int(self.term.numpy())])
