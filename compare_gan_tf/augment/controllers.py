"""Who sets the probability p of an augmentation: values for `ADA.controller` and `APA.controller`.

A controller has the number p in [0, 1], and `update`, called once after each update of D.
"""

import gin
import keras
import tensorflow as tf

from compare_gan_tf.errors import UserError


def _require_probability(name: str, value: float):
    if not 0.0 <= value <= 1.0:
        raise UserError(f"{name} is {value}: it must be in [0, 1]")


class Controller(keras.layers.Layer):
    """Keeps p in its state, so that it is in the checkpoints."""

    def __init__(self, p: float, *, name: str | None = None):
        super().__init__(name=name, dtype="float32")
        _require_probability(f"{type(self).__name__}.p", p)
        self.p = self._state("p", p, "float32")
        self.built = True

    def _state(self, name: str, value: float, dtype: str):
        return self.add_weight(
            shape=(),
            dtype=dtype,
            initializer=keras.initializers.Constant(value),
            trainable=False,
            aggregation="only_first_replica",  # equal on all: of the global batch's logits
            name=name,
        )

    def update(self, real_logits, gather) -> None:
        """Called after each update of D with its logits of the reals [n]; see `Augmentation`."""
        return


@gin.register(module="augment")
class Constant(Controller):
    """p as it is given."""

    def __init__(self, p: float, name: str | None = None):
        super().__init__(p, name=name)


@gin.register(module="augment")
class Adaptive(Controller):
    """Moves p so that D's signs on the reals stay at a target (Karras et al., 2020, section 3.1).

    Every `interval` updates of D, p <- p + sign(r - target) k / speed, kept in [0, 1], where
    r = E[sign(D(real))] is the mean over the k reals since the last time. The published code does
    not keep p below 1, where more would change nothing but the time it takes to come back.

    Args:
      target: of r; published: 0.6.
      speed: images in which p can go from 0 to 1; published: 500 thousand.
      interval: updates of D between two changes of p.
      p: its first value.
    """

    def __init__(
        self,
        target: float = 0.6,
        speed: float = 500_000.0,
        interval: int = 4,
        p: float = 0.0,
        name: str | None = None,
    ):
        super().__init__(p, name=name)
        if not -1.0 < target < 1.0:
            raise UserError(f"Adaptive.target is {target}: it must be in (-1, 1), a mean of signs")
        if speed <= 0.0:
            raise UserError(f"Adaptive.speed is {speed}: it must be a positive number of images")
        if interval < 1:
            raise UserError(f"Adaptive.interval is {interval}: it must be at least 1 update")
        self.target, self.speed, self.interval = target, speed, interval
        self.signs = self._state("signs", 0.0, "float32")  # their sum since p was changed
        self.reals = self._state("reals", 0, "int64")  # their number since then
        self.updates = self._state("updates", 0, "int64")

    def update(self, real_logits, gather):
        signs = gather(tf.sign(real_logits))  # [N]
        total = self.signs.value + tf.reduce_sum(signs)
        reals = self.reals.value + tf.size(signs, tf.int64)
        updates = self.updates.value + 1
        number = tf.cast(reals, tf.float32)
        moved = self.p.value + tf.sign(total / number - self.target) * number / self.speed
        due = updates % self.interval == 0
        self.p.assign(tf.where(due, tf.clip_by_value(moved, 0.0, 1.0), self.p.value))
        self.signs.assign(tf.where(due, 0.0, total))
        self.reals.assign(tf.where(due, tf.zeros_like(reals), reals))
        self.updates.assign(updates)


@gin.register(module="augment")
class Scheduled(Controller):
    """p follows a schedule, whatever D does (as in R3GAN, Huang et al., 2024).

    Args:
      schedule: function (updates of D so far, float32 scalar) -> p, such as a Keras schedule.
    """

    def __init__(self, schedule, name: str | None = None):
        if not callable(schedule) or isinstance(schedule, type):
            raise UserError(f"Scheduled.schedule = {schedule!r}: it must be a function of updates")
        super().__init__(float(schedule(tf.constant(0.0))), name=name)
        self.schedule = schedule
        self.updates = self._state("updates", 0, "int64")

    def update(self, real_logits, gather):
        updates = self.updates.value + 1
        p = tf.cast(self.schedule(tf.cast(updates, tf.float32)), tf.float32)
        self.p.assign(tf.clip_by_value(p, 0.0, 1.0))
        self.updates.assign(updates)


def controller_or_default(name: str, controller) -> Controller:
    """`controller`, or for None `Adaptive()`, with the published target, speed and interval.

    Raises:
      UserError: it is something else.
    """
    if controller is None:
        return Adaptive()
    if not isinstance(controller, Controller):
        raise UserError(f"{name} = {controller!r}: it must be a controller such as @Adaptive()")
    return controller
