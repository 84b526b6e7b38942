"""Scores a run or two sides, slowly, and notes each metric that begins; run by test_kill.py.

Usage: killed.py run|pair FOLDER
"""

import functools
import sys
import time

import numpy as np

from compare_gan_tf import data, evaluation
from compare_gan_tf.architectures import mlp
from compare_gan_tf.evaluation import outcomes, pairs
from compare_gan_tf.gan import GAN
from compare_gan_tf.latents import Normal
from compare_gan_tf.objectives import Adversarial

NAMES = ["fid", "kid_full", "precision_recall", "authenticity"]
SECONDS = 0.3


def make_gan(dataset):
    return GAN(
        dataset.sample_shape,
        generator=functools.partial(mlp.generator, units=8, depth=1),
        discriminator=functools.partial(mlp.discriminator, units=8, depth=1),
        objectives=[Adversarial()],
        latents=Normal(4),
    )


def main():
    kind, folder = sys.argv[1:]
    original = outcomes.outcomes

    def slow(metric, *sides):
        found = original(metric, *sides)
        time.sleep(SECONDS)
        with open(f"{folder}/ended", "a") as file:
            file.write(f"{metric.name}\n")
        return found

    outcomes.outcomes = slow
    if kind == "pair":
        rng = np.random.default_rng(0)
        sides = rng.normal(size=(2, 300, 8))
        pairs.evaluate(*sides, metrics=NAMES, output=f"{folder}/scores.json")
    else:
        digits = data.load("digits")
        options = {"metrics": NAMES, "num_samples": 100}
        evaluation.evaluate(f"{folder}/run", make_gan(digits), digits, **options)
    print("done")


if __name__ == "__main__":
    main()
