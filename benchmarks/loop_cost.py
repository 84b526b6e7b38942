"""The speed of `compare-gan train` beside that of the bare compiled step of the same config.

One process trains a run, with its data pipeline, checkpoints, logs and pictures. In turn with its
steps, it runs as many steps of a second GAN of the same config: one `tf.function` over
`GAN.train_step`, on one batch that is always there, with as many steps in a call as the config has
in an execution. Both spend CPU-seconds of all threads. Prints the ratio of the speeds for each
round and the median; exits with 1 if one is below what is required.

  python benchmarks/loop_cost.py --only=quickstart
"""

import argparse
import dataclasses
import os
import statistics
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import gin
import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf import config, data, training
from compare_gan_tf.config import configurables
from compare_gan_tf.data.stand_ins import outlines

# {name: (config, bindings, steps of a round, required)}. A round of the quickstart has a checkpoint
# and a picture; one of SNGAN has a log, its checkpoints are 5,000 steps apart. A smaller batch than
# SNGAN's 64 makes the loop's share larger.
CASES = {
    "quickstart": ("quickstart.gin", [], 1000, 0.92),
    "sngan": (
        "mimicry/sngan_cifar10.gin",
        [
            "train.jit_compile = False",
            "train.steps_per_execution = 1",
            "train.batch_size = 16",
            "train.log_every = 2",
        ],
        2,
        0.95,
    ),
}


class Rounds(keras.callbacks.Callback):
    """Measures rounds of the training, and the bare step after each; ends the training."""

    def __init__(self, bare, steps: int, rounds: int):
        super().__init__()
        self.bare, self.steps, self.rounds = bare, steps, rounds
        self.ratios = []

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.current_step
        if step == self.steps:  # the first round is the warm-up
            self.bare(self.steps)
            self.start = time.process_time()
        elif step % self.steps == 0 and len(self.ratios) < self.rounds:
            ours = time.process_time() - self.start
            start = time.process_time()
            self.bare(self.steps)
            now = time.process_time()
            self.ratios.append((now - start) / ours)
            print(
                f"  round {len(self.ratios)}: {self.steps / ours:.3g} steps per CPU-second, bare"
                f" {self.steps / (now - start):.3g}, ratio {self.ratios[-1]:.3f}",
                flush=True,
            )
            self.start = time.process_time()


def bare_step(gan, batch_size: int):
    """A function that runs so many steps of a GAN on one batch, an execution in a call."""
    rng = np.random.default_rng(0)
    shape = (batch_size, gan.slices, *gan.sample_shape)
    batch = (tf.constant(rng.integers(256, size=shape, dtype=np.uint8)),)
    if gan.num_classes:
        labels = rng.integers(gan.num_classes, size=shape[:2]).astype(np.int32)
        batch = (*batch, tf.constant(labels))
    execution = gan.steps_per_execution

    step = tf.function(lambda: gan.train_step(batch), autograph=False)

    def one(index):
        with tf.control_dependencies(list(step().values())):
            return index + 1

    @tf.function(autograph=False)
    def several():
        return tf.while_loop(lambda index: index < execution, one, [tf.constant(0)])

    run = step if execution == 1 else several

    def steps(number: int):
        for _ in range(number // execution):
            run()

    return steps


def compare(name: str, rounds: int, folder: str) -> float:
    """Prints the rounds of a case; returns the median ratio."""
    path, bindings, steps, _ = CASES[name]
    last = f"train.training_steps = {(rounds + 1) * steps}"
    gin.clear_config()
    config.parse([path], [*bindings, last])
    print(f"{path}: {' '.join(bindings)}")
    with outlines(2_000):
        dataset = data.load()
        prepared = training.prepare(os.path.join(folder, name), dataset=dataset)
        second = training.prepare(os.path.join(folder, "none"), dataset=dataset)
    watcher = Rounds(bare_step(second.gan, prepared.batch_size), steps, rounds)
    dataclasses.replace(prepared, callbacks=[watcher]).fit(config.operative_text())
    return statistics.median(watcher.ratios)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(CASES), help="cases, with commas")
    parser.add_argument("--rounds", type=int, default=5, help="how often both are measured")
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if arguments.rounds < 1 or set(names) - set(CASES):
        parser.error(f"--rounds must be at least 1, --only of {', '.join(CASES)}")
    configurables.load()
    slow = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            median, required = compare(name, arguments.rounds, folder), CASES[name][-1]
            print(f"{name}: {median:.3f} of the bare step's speed (median; required {required})")
            slow += [name] if median < required else []
    if slow:
        sys.exit(f"too slow: {', '.join(slow)}")


if __name__ == "__main__":
    main()
