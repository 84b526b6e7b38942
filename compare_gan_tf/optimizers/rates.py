"""Scales the learning rates of a GAN's optimisers after they were made."""

__all__ = ["Scaled", "make_scalable", "multiply"]

import keras
import tensorflow as tf

from compare_gan_tf.optimizers.optimizers import Schedule
from compare_gan_tf.settings import keras_insides


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class Scaled(Schedule):
    """A schedule times a factor, which may change between training steps.

    Args:
      schedule: over training steps or updates.
      factor: its first value.
    """

    def __init__(self, schedule, factor: float = 1.0):
        self.schedule = schedule
        self.factor = tf.Variable(factor, trainable=False, dtype=tf.float32)

    @property
    def counts_training_steps(self) -> bool:
        """Whether the schedule was converted, as `PerTrainingStep` says."""
        return getattr(self.schedule, "counts_training_steps", False)

    def __call__(self, step):
        return self.schedule(step) * self.factor

    def get_config(self):
        return {"schedule": self.schedule, "factor": float(self.factor.numpy())}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["factor"])


def make_scalable(optimizer) -> None:
    """Makes `multiply` possible where the learning rate is a schedule; call it before training."""
    rate = keras_insides.rate_or_schedule(optimizer)
    if isinstance(rate, Schedule) and not isinstance(rate, Scaled):
        optimizer.learning_rate = Scaled(rate)


def multiply(optimizer, factor: float) -> None:
    """Multiplies the learning rate, from the next step on."""
    rate = keras_insides.rate_or_schedule(optimizer)
    rate = rate.factor if isinstance(rate, Scaled) else rate
    rate.assign(rate * factor)
