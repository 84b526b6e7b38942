"""Schedules over training steps: for learning rates, weights of objectives, half-lives and more.

Each function makes a Keras schedule: a function of the number of training steps done. Its values
are 0 or more, as those settings must be.
"""

import itertools
from typing import Annotated

import gin
import keras
from keras import ops

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.signatures import (
    NotNegative,
    Number,
    Positive,
    Rule,
    Several,
    Step,
    checked,
)

Schedule = keras.optimizers.schedules.LearningRateSchedule
Steps = Annotated[int, Number(least=1, whole=True, unit="training steps")]


class _Decay(Schedule):
    """From `start` to `end` in `steps` steps, after `delay` steps of `start`; then `end`."""

    @checked
    def __init__(self, start: NotNegative, end: NotNegative, steps: Steps, delay: Step = 0):
        self.start, self.end, self.steps, self.delay = start, end, steps, delay

    def __call__(self, step):
        gone = (ops.cast(step, "float32") - self.delay) / self.steps
        return self.start + (self.end - self.start) * self._shape(ops.clip(gone, 0.0, 1.0))

    def get_config(self):
        keys = ("start", "end", "steps", "delay")
        return {key: getattr(self, key) for key in keys}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class LinearDecay(_Decay):
    """A linear decay."""

    def _shape(self, gone):
        return gone


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class CosineDecay(_Decay):
    """A decay along half a period of the cosine."""

    def _shape(self, gone):
        return 0.5 - 0.5 * ops.cos(gone * 3.141592653589793)


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class ExponentialDecay(Schedule):
    """max(floor, start rate^(step / steps)), the exponent a whole number if `staircase`."""

    @checked
    def __init__(
        self,
        start: NotNegative,
        rate: Positive,
        steps: Steps,
        staircase: bool,
        floor: NotNegative,
    ):
        self.start, self.rate, self.steps = start, rate, steps
        self.staircase, self.floor = staircase, floor

    def __call__(self, step):
        times = ops.cast(step, "float32") / self.steps
        times = ops.floor(times) if self.staircase else times
        return ops.maximum(self.start * self.rate**times, self.floor)

    def get_config(self):
        keys = ("start", "rate", "steps", "staircase", "floor")
        return {key: getattr(self, key) for key in keys}


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class InverseRootDecay(Schedule):
    """start / sqrt(max(1, step / steps)), rising from 0 in the first `warm_up` steps."""

    @checked
    def __init__(self, start: NotNegative, steps: Steps, warm_up: Step = 0):
        self.start, self.steps, self.warm_up = start, steps, warm_up

    def __call__(self, step):
        step = ops.cast(step, "float32")
        value = self.start * ops.rsqrt(ops.maximum(step / self.steps, 1.0))
        return value * ops.minimum(step / self.warm_up, 1.0) if self.warm_up else value

    def get_config(self):
        return {key: getattr(self, key) for key in ("start", "steps", "warm_up")}


@gin.configurable(module="schedules")
def linear_decay(*, start: float, end: float = 0.0, steps: int, delay: int = 0):
    """start + (end - start) (step - delay) / steps, between `start` and `end`."""
    return LinearDecay(start, end, steps, delay)


@gin.configurable(module="schedules")
def cosine_decay(*, start: float, end: float = 0.0, steps: int, delay: int = 0):
    """start + (end - start) (1 - cos(pi (step - delay) / steps)) / 2, between the two."""
    return CosineDecay(start, end, steps, delay)


@gin.configurable(module="schedules")
def inverse_root_decay(*, start: float, steps: int, warm_up: int = 0):
    """start / sqrt(max(1, step / steps)), first rising from 0 in `warm_up` steps.

    It is EDM2's (Karras et al., 2024), for kernels of constant size.
    """
    return InverseRootDecay(start, steps, warm_up)


@gin.configurable(module="schedules")
def exponential_decay(
    *,
    start: float,
    rate: float,
    steps: int,
    staircase: bool = False,
    floor: float = 0.0,
):
    """max(floor, start rate^(step / steps)); with `staircase` in jumps every `steps` steps."""
    return ExponentialDecay(start, rate, steps, staircase, floor)


def _require_ascending(name: str, boundaries) -> None:
    if any(later <= one for one, later in itertools.pairwise(boundaries)):
        raise UserError(f"{name} is {boundaries!r}: each must be above the one before")


Boundaries = Annotated[
    list,
    Several(Number(least=0, whole=True), like="[1000, 2000]", instead="give the one number itself"),
    Rule(_require_ascending),
]
Values = Annotated[list, Several(Number(least=0), least=0, like="[1.0, 0.1, 0.01]")]


@gin.configurable(module="schedules")
@checked
def piecewise_constant(*, boundaries: Boundaries, values: Values):
    """values[i] up to and including step boundaries[i], then the last of `values`."""
    if len(values) != len(boundaries) + 1:
        raise UserError(
            f"piecewise_constant.values has {len(values)} numbers for {len(boundaries)} "
            "boundaries: it must have one more"
        )
    return keras.optimizers.schedules.PiecewiseConstantDecay(
        [int(boundary) for boundary in boundaries], [float(value) for value in values]
    )
