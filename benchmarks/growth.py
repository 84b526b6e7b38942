"""How time and memory of a training step grow with the batch, d_steps, the side and the replicas.

SNDCGAN, narrower than published, with a gradient penalty, on noise. Every size is a process of its
own that reports the CPU-seconds of a step and the memory that it needed beyond TensorFlow's; the
sizes of a kind take turns. Prints them with the growth from the smallest size, over what linear
growth would give (a side counts by its square; on more replicas of one batch nothing should
grow). Exits with 1 if the time grows 1.15 times as fast as that, or the memory 1.25 times; with
replicas 1.3 and 1.4 times, for each has weights of its own, and their gradients are added up.

  python benchmarks/growth.py --only=batch,d_steps
"""

import argparse
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

MOST = {"replicas": (1.3, 1.4)}  # {kind: growth of time and memory}
LINEAR = (1.15, 1.25)  # of the others
PLAIN = {"batch": 64, "d_steps": 1, "side": 32, "replicas": 1}
# {kind: (sizes, linear growth of time from the first size to another, as a function of both)}
KINDS = {
    "batch": ((32, 64, 128), lambda first, size: size / first),
    "d_steps": ((1, 2, 4), lambda first, size: size / first),
    "side": ((32, 64, 128), lambda first, size: (size / first) ** 2),
    "replicas": ((1, 2, 4), lambda first, size: 1.0),
}


def peak() -> int:
    """Bytes that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(batch: int, d_steps: int, side: int, replicas: int, times: int) -> dict:
    """CPU-seconds of a step, and bytes beyond those of a process with the same GAN and no step."""
    import numpy as np
    import tensorflow as tf

    from compare_gan_tf import GAN, Normal
    from compare_gan_tf.architectures import sndcgan
    from compare_gan_tf.objectives import Adversarial, GradientPenalty

    cpu = tf.config.list_physical_devices("CPU")[0]
    devices = [tf.config.LogicalDeviceConfiguration()] * replicas
    tf.config.set_logical_device_configuration(cpu, devices)
    names = [f"CPU:{index}" for index in range(replicas)]
    several = replicas > 1
    strategy = tf.distribute.MirroredStrategy(names) if several else tf.distribute.get_strategy()
    with strategy.scope():
        gan = GAN(
            (side, side, 3),
            generator=functools.partial(sndcgan.generator, width=16),
            discriminator=functools.partial(sndcgan.discriminator, width=16),
            objectives=[Adversarial(), GradientPenalty()],
            latents=Normal(32),
            d_steps=d_steps,
        )
    rows = batch // replicas
    shape = (rows, gan.slices, side, side, 3)
    data = tf.constant(np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8))
    step = tf.function(lambda: strategy.run(gan.train_step, [(data,)]), autograph=False)
    step.get_concrete_function()
    before = peak()
    step()
    start = time.process_time()
    for _ in range(times):
        step()
    return {"seconds": (time.process_time() - start) / times, "bytes": peak() - before}


def in_a_process(sizes: dict, times: int) -> dict:
    arguments = [json.dumps(sizes | {"times": times})]
    command = [sys.executable, __file__, "--child", *arguments]
    child = subprocess.run(command, capture_output=True, text=True)
    if child.returncode:
        sys.exit(f"{sizes} failed:\n{child.stderr}")
    return json.loads(child.stdout.splitlines()[-1])


def compare(kind: str, rounds: int, times: int) -> bool:
    """Prints how a kind grows; returns whether it grows no faster than linearly."""
    sizes, linear = KINDS[kind]
    found = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            found[size].append(in_a_process(PLAIN | {kind: size}, times))
    seconds = {size: statistics.median(one["seconds"] for one in found[size]) for size in sizes}
    memory = {size: statistics.median(one["bytes"] for one in found[size]) for size in sizes}
    (most_time, most_memory), fine = MOST.get(kind, LINEAR), True
    for size in sizes:
        expected = linear(sizes[0], size)
        growth = seconds[size] / seconds[sizes[0]] / expected
        more = memory[size] / memory[sizes[0]] / expected
        fine = fine and growth <= most_time and more <= most_memory
        print(
            f"{kind} {size:4}: {seconds[size]:.3f} CPU-seconds a step, {memory[size] / 2**20:,.0f}"
            f" MiB; over linear growth: time {growth:.2f}, memory {more:.2f}",
            flush=True,
        )
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, with commas")
    parser.add_argument("--rounds", type=int, default=2, help="processes of each size")
    parser.add_argument("--times", type=int, default=3, help="steps in a process")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(**json.loads(arguments.child))))
        return
    kinds = arguments.only.split(",")
    if min(arguments.rounds, arguments.times) < 1 or set(kinds) - set(KINDS):
        parser.error(f"--rounds and --times must be at least 1, --only of {', '.join(KINDS)}")
    fast = [kind for kind in kinds if not compare(kind, arguments.rounds, arguments.times)]
    if fast:
        sys.exit(f"grows faster than linearly: {', '.join(fast)}")


if __name__ == "__main__":
    main()
