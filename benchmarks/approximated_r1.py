"""A training step with R1 by finite differences beside one with the exact R1: R3GAN at 32 px.

Both GANs have the paired relativistic loss and R1, and then R1 and R2, as R3GAN is published, on
networks narrower than published. A round runs the step of one, then that of the other, on one
batch. Prints the ratios exact over approximated: of the step's multiply-adds, which do not depend
on the machine, and of CPU-seconds, the median over the rounds.

  python benchmarks/approximated_r1.py --width=64 --batch=16
"""

import argparse
import functools
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf

from compare_gan_tf import GAN, Normal
from compare_gan_tf.architectures import r3gan
from compare_gan_tf.gan.step_products import products
from compare_gan_tf.objectives import GradientPenalty, Relativistic
from compare_gan_tf.objectives.gradient_penalty import at_fake, at_real

SHAPE = (32, 32, 3)
PENALTIES = {"R1": [at_real], "R1 + R2": [at_real, at_fake]}


def make_step(points: list, finite_difference: float | None, width: int, batch: int):
    """A compiled training step as a function without arguments."""
    penalty = functools.partial(
        GradientPenalty, target=0.0, weight=1.0, finite_difference=finite_difference
    )
    widths = {"widths": (width,) * 4}
    gan = GAN(
        SHAPE,
        generator=functools.partial(r3gan.generator, **widths),
        discriminator=functools.partial(r3gan.discriminator, **widths),
        objectives=[Relativistic(), *(penalty(at, name=at.__name__) for at in points)],
        latents=Normal(64),
    )
    images = np.random.default_rng(0).integers(0, 256, [batch, gan.slices, *SHAPE])
    data = tf.constant(images.astype(np.uint8))
    return tf.function(lambda: gan.train_step((data,)), autograph=False)


def cpu_seconds(step, times: int) -> float:
    """Of all threads, for running a step so many times."""
    start = time.process_time()
    for _ in range(times):
        step()
    return time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PENALTIES, help="one of the two sets of penalties")
    parser.add_argument("--width", type=int, default=64, help="channels of all stages; k * 8")
    parser.add_argument("--batch", type=int, default=16, help="reals of an update")
    parser.add_argument("--rounds", type=int, default=5, help="how often both are timed")
    parser.add_argument("--times", type=int, default=3, help="steps in a round")
    arguments = parser.parse_args()
    numbers = (arguments.width, arguments.batch, arguments.rounds, arguments.times)
    if min(numbers) < 1 or arguments.width % 8:
        parser.error("all numbers must be at least 1, and --width a multiple of 8")
    for name in [arguments.only] if arguments.only else PENALTIES:
        points = PENALTIES[name]
        sides = [make_step(points, e, arguments.width, arguments.batch) for e in (None, 0.01)]
        graphs = [step.get_concrete_function().graph for step in sides]
        counts = [products(graph).total() for graph in graphs]
        for step in sides:
            step()
        rounds = [
            [cpu_seconds(step, arguments.times) for step in sides] for _ in range(arguments.rounds)
        ]
        ratios = [exact / approximated for exact, approximated in rounds]
        found = statistics.median(ratios)
        seconds = [statistics.median(side) / arguments.times for side in zip(*rounds, strict=True)]
        print(
            f"{name:8} multiply-adds {counts[0] / counts[1]:.2f} times; exact {seconds[0]:.2f}, "
            f"approximated {seconds[1]:.2f} CPU-seconds a step: {found:.2f} times "
            f"({min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
