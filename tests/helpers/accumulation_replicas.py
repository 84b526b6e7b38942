"""Trains a GAN with whole batches and with micro-batches, on one and two replicas; run by
test_accumulation.py.

Usage: accumulation_replicas.py OUTPUT.npz
"""

import functools
import sys

import catalogue
import replicas
import strategies

from compare_gan_tf.architectures import mlp
from compare_gan_tf.optimizers import sgd

# Terms with and without weights, state that follows the logits, and a lazy penalty.
OBJECTIVES = ("non_saturating", "classification", "lecam", "lazy_r1", "between")
CASES = {"whole": 1, "parts": 2}


def make(accumulation: int):
    return catalogue.plain_gan(
        OBJECTIVES,
        generator=functools.partial(mlp.generator, units=6, depth=1),
        optimizer=functools.partial(sgd, learning_rate=0.1, clip_norm=0.05),
        augment=replicas._augmentation(),
        accumulation=accumulation,
    )


def train(strategy, accumulation: int):
    """The variables and the logs after three steps."""
    return replicas.train(strategy, functools.partial(make, accumulation), replicas.images())


if __name__ == "__main__":
    strategies.write(sys.argv[1], CASES, train)
