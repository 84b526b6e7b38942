"""Trains a run in two parts, on one and on two replicas; run by test_mirrored_run.py.

Usage: mirrored_run.py FOLDER
"""

import sys

import catalogue
import numpy as np
import strategies
import tensorflow as tf

from compare_gan_tf import data, objectives, training
from compare_gan_tf.runs import checkpoints


def model(sample_shape, num_classes, seed):
    return catalogue.make_gan([objectives.Adversarial()], sample_shape, num_classes)


def main():
    for replicas, strategy in strategies.one_and_two().items():
        train(f"{sys.argv[1]}/{replicas}", strategy)


def train(folder: str, strategy: tf.distribute.Strategy):
    settings = dict(dataset=data.load("digits"), model=model, strategy=strategy, batch_size=8)
    settings |= dict(checkpoint_every=2, log_every=2, sample_every=2, steps_per_execution=2)
    training.train(folder, training_steps=4, **settings)
    gan = training.train(folder, training_steps=6, **settings)
    assert checkpoints.list_steps(folder) == [0, 2, 4, 6]
    assert gan.sample(3, [0, 1]).shape == (3, 8, 8, 1)
    kernels = [v.numpy().reshape(-1) for v in gan.generator.trainable_variables]
    np.save(f"{folder}/kernels.npy", np.concatenate(kernels))
    assert tf.io.gfile.exists(f"{folder}/TRAIN_DONE")


if __name__ == "__main__":
    main()
