"""Optimisers for gin: functions with named parameters, so that gin refuses misspelt ones."""

__all__ = [
    "FusedAdam",
    "Optimizer",
    "PerTrainingStep",
    "ScheduledSGD",
    "adam",
    "clipped",
    "count_training_steps",
    "rmsprop",
    "sgd",
    "value_at",
]

from typing import Annotated, Any

import gin
import keras
import tensorflow as tf
from keras import ops

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings import keras_insides
from compare_gan_tf.settings.signatures import Decay, Factor, Made, Number, Positive, checked

Schedule = keras.optimizers.schedules.LearningRateSchedule
Optimizer = Annotated[
    keras.optimizers.Optimizer,
    Made(keras.optimizers.Optimizer, like="an optimiser such as @adam()"),
]
DecayOrSchedule = Annotated[Any, Number(least=0, below=1, schedule=True)]


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class FusedAdam(keras.optimizers.Adam):
    """Keras' Adam with TensorFlow's fused kernel: one pass over each variable instead of a dozen.

    The formula, the slots and the config are those of Keras; only rounding differs. It takes dense
    gradients and has no amsgrad. `beta_2` may be a schedule; the bias correction then uses its
    present value as a constant, as in R3GAN (Huang et al., 2024).
    """

    def build(self, variables):
        if self.amsgrad:
            raise ValueError("FusedAdam has no amsgrad: take keras.optimizers.Adam")
        super().build(variables)

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)  # of Keras' Adam, as are the lists of slots
        slots = self._momentums[index], self._velocities[index]
        variable, momentum, velocity = (_resource(v) for v in (variable, *slots))
        dtype = gradient.dtype
        step = tf.cast(self.iterations, dtype) + 1.0
        beta_2 = self.beta_2(self.iterations) if callable(self.beta_2) else self.beta_2
        tf.raw_ops.ResourceApplyAdam(
            var=variable,
            m=momentum,
            v=velocity,
            beta1_power=tf.cast(self.beta_1, dtype) ** step,
            beta2_power=tf.cast(beta_2, dtype) ** step,
            lr=tf.cast(learning_rate, dtype),
            beta1=tf.cast(self.beta_1, dtype),
            beta2=tf.cast(beta_2, dtype),
            epsilon=tf.cast(self.epsilon, dtype),
            grad=gradient,
        )

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = _with_schedule(config, "beta_2", custom_objects)
        return super().from_config(config, custom_objects)


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class ScheduledSGD(keras.optimizers.SGD):
    """Keras' SGD whose `momentum` is a schedule: v <- m v - rate g, w <- w + v.

    Args:
      learning_rate: a number, or a schedule.
      momentum: a schedule of m.
      nesterov: whether w <- w + m v - rate g, with the new v.
      settings: other settings of Keras' SGD.
    """

    def __init__(self, learning_rate, momentum, nesterov=False, **settings):
        super().__init__(learning_rate, 0.5, nesterov, **settings)  # any momentum makes the slots
        self.momentum = momentum

    def update_step(self, gradient, variable, learning_rate):
        momentum = ops.cast(self.momentum(self.iterations), variable.dtype)
        descent = ops.cast(gradient, variable.dtype) * ops.cast(learning_rate, variable.dtype)
        velocity = self.momentums[self._get_variable_index(variable)]
        self.assign(velocity, velocity * momentum - descent)
        self.assign_add(variable, velocity * momentum - descent if self.nesterov else velocity)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = _with_schedule(config, "momentum", custom_objects)
        return super().from_config(config, custom_objects)


def _with_schedule(config: dict, name: str, custom_objects) -> dict:
    """The config with the setting `name` deserialised, if it is the config of a schedule."""
    if not isinstance(config[name], dict):
        return config
    return config | {name: keras.saving.deserialize_keras_object(config[name], custom_objects)}


def _resource(variable):
    """The handle of this replica's part of a variable."""
    is_keras = isinstance(variable, keras.Variable)
    return (variable.value if is_keras else variable).handle


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class PerTrainingStep(Schedule):
    """A schedule over training steps for an optimiser that makes `updates` updates per step."""

    counts_training_steps = True

    def __init__(self, schedule, updates: int):
        self.schedule = schedule
        self.updates = updates

    def __call__(self, step):
        return self.schedule(step // self.updates)

    def get_config(self):
        return {"schedule": self.schedule, "updates": self.updates}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["updates"])


