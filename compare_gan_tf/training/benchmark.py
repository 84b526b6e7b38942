"""Measures a prepared training: seconds, products and memory of a step, beside a matrix product.

A training of some steps runs without checkpoints, logs and pictures, on the batches of the data
set. Each repeat is a number of its steps, then a matrix product that shows what the machine can do
at that time: on a busy machine both are slower.
"""

import dataclasses
import operator
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from tqdm import tqdm

from compare_gan_tf.gan import step_products
from compare_gan_tf.training import frozen_layers
from compare_gan_tf.training.fit import Training

_SECONDS = 4.0  # of a repeat, if no number of steps is asked for
_PEAK_SECONDS = 1.0  # of the matrix product beside each repeat
_SIDES = {"CPU": 2048, "GPU": 8192, "TPU": 8192}  # of its square matrices
_ENDLESS = 2**40  # steps


class Seconds(NamedTuple):
    """A span of time, or what was done in it, by two clocks."""

    wall: float
    cpu: float  # of all threads of this process


def now() -> Seconds:
    """Seconds since some point, for differences."""
    return Seconds(time.perf_counter(), time.process_time())


def each(function: Callable, *spans: Seconds) -> Seconds:
    """A function of spans, for each clock."""
    return Seconds(*map(function, *spans))


def since(start: Seconds) -> Seconds:
    """The span from a point to now."""
    return each(operator.sub, now(), start)


def median(spans: Sequence[Seconds]) -> Seconds:
    """The median of each clock."""
    return Seconds(*map(statistics.median, zip(*spans, strict=True)))


class Measured(NamedTuple):
    """What a measurement found."""

    first: Seconds  # of the first execution: tracing, compiling, and its steps
    steps: list[Seconds]  # of one step, for each repeat
    steps_per_repeat: int
    peaks: list[Seconds]  # of one multiply-add of a matrix product, for each repeat
    products: dict[str, int]  # {dtype: multiply-adds of a step}
    memory: dict[str, int]  # {"host" or a device: bytes at the peak}


def measure(prepared: Training, *, steps: int | None = None, repeats: int = 3) -> Measured:
    """Runs steps of a training, and measures them; its folder stays as it is.

    Args:
      prepared: the training, of a new GAN. Its callbacks are not called.
      steps: training steps of a repeat, rounded up to whole executions; None for as many as take
        about four seconds.
      repeats: how often the steps are measured, after two executions to warm up.
    """
    endless = _ENDLESS // prepared.gan.steps_per_execution * prepared.gan.steps_per_execution
    training = dataclasses.replace(prepared, training_steps=endless, callbacks=())
    with step_products.counted(prepared.gan) as products:
        meter = _Meter(steps, repeats, products)
        with training.data_errors(), frozen_layers.frozen(training.gan, training.kept):
            training.gan.fit_batches(**training.remaining(0), callbacks=[meter])
        meter.close()
    return Measured(
        first=meter.laps[0],
        steps=[each(lambda lap: lap / meter.steps, lap) for lap in meter.laps[2:]],
        steps_per_repeat=meter.steps,
        peaks=meter.peaks,
        products=dict(products),
        memory=meter.memory,
    )


class _Meter(keras.callbacks.Callback):
    """Measures the first execution, a second one, and then the repeats; ends the training."""

    def __init__(self, steps: int | None, repeats: int, products: dict):
        super().__init__()
        self.steps, self._repeats, self._products = steps, repeats, products
        self.laps, self.peaks, self.memory = [], [], {}
        self._bar = tqdm(total=repeats + 2, desc="measuring", unit=" repeats")
        self._first, self._start = 0, now()

    def on_train_batch_end(self, batch, logs=None):
        done = self.model.current_step - self._first  # waits for the device
        if len(self.laps) < 2 or done >= self.steps:
            self.laps.append(since(self._start))
            self._between(done)
            self._first, self._start = self.model.current_step, now()

    def _between(self, done: int):
        self._bar.update()
        if len(self.laps) == 2:
            self.steps = _whole(self.steps or done * _SECONDS / self.laps[1].wall, done)
        if len(self.laps) == 3:
            self.memory = peak_memory()
        if len(self.laps) > 2:
            dtype = max(self._products, key=self._products.get, default="float32")
            self.peaks.append(of_a_product(dtype))
        self.model.stop_training = len(self.laps) == self._repeats + 2

    def close(self):
        """Closes the bar."""
        self._bar.close()


