"""Whether XLA compiles the training step of a run."""

from typing import Annotated

import tensorflow as tf
from absl import logging

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN
from compare_gan_tf.settings.signatures import OneOf

JitCompile = Annotated[bool | str, OneOf(True, False, "auto")]

_DETERMINISTIC = "an earlier training in this process has enabled deterministic operations"


def resolve(jit_compile: bool | str, strategy: tf.distribute.Strategy) -> tuple[bool, str]:
    """Resolves "auto": XLA for one GPU and for TPUs; none for CPUs and for several GPUs.

    Args:
      jit_compile: True, False or "auto".
      strategy: the strategy of the run.

    Returns:
      Whether XLA compiles the step, and the reason, for the log and the manifest.

    Raises:
      UserError: it is True, and the step of this strategy cannot be compiled.
    """
    if isinstance(strategy, tf.distribute.TPUStrategy):
        return jit_compile is not False, "a TPU" if jit_compile == "auto" else "as set"
    replicas = strategy.num_replicas_in_sync
    if replicas > 1 and jit_compile is True:
        raise UserError(
            f"train.jit_compile = True with {replicas} replicas: they exchange sums within a step, "
            'which XLA cannot compile for each of them alone; use "auto" or False'
        )
    if jit_compile != "auto":
        return jit_compile, "as set"
    if replicas > 1:
        return False, f"{replicas} replicas exchange sums within a step"
    if not tf.config.list_logical_devices("GPU"):
        return False, "XLA's convolutions are slow on a CPU"
    return True, "one GPU"


def compile_step(gan: GAN, steps_per_execution: int, jit_compile: bool | str, strategy) -> str:
    """Compiles a built GAN, with deterministic operations unless XLA is used.

    Keras cannot combine XLA with deterministic operations.

    Args:
      gan: the GAN; its `jit_compile` then says whether XLA is used.
      steps_per_execution: number of steps that run without Python in between.
      jit_compile: True, False or "auto".
      strategy: the strategy of the run.

    Returns:
      Why XLA is used or not.

    Raises:
      UserError: see `resolve`; or `jit_compile` is True, and the process has deterministic
        operations.
    """
    on, reason = resolve(jit_compile, strategy)
    gan.compile(steps_per_execution=steps_per_execution, jit_compile=on)
    if on and not gan.jit_compile:
        if jit_compile is True:
            raise UserError(
                f"train.jit_compile = True cannot be used: {_DETERMINISTIC}; start another process"
            )
        reason = _DETERMINISTIC
    if not gan.jit_compile:
        tf.config.experimental.enable_op_determinism()
    logging.info("train.jit_compile: %s, %s", "on" if gan.jit_compile else "off", reason)
    return reason
