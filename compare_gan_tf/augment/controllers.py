"""Controllers of an augmentation's probability: values for `ADA.controller` and `APA.controller`.

A controller holds p in [0, 1]; its `update` is called once after each update of D.
"""

__all__ = ["Adaptive", "Constant", "Scheduled"]

from collections.abc import Callable
from typing import Annotated

import gin
import keras
import tensorflow as tf

from compare_gan_tf.augment.base import Augmentation
from compare_gan_tf.layers import add_state
from compare_gan_tf.settings.signatures import Fraction, Made, Number, checked
from compare_gan_tf.settings.trials import Tried, ones

Target = Annotated[float, Number(above=-1, below=1)]
Images = Annotated[float, Number(above=0, unit="images")]
Updates = Annotated[int, Number(least=1, whole=True, unit="updates")]
Schedule = Annotated[
    Callable,
    Tried(ones(), like="a schedule such as @linear_decay(), with parentheses", gives=()),
]


class Controller(keras.layers.Layer):
    """Base of the controllers: p is a variable, so that checkpoints hold it."""

    @checked
    def __init__(self, p: Fraction, *, name: str | None = None):
        super().__init__(name=name, dtype="float32")
        self.p = self._state("p", p, "float32")
        self.built = True

    def _state(self, name: str, value: float, dtype: str):
        return add_state(self, name, dtype=dtype, initializer=keras.initializers.Constant(value))

    def count_training_steps(self, updates: int) -> None:
        """See `Augmentation`."""
        return

    def update(self, real_logits, gather) -> None:
        """Called after each update of D with its logits of the reals, [n]; see `Augmentation`."""
        return


@gin.register(module="augment")
class Constant(Controller):
    """A constant p."""

    @checked
    def __init__(self, p: Fraction, name: str | None = None):
        super().__init__(p, name=name)
        self.p.is_setting = True  # a bound value overrides the value in a checkpoint


@gin.register(module="augment")
class Adaptive(Controller):
    """Moves p so that the mean sign of D's real logits stays at a target.

    Karras et al., 2020, section 3.1. Every `interval` updates of D,
    p <- p + sign(r - target) k / speed, clipped to [0, 1], where r = E[sign(D(real))] is the mean
    over the k reals since the last change. The published code does not clip p at 1. A larger p
    would only take longer to fall again.

    Args:
      target: of r, in (-1, 1); published: 0.6.
      speed: number of images in which p can move from 0 to 1; published: 500 thousand.
      interval: updates of D between two changes of p.
      p: initial value.
    """

    @checked
    def __init__(
        self,
        target: Target = 0.6,
        speed: Images = 500_000.0,
        interval: Updates = 4,
        p: Fraction = 0.0,
        name: str | None = None,
    ):
        super().__init__(p, name=name)
        self.target, self.speed, self.interval = target, speed, interval
        self.signs = self._state("signs", 0.0, "float32")  # sum of signs since the last change
        self.reals = self._state("reals", 0, "int64")  # number of reals since the last change
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
    """p follows a schedule over training steps, as in R3GAN (Huang et al., 2024).

    Args:
      schedule: function (training steps done, float32 scalar) -> p, such as a Keras schedule.
    """

    @checked
    def __init__(self, schedule: Schedule, name: str | None = None):
        super().__init__(float(schedule(tf.constant(0.0))), name=name)
        self.schedule = schedule
        self.updates = self._state("updates", 0, "int64")
        self.updates_per_step = 1

    def count_training_steps(self, updates):
        self.updates_per_step = updates

    def update(self, real_logits, gather):
        updates = self.updates.value + 1
        steps = tf.cast(updates // self.updates_per_step, tf.float32)
        p = tf.cast(self.schedule(steps), tf.float32)
        self.p.assign(tf.clip_by_value(p, 0.0, 1.0))
        self.updates.assign(updates)


AController = Annotated[Controller, Made(Controller, like="a controller such as @Adaptive()")]


class Controlled(Augmentation):
    """An augmentation with a probability p that a controller moves.

    Args:
      controller: of p; None for `Adaptive()`.
      name: of the layer.
    """

    def __init__(self, controller: Controller | None, *, name: str | None = None):
        super().__init__(name=name)
        self.controller = controller or Adaptive()

    def count_training_steps(self, updates):
        self.controller.count_training_steps(updates)

    def levels(self):
        return {"p": self.controller.p.value}

    def update(self, real_logits, gather):
        self.controller.update(real_logits, gather)
