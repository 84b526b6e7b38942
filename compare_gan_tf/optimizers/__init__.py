"""Optimisers, their schedules, and the moving average of G."""

from compare_gan_tf.optimizers.optimizers import (
    FusedAdam,
    Optimizer,
    PerTrainingStep,
    ScheduledSGD,
    adam,
    count_training_steps,
    rmsprop,
    sgd,
    value_at,
)

__all__ = [
    "FusedAdam",
    "Optimizer",
    "PerTrainingStep",
    "ScheduledSGD",
    "adam",
    "count_training_steps",
    "rmsprop",
    "sgd",
    "value_at",
]
