"""CPU-seconds from the start of a process to the first training step, to help and to describe.

Each is measured in processes of its own, in turn; prints the medians. The training of SNGAN is on
noise in the shape of CIFAR-10, with a small batch, so that its first step is cheap beside what
comes before it. `--beside=PYTHON` measures another environment, such as that of an older checkout,
in turn with this one.

  python benchmarks/start_up.py --rounds=3
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys

_TRAIN = """
import dataclasses, os, sys, tempfile, time
from compare_gan_tf.bin import quiet
quiet.import_tensorflow()
import keras
from compare_gan_tf import config, data, training
from compare_gan_tf.config import configurables
from compare_gan_tf.data.stand_ins import outlines

class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.model.current_step  # waits for the step
        print(time.process_time(), flush=True)
        os._exit(0)

configurables.load()
config.parse(sys.argv[1:2], sys.argv[2:])
folder = tempfile.mkdtemp()
with outlines():
    prepared = training.prepare(os.path.join(folder, "run"), dataset=data.load())
config.check_used()
dataclasses.replace(prepared, callbacks=[Stop()]).fit(config.operative_text())
"""
_MAIN = "import sys; from compare_gan_tf.bin import main; main.main(sys.argv)"
_SNGAN = "mimicry/sngan_cifar10.gin"
CASES = {
    "import tensorflow": ["import tensorflow"],
    "train --help": [_MAIN, "train", "--help"],
    "describe quickstart.gin": [_MAIN, "describe", "--gin_config=quickstart.gin"],
    f"describe {_SNGAN}": [_MAIN, "describe", f"--gin_config={_SNGAN}"],
    "first step of quickstart.gin": [_TRAIN, "quickstart.gin", "train.steps_per_execution = 1"],
    f"first step of {_SNGAN}": [
        _TRAIN, _SNGAN, "train.jit_compile = False", "train.steps_per_execution = 1",
        "train.batch_size = 2",
    ],
}  # fmt: skip


def cpu_seconds(python: str, code: str, *arguments: str) -> float:
    """Of a process with all its threads, and up to the first step where it trains."""
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [python, "-c", code, *arguments]
    child = subprocess.run(command, env=environment, capture_output=True, text=True)
    if child.returncode:
        sys.exit(f"{' '.join(arguments)} failed:\n{child.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code == _TRAIN:
        return float(child.stdout.splitlines()[-1])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--only", default="", help="a part of the names of what is measured")
    parser.add_argument("--beside", help="Python of another environment")
    arguments = parser.parse_args()
    names = [name for name in CASES if arguments.only in name]
    if arguments.rounds < 1 or not names:
        parser.error(f"--rounds must be at least 1, --only a part of: {', '.join(CASES)}")
    pythons = [sys.executable, *([arguments.beside] if arguments.beside else [])]
    for name in names:
        rounds = [
            [cpu_seconds(python, *CASES[name]) for python in pythons]
            for _ in range(arguments.rounds)
        ]
        medians = [statistics.median(seconds) for seconds in zip(*rounds, strict=True)]
        line = f"{name:44} {medians[0]:6.2f} CPU-seconds"
        if len(medians) > 1:
            ratio = statistics.median(theirs / ours for ours, theirs in rounds)
            line += f", beside {medians[1]:6.2f}, ratio {ratio:.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
