"""The cost of a training step beside the sum of the passes that its mathematics needs.

For every architecture, with the non-saturating loss alone and with a gradient penalty (WGAN-GP's
points), compares one `GAN.train_step` with its bare passes, each timed as a `tf.function` of its
own: G forward for D's fakes; D forward and backward on reals and fakes, and twice at the penalty's
points; G forward, D forward, and backward to G's weights. The passes hold no optimiser, no noise,
no logs and no EMA, the step holds all but the EMA. In turn, step and passes; prints the ratio of
CPU-seconds, the median over the rounds. Exits with 1 if one is above 1.15 and not in EXPLAINED.

  python benchmarks/step_cost.py --only=sndcgan,biggan
"""

import argparse
import functools
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf

from compare_gan_tf import GAN, Normal
from compare_gan_tf.architectures import (
    biggan,
    biggan_deep,
    dcgan,
    infogan,
    maxout,
    mlp,
    r3gan,
    resnet5,
    resnet30,
    resnet_cifar,
    resnet_stl,
    sagan,
    sndcgan,
)
from compare_gan_tf.layers import batch_norm
from compare_gan_tf.objectives import Adversarial, GradientPenalty

LIMIT = 1.15
# {name: (module, image side, settings of both players, of G, batch)}: published networks, narrower,
# and ResNet30 with one block a stage, for TensorFlow takes minutes to trace five.
CASES = {
    "mlp": (mlp, 28, {"units": 512}, {"norm": batch_norm}, 128),
    "maxout": (maxout, 28, {}, {}, 64),
    "infogan": (infogan, 28, {}, {}, 32),
    "dcgan": (dcgan, 32, {}, {}, 32),
    "sndcgan": (sndcgan, 32, {"width": 32}, {}, 32),
    "resnet_cifar": (resnet_cifar, 32, {"width": 32}, {}, 8),
    "resnet_stl": (resnet_stl, 48, {"width": 8}, {}, 8),
    "resnet5": (resnet5, 32, {"width": 8}, {}, 8),
    "resnet30": (resnet30, 32, {"width": 8, "depth": 1}, {}, 8),
    "sagan": (sagan, 32, {"ch": 16}, {}, 8),
    "biggan": (biggan, 32, {"ch": 16}, {}, 8),
    "biggan_deep": (biggan_deep, 32, {"ch": 16}, {}, 8),
    "r3gan": (r3gan, 32, {"widths": (16, 16, 16, 16)}, {}, 8),
}
EXPLAINED = {"maxout": "Adam moves 3.7 million weights, which 64 images of 28 x 28 hardly use"}


def make_gan(name: str, penalty: bool) -> GAN:
    """The case's GAN, with Adam for both players."""
    module, side, both, of_generator, _ = CASES[name]
    objectives = [Adversarial()] + ([GradientPenalty()] if penalty else [])
    return GAN(
        (side, side, 1 if side == 28 else 3),
        generator=functools.partial(module.generator, **both, **of_generator),
        discriminator=functools.partial(module.discriminator, **both),
        objectives=objectives,
        latents=Normal(128),
    )


def passes(gan: GAN, images, penalty: bool) -> list:
    """The bare passes of one step, as functions without arguments."""
    generator, discriminator = gan.generator, gan.discriminator
    z = tf.random.normal([len(images), gan.latents.dim])
    fakes = tf.Variable(generator({"z": z}, training=True))

    def judge(x):
        return discriminator({"images": x}, training=True)["logits"]

    def forward():
        return generator({"z": z}, training=True)

    def learn_to_discriminate():
        with tf.GradientTape() as tape:
            logits = judge(tf.concat([images, fakes], 0))
            loss = tf.reduce_mean(tf.math.softplus(logits))
        return tape.gradient(loss, [v.value for v in discriminator.trainable_variables])

    def learn_to_generate():
        weights = [v.value for v in generator.trainable_variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            loss = tf.reduce_mean(tf.math.softplus(-judge(generator({"z": z}, training=True))))
        return tape.gradient(loss, weights)

    def penalise():
        with tf.GradientTape() as tape:
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                inner.watch(images)
                logits = judge(images)
            slopes = inner.gradient(logits, images)
            loss = tf.reduce_mean(tf.reduce_sum(tf.square(slopes), [1, 2, 3]))
        weights = [v.value for v in discriminator.trainable_variables]
        return tape.gradient(loss, weights, unconnected_gradients="zero")

    parts = [forward, learn_to_discriminate, learn_to_generate]
    return [tf.function(part) for part in parts + ([penalise] if penalty else [])]


def cpu_seconds(functions: list, times: int) -> float:
    """Of all threads, for running each function so many times."""
    start = time.process_time()
    for function in functions:
        for _ in range(times):
            function()
    return time.process_time() - start


def ratio(name: str, penalty: bool, rounds: int, times: int) -> float:
    """CPU-seconds of the step over those of its passes, the median of the rounds."""
    gan, batch = make_gan(name, penalty), CASES[name][-1]
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, [batch, gan.slices, *gan.sample_shape]).astype(np.uint8)
    data = tf.constant(data)
    images = tf.cast(data[:, 0], tf.float32) / 127.5 - 1.0
    step = tf.function(lambda: gan.train_step((data,)))
    parts = passes(gan, images, penalty)
    for function in [step, *parts]:
        function()
    found = [cpu_seconds([step], times) / cpu_seconds(parts, times) for _ in range(rounds)]
    return statistics.median(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(CASES), help="architectures, with commas")
    parser.add_argument("--rounds", type=int, default=5, help="how often step and passes are timed")
    parser.add_argument("--times", type=int, default=10, help="steps in a round")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.times < 1:
        parser.error("--rounds and --times must be at least 1")
    names = arguments.only.split(",")
    if unknown := sorted(set(names) - set(CASES)):
        parser.error(f"--only names {unknown[0]!r}: it must be of {', '.join(CASES)}")
    slow = []
    for name in names:
        found = [ratio(name, penalty, arguments.rounds, arguments.times) for penalty in (0, 1)]
        print(f"{name:14} NS {found[0]:.2f}   NS + penalty {found[1]:.2f}", flush=True)
        if max(found) > LIMIT and name not in EXPLAINED:
            slow.append(name)
    print(f"steps over the sum of their passes, CPU-seconds; {os.cpu_count()} cores")
    for name, reason in EXPLAINED.items():
        print(f"{name}: {reason}")
    if slow:
        sys.exit(f"above {LIMIT}: {', '.join(slow)}")


if __name__ == "__main__":
    main()
