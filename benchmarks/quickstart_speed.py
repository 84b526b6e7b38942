"""The speed of `compare-gan train` on quickstart.gin beside that of a bare loop over the same math.

Runs `compare-gan train`, with its checkpoints, logs and sample grids, and `bare_loop.py` as
processes of their own, in turn. Each reports the CPU-seconds that its threads spent on the steps
after the first few, so neither imports nor tracing count. Prints the ratio of the two speeds, in
steps per CPU-second, of every pair, and their median; exits with 1 if that is below 0.9.

  python benchmarks/quickstart_speed.py
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

REQUIRED = 0.9
BARE_LOOP = pathlib.Path(__file__).with_name("bare_loop.py")
WARM_UP, INTERVAL = 50, 1000  # steps; the config's interval of checkpoints and grids
BARE_WARM_UP, BARE_EPOCH = 54, 18


def train(steps: int, bindings: list[str]):
    """Runs `compare-gan train`, and prints what the steps after the warm-up took.

    The measured part begins and ends before the callbacks of its first and last step, and so holds
    the whole work between them.
    """
    from compare_gan_tf.bin import main, quiet

    quiet.import_tensorflow()
    import keras

    class Meter(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            step = self.model.current_step
            if step == WARM_UP:
                self.start = time.process_time()
            if step == WARM_UP + steps:
                print(json.dumps({"steps": steps, "cpu_seconds": time.process_time() - self.start}))

    fit = keras.Model.fit

    def metered_fit(self, *arguments, callbacks, **settings):
        return fit(self, *arguments, callbacks=[Meter(), *callbacks], **settings)

    keras.Model.fit = metered_fit
    bindings = [f"train.training_steps = {WARM_UP + steps}", *bindings]
    with tempfile.TemporaryDirectory() as folder:
        flags = [f"--gin_bindings={binding}" for binding in bindings]
        config = ["--gin_config=quickstart.gin", f"--model_dir={folder}/run"]
        main.main(["compare-gan", "train", *config, *flags])


def seconds_per_step(command: list[str]) -> float:
    """CPU-seconds of a step in a child process, which prints them in a line of JSON."""
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    child = subprocess.run(command, env=environment, capture_output=True, text=True)
    if child.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{child.stderr}")
    line = next(line for line in child.stdout.splitlines() if line.startswith("{"))
    measured = json.loads(line)
    return measured["cpu_seconds"] / measured["steps"]


def hardware() -> str:
    """One line on what this ran on."""
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def compare(pairs: int, steps: int, bindings: list[str]) -> float:
    """Runs the pairs, prints each, and returns the median ratio."""
    passed_on = [argument for binding in bindings for argument in ("--gin_bindings", binding)]
    ours = [sys.executable, __file__, "--train", "--steps", str(steps), *passed_on]
    last = BARE_WARM_UP + steps // BARE_EPOCH * BARE_EPOCH
    bare = [sys.executable, str(BARE_LOOP), str(BARE_WARM_UP), str(last)]
    ratios = []
    for pair in range(1, pairs + 1):
        seconds = {name: seconds_per_step(run) for name, run in (("ours", ours), ("bare", bare))}
        ratios.append(seconds["bare"] / seconds["ours"])
        speeds = ", ".join(f"{name} {1 / value:.1f}" for name, value in seconds.items())
        print(f"pair {pair}: {speeds} steps per CPU-second, ratio {ratios[-1]:.3f}", flush=True)
    median = statistics.median(ratios)
    print(
        f"compare-gan train reaches {median:.3f} of a bare loop's steps per CPU-second "
        f"(median of {pairs} pairs, {min(ratios):.3f} to {max(ratios):.3f}; required {REQUIRED})"
    )
    print(hardware())
    return median


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7, help="how many times to run both")
    parser.add_argument(
        "--steps", type=int, default=INTERVAL, help=f"measured steps, a multiple of {INTERVAL}"
    )
    parser.add_argument(
        "--gin_bindings", action="append", default=[], help="for `compare-gan train`; repeatable"
    )
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.steps < 1 or arguments.steps % INTERVAL or arguments.pairs < 1:
        parser.error(f"--steps must be a positive multiple of {INTERVAL}, --pairs at least 1")
    return arguments


def main():
    arguments = parse()
    if arguments.train:
        train(arguments.steps, arguments.gin_bindings)
    else:
        median = compare(arguments.pairs, arguments.steps, arguments.gin_bindings)
        sys.exit(int(median < REQUIRED))


if __name__ == "__main__":
    main()
