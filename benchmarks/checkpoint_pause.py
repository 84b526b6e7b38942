"""How long a checkpoint delays training: written by another thread, and by training itself.

Trains dense networks on digits both ways in turn, with a checkpoint every 20 steps. A pause is what
a step with a checkpoint and the one after it, which may share memory with the writing, take beyond
two other steps. Prints the median step and pause of each way, and their ratio.

  python benchmarks/checkpoint_pause.py
"""

import argparse
import concurrent.futures
import functools
import statistics
import tempfile
import time
from unittest import mock

import keras

from compare_gan_tf import data, training
from compare_gan_tf.architectures import mlp
from compare_gan_tf.gan import GAN
from compare_gan_tf.objectives import Adversarial
from compare_gan_tf.storage.background import Background

EVERY, WARM_UP = 20, 30  # steps
WAYS = ("another thread", "training itself")


class Clock(keras.callbacks.Callback):
    """Notes when each step begins, and so how long it takes with all callbacks."""

    def __init__(self):
        super().__init__()
        self.times = []

    def on_train_batch_begin(self, batch, logs=None):
        self.times.append(time.perf_counter())


def at_once(background, task, *arguments):
    """Stands for `Background.submit`: does the task in the caller's thread."""
    done = concurrent.futures.Future()
    done.set_result(task(*arguments))
    return done


def pauses(way: str, steps: int, units: int) -> tuple[float, float]:
    """(median seconds of a step, median pause of a checkpoint)."""
    clock = Clock()
    submit = Background.submit if way == WAYS[0] else at_once
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(Background, "submit", submit):
        training.train(
            folder,
            dataset=data.load("digits"),
            model=functools.partial(
                GAN,
                generator=functools.partial(mlp.generator, units=units),
                discriminator=functools.partial(mlp.discriminator, units=units),
                objectives=[Adversarial()],
            ),
            training_steps=steps,
            checkpoint_every=EVERY,
            keep_checkpoints=1,
            log_every=EVERY,
            sample_every=steps,
            callbacks=[clock],
        )
    took = [after - before for before, after in zip(clock.times, clock.times[1:], strict=False)]
    saving = [
        step for step in range(EVERY, len(took), EVERY) if step > WARM_UP
    ]  # took[i]: step i+1
    near = {step + offset for step in saving for offset in (-1, 0)}
    step = statistics.median(t for i, t in enumerate(took) if i > WARM_UP and i not in near)
    return step, statistics.median(took[s - 1] + took[s] - 2 * step for s in saving)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--units", type=int, default=1024, help="of each hidden layer")
    options = parser.parse_args()
    found = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way in WAYS:
            found[way].append(pauses(way, options.steps, options.units))
    middle = {}
    for way, rounds in found.items():
        step, middle[way] = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"{way}: a step {1000 * step:.1f} ms, a checkpoint {1000 * middle[way]:.1f} ms more")
    print(f"ratio: {middle[WAYS[1]] / max(middle[WAYS[0]], 1e-4):.1f}")


if __name__ == "__main__":
    main()