def clipped(optimizer, gradients: list) -> list:
    """Clips the sum of the gradients over all replicas as the optimiser says.

    Keras clips the gradients of each replica before it adds them. It leaves what this function
    returns unchanged.
    """
    replica = tf.distribute.get_replica_context()
    clips = (optimizer.clipnorm, optimizer.clipvalue, optimizer.global_clipnorm)
    if replica.num_replicas_in_sync == 1 or not any(clips):
        return gradients
    total = [replica.all_reduce(tf.distribute.ReduceOp.SUM, gradient) for gradient in gradients]
    once = keras_insides.clipped(optimizer, total)
    return [gradient / replica.num_replicas_in_sync for gradient in once]


def value_at(value, step):
    """A number itself, or the value of a schedule at a training step, a float32 scalar."""
    return tf.cast(value(step), tf.float32) if callable(value) else value


def count_training_steps(optimizer, *, updates: int):
    """Makes the schedules of an optimiser run over training steps instead of its updates.

    Args:
      optimizer: a Keras optimiser.
      updates: number of its updates per training step.
    """
    if updates == 1:
        return
    rate = keras_insides.rate_or_schedule(optimizer)
    if _runs_over_updates(rate):
        optimizer.learning_rate = PerTrainingStep(rate, updates)
    for name in ("beta_2", "momentum"):
        schedule = getattr(optimizer, name, None)
        if _runs_over_updates(schedule):
            setattr(optimizer, name, PerTrainingStep(schedule, updates))


def _runs_over_updates(value) -> bool:
    """Whether a value is a schedule that was not converted before, as those of a saved GAN were."""
    return isinstance(value, Schedule) and not getattr(value, "counts_training_steps", False)


def _clips(clip_norm: float | None, clip_value: float | None) -> dict:
    """Keras' settings for clipping gradients.

    Raises:
      UserError: both are given.
    """
    if clip_norm is not None and clip_value is not None:
        raise UserError(
            f"clip_norm is {clip_norm} and clip_value is {clip_value}: give one of them"
        )
    return {"global_clipnorm": clip_norm, "clipvalue": clip_value}


# All optimisers have these parameters:
#   learning_rate  a number, or a schedule over training steps, see `schedules`;
#   clip_norm      scales down the gradients of all variables together to this norm;
#   clip_value     clips each element of the gradients to [-clip_value, clip_value].


@gin.configurable(module="optimizers")
@checked
def adam(
    *,
    learning_rate: Factor = 2e-4,
    beta_1: Decay = 0.5,
    beta_2: DecayOrSchedule = 0.999,
    epsilon: Positive = 1e-8,
    clip_norm: Positive | None = None,
    clip_value: Positive | None = None,
):
    """Adam (Kingma and Ba, 2015); epsilon is TensorFlow 1's 1e-8, not Keras' 1e-7.

    `beta_2` may be a schedule, as `learning_rate` may.
    """
    clips = _clips(clip_norm, clip_value)
    return FusedAdam(learning_rate, beta_1, beta_2, epsilon, **clips)


@gin.configurable(module="optimizers")
@checked
def sgd(
    *,
    learning_rate: Factor = 0.1,
    momentum: DecayOrSchedule = 0.0,
    nesterov: bool = False,
    clip_norm: Positive | None = None,
    clip_value: Positive | None = None,
):
    """Stochastic gradient descent with momentum (Sutskever et al., 2013).

    `momentum` may be a schedule, as `learning_rate` may.
    """
    clips = _clips(clip_norm, clip_value)
    kind = ScheduledSGD if callable(momentum) else keras.optimizers.SGD
    return kind(learning_rate, momentum, nesterov, **clips)


@gin.configurable(module="optimizers")
@checked
def rmsprop(
    *,
    learning_rate: Factor = 5e-5,
    rho: Decay = 0.9,
    epsilon: Positive = 1e-10,
    clip_norm: Positive | None = None,
    clip_value: Positive | None = None,
):
    """RMSprop (Tieleman and Hinton, 2012) as in the experiments of the Wasserstein GAN."""
    clips = _clips(clip_norm, clip_value)
    return keras.optimizers.RMSprop(learning_rate, rho, epsilon=epsilon, **clips)