def _whole(steps: float, execution: int) -> int:
    """The multiple of an execution next to a number of steps, at least one."""
    return max(1, round(steps / execution)) * execution


def of_a_product(dtype: str) -> Seconds:
    """Seconds of one multiply-add within a large matrix product, the fastest of some calls."""
    side = _SIDES[_device().device_type]
    factor = tf.cast(tf.random.uniform([side, side]), dtype)
    product = tf.function(lambda a: tf.reduce_sum(tf.matmul(a, a)), autograph=False)
    product(factor).numpy()
    end, found = time.perf_counter() + _PEAK_SECONDS, []
    while not found or time.perf_counter() < end:
        start = now()
        product(factor).numpy()  # waits for the device
        found.append(each(lambda spent: spent / side**3, since(start)))
    return Seconds(*map(min, zip(*found, strict=True)))


def _device():
    """The first device that computes: a TPU, a GPU or the CPU."""
    return max(
        tf.config.list_logical_devices(), key=lambda one: "CPU GPU TPU".find(one.device_type)
    )


def peak_memory() -> dict[str, int]:
    """{"host" or name of a GPU: bytes that this process has used at most}."""
    unit = 1 if sys.platform == "darwin" else 1024
    found = {"host": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
    for device in tf.config.list_logical_devices("GPU"):
        name = device.name.removeprefix("/device:")
        found[name] = tf.config.experimental.get_memory_info(name)["peak"]
    return found


def summarised(measured: Measured, prepared: Training, start: Seconds) -> dict[str, Any]:
    """The measurement as values that JSON can hold.

    Args:
      measured: of `prepared`.
      prepared: the training.
      start: seconds from the command to the prepared training.

    Returns:
      Times in seconds, as {"wall", "cpu"}, and medians over the repeats: "start_up", "compile",
      "step", "whole_run" (start-up, compiling and all steps; without checkpoints, logs and scores);
      "steps_per_second", "images_per_second": reals of all updates of D, likewise;
      "multiply_adds" of a step, by dtype; "matmul_peak", multiply-adds a second of a matrix
      product, and "share_of_peak", the median of the repeats; "peak_memory", bytes;
      "repeats", seconds of a step; and what was measured.
    """
    gan, number = prepared.gan, sum(measured.products.values())
    step = median(measured.steps)
    rate = each(lambda seconds: 1 / seconds, step)
    compiling = each(
        lambda first, one: max(0.0, first - gan.steps_per_execution * one), measured.first, step
    )
    shares = [
        each(lambda of_one, seconds: number * of_one / seconds, *pair)
        for pair in zip(measured.peaks, measured.steps, strict=True)
    ]
    spans = {
        "start_up": start,
        "compile": compiling,
        "step": step,
        "steps_per_second": rate,
        "images_per_second": each(lambda r: r * prepared.batch_size * gan.d_steps, rate),
        "matmul_peak": each(lambda seconds: 1 / seconds, median(measured.peaks)),
        "share_of_peak": median(shares),
        "whole_run": each(
            lambda *parts: sum(parts), start, compiling,
            each(lambda seconds: seconds * prepared.training_steps, step),
        ),
    }  # fmt: skip
    return {
        "batch_size": prepared.batch_size,
        "d_steps": gan.d_steps,
        "g_steps": gan.g_steps,
        "steps_per_execution": gan.steps_per_execution,
        "jit_compile": bool(gan.jit_compile),
        "device": _device().device_type,
        "replicas": prepared.strategy.num_replicas_in_sync,
        "training_steps": prepared.training_steps,
        "steps_per_repeat": measured.steps_per_repeat,
        "repeats": [one._asdict() for one in measured.steps],
        "multiply_adds": measured.products,
        "peak_memory": measured.memory,
        **{name: span._asdict() for name, span in spans.items()},
    }
