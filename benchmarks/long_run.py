"""Whether a process grows with the steps that it trains, and with its scores and exports.

A tiny GAN of the digits trains; every `--every` steps the newest checkpoint is scored and exported
in the same process, as a notebook or a service would do it. Each such round prints the memory that
the process holds, its open files, threads and Python objects, and the entries of TensorFlow's
registry of gradients. Exits with 1 if, from the middle round to the last, memory grew by more than
`--most` MiB for 10 rounds, or a file or a thread is left open.

  python benchmarks/long_run.py --steps=200000 --every=10000
"""

import argparse
import collections
import functools
import gc
import os
import pathlib
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras

from compare_gan_tf import GAN, Normal, data, evaluation, training
from compare_gan_tf.architectures import mlp
from compare_gan_tf.export import export_run
from compare_gan_tf.objectives import Adversarial, GradientPenalty
from compare_gan_tf.optimizers import adam
from compare_gan_tf.runs import checkpoints


def make(sample_shape, num_classes, seed) -> GAN:
    """8 units a player, with an average, so that a step is nearly nothing but its overhead."""
    return GAN(
        sample_shape,
        num_classes,
        seed,
        conditional=True,
        generator=functools.partial(mlp.generator, units=8),
        discriminator=functools.partial(mlp.discriminator, units=8),
        objectives=[Adversarial(), GradientPenalty(weight=0.1)],
        latents=Normal(4),
        g_optimizer=adam(),
        d_optimizer=adam(),
        ema_decay=0.99,
    )


class Rounds:
    """Scores and exports a run, and notes what its process holds after that."""

    def __init__(self, folder: str, dataset: data.Dataset):
        self.folder, self.dataset, self.found = folder, dataset, []
        self.statistics, self.start = {}, time.monotonic()
        self.gan = training.build(make, dataset, seed=0)

    def once(self, step: int) -> None:
        """Scores and exports the newest checkpoint after `step` steps of training."""
        newest = checkpoints.list_steps(self.folder)[-1]
        evaluation.evaluate(
            self.folder, self.gan, self.dataset, steps=[newest], num_samples=300, floor=False,
            real_statistics=self.statistics,
        )  # fmt: skip
        checkpoints.restore_players(self.gan, self.folder, newest)
        export_run(self.gan, self.folder, newest)
        gc.collect()
        self.found.append({"step": step, **held()})
        row = " ".join(f"{name} {value:,}" for name, value in self.found[-1].items())
        print(f"{row}, after {time.monotonic() - self.start:.0f} s", flush=True)

    def failures(self, most: float) -> list[str]:
        """What grew from the middle round to the last."""
        middle, last = self.found[len(self.found) // 2], self.found[-1]
        rounds = len(self.found) - 1 - len(self.found) // 2
        grew = {name: last[name] - middle[name] for name in last}
        print(f"from the middle to the end, {rounds} rounds: {grew}")
        allowed = {"MiB": most * rounds / 10, "files": 0, "threads": 0}
        return [f"{name} grew by {grew[name]}" for name in allowed if grew[name] > allowed[name]]


def held() -> dict[str, int]:
    """{what: how much of it this process holds now}, on Linux."""
    from tensorflow.python.framework import ops

    me = pathlib.Path("/proc/self")
    pages = int((me / "statm").read_text().split()[1])
    return {
        "MiB": pages * os.sysconf("SC_PAGE_SIZE") >> 20,
        "files": len(list((me / "fd").iterdir())),
        "threads": len(list((me / "task").iterdir())),
        "objects": len(gc.get_objects()),
        "gradients": len(ops.gradient_registry.list()),
    }


def kinds() -> collections.Counter:
    """{type: the number of its objects}."""
    return collections.Counter(type(one).__qualname__ for one in gc.get_objects())


class Between(keras.callbacks.Callback):
    """Calls a function every so many steps of a training."""

    def __init__(self, call, every: int):
        super().__init__()
        self._call, self._every = call, every

    def on_train_batch_end(self, batch, logs=None):
        if self.model.current_step % self._every == 0:
            self._call(self.model.current_step)


def train(folder: str, dataset: data.Dataset, steps: int, every: int, callbacks=()) -> None:
    training.train(
        folder, dataset=dataset, model=make, training_steps=steps, batch_size=16,
        steps_per_execution=min(100, every), checkpoint_every=every, log_every=every,
        sample_every=every, callbacks=list(callbacks),
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20_000, help="of the training")
    parser.add_argument("--every", type=int, default=2_000, help="steps between scores and exports")
    parser.add_argument("--most", type=float, default=10.0, help="MiB that 10 rounds may add")
    arguments = parser.parse_args()
    steps, every = arguments.steps, arguments.every
    if every < 1 or steps % every or steps < 4 * every:
        parser.error("--steps must be a multiple of --every, at least four times as large")
    dataset = data.load("digits")
    with tempfile.TemporaryDirectory() as folder:
        rounds = Rounds(folder, dataset)
        before = kinds()
        train(folder, dataset, steps, every, [Between(rounds.once, every)])
        print("most objects more:", (kinds() - before).most_common(8))
        if failures := rounds.failures(arguments.most):
            sys.exit("; ".join(failures))


if __name__ == "__main__":
    main()
