"""Which term of the losses was the first not to be finite, and when."""

import keras
import tensorflow as tf


class FirstFailure(keras.layers.Layer):
    """Remembers the first step with a term that is NaN or infinite, and that term.

    A step is compiled and runs on devices, so it can only take notes; Python reads them later.
    """

    def __init__(self):
        super().__init__(name="first_failure")
        self.step = self._counter("step")
        self.term = self._counter("term")  # its place in the sorted names
        self.built = True

    def _counter(self, name: str):
        return self.add_weight(
            shape=(),
            dtype="int64",
            initializer=keras.initializers.Constant(-1),
            trainable=False,
            aggregation="only_first_replica",
            name=name,
        )

    def note(self, names: list[str], values, step):
        """Takes a note, if there is none yet.

        Args:
          names: sorted; of terms, and of the players' losses, which end in "/loss". A term goes
            first, for a loss fails with any of its terms.
          values: float32 [len(names)].
          step: int64 scalar.
        """
        broken = tf.math.logical_not(tf.math.is_finite(values))
        is_term = tf.constant([not name.endswith("/loss") for name in names])
        first = tf.argmax(tf.cast(broken, tf.int32) * (1 + tf.cast(is_term, tf.int32)))
        news = tf.logical_and(self.step < 0, tf.reduce_any(broken))
        self.term.assign(tf.where(news, first, self.term))
        self.step.assign(tf.where(news, step, self.step))

    def of(self, names) -> tuple[int, str] | None:
        """The step and the name of the term, one of `names`; None while all has been finite."""
        step = int(self.step.numpy())
        return None if step < 0 else (step, sorted(names)[int(self.term.numpy())])
