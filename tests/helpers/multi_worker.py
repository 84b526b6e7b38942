"""Trains a GAN for three steps by SGD, as one of the workers or alone; run by test_multi_worker.py.

Usage: multi_worker.py OUTPUT.npz
"""

import sys

import numpy as np
import replicas
import tensorflow as tf

from compare_gan_tf.gan import distribution
from compare_gan_tf.layers import batch_norm

# One of each that computes over the global batch in a way of its own: the mean of the logits, the
# best of all fakes, a penalty of second order, a moving average of D's logits, means of features.
OBJECTIVES = ("average_margin_hinge", "top_k", "between", "lecam", "feature_matching")


def make():
    """A GAN with ADA and APA, batch norm and spectral norm in both players' passes, and an EMA."""
    names = dict.fromkeys(["non_saturating", *OBJECTIVES])
    return replicas._gan(names, lambda: {"augment": replicas._augmentation()}, d_norm=batch_norm)


def main():
    strategy = distribution.get_strategy("auto")
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # half the time
    np.savez(sys.argv[1], **replicas.train(strategy, make, replicas.images()))


if __name__ == "__main__":
    main()
