"""The training of gin_configs/quickstart.gin as a bare loop over one tf.function; nothing of ours.

A class-conditional GAN on scikit-learn's digits: non-saturating loss with R1, Adam, the generator
averaged with its batch-norm statistics. It is written for speed: the data lie
in memory and one call of the function trains an epoch. It writes no checkpoints, logs or pictures.

  python benchmarks/bare_loop.py 54 1044

trains for 1044 steps and prints the CPU-seconds of all threads from step 54 on, as JSON. Both are
multiples of the 18 steps of an epoch.
"""

import argparse
import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

BATCH, LATENT, CLASSES, UNITS, TRAIN = 64, 32, 10, 256, 1197
R1_WEIGHT, EMA_DECAY, EMA_START = 0.3, 0.99, 500
EPOCH = TRAIN // BATCH  # steps


def load():
    """Returns (images uint8 [1197, 8, 8, 1], labels int32 [1197])."""
    counts, labels = load_digits(return_X_y=True)
    images = np.floor(counts * (255 / 16) + 0.5).astype(np.uint8).reshape(-1, 8, 8, 1)
    return tf.constant(images[:TRAIN]), tf.constant(labels[:TRAIN], tf.int32)


class Dense(tf.Module):
    """x kernel + bias."""

    def __init__(self, size_in, size_out):
        super().__init__()
        kernel = keras.initializers.GlorotUniform()((size_in, size_out))
        self.kernel = keras.Variable(kernel)
        self.bias = keras.Variable(tf.zeros([size_out]))
        self.weights = [self.kernel, self.bias]

    def __call__(self, x):
        return tf.nn.bias_add(tf.matmul(x, self.kernel.value), self.bias.value)


class BatchNorm(tf.Module):
    """Batch normalisation; the moving statistics follow only where `learn` says so."""

    def __init__(self, size, momentum=0.9, epsilon=1e-5):
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.gamma, self.beta = (keras.Variable(x) for x in (tf.ones([size]), tf.zeros([size])))
        self.mean, self.variance = (tf.Variable(x) for x in (tf.zeros([size]), tf.ones([size])))
        self.weights = [self.gamma, self.beta]
        self.statistics = [self.mean, self.variance]

    def __call__(self, x, learn):
        mean, variance = tf.nn.moments(x, [0])
        if learn:
            self.mean.assign_sub((1.0 - self.momentum) * (self.mean - mean))
            self.variance.assign_sub((1.0 - self.momentum) * (self.variance - variance))
        return tf.nn.batch_normalization(
            x, mean, variance, self.beta.value, self.gamma.value, self.epsilon
        )


class Generator(tf.Module):
    """z and label -> dense, batch norm, ReLU, twice -> an image."""

    def __init__(self):
        super().__init__()
        self.dense = [Dense(LATENT + CLASSES, UNITS), Dense(UNITS, UNITS), Dense(UNITS, 64)]
        self.norm = [BatchNorm(UNITS), BatchNorm(UNITS)]
        self.weights = [w for layer in self.dense + self.norm for w in layer.weights]
        self.statistics = [s for layer in self.norm for s in layer.statistics]

    def __call__(self, z, labels, learn):
        x = tf.concat([z, tf.one_hot(labels, CLASSES)], 1)
        for dense, norm in zip(self.dense[:2], self.norm, strict=True):
            x = tf.nn.relu(norm(dense(x), learn))
        return tf.tanh(tf.reshape(self.dense[2](x), [-1, 8, 8, 1]))


class Discriminator(tf.Module):
    """Image and label -> dense, leaky ReLU, twice -> a logit."""

    def __init__(self):
        super().__init__()
        self.dense = [Dense(64 + CLASSES, UNITS), Dense(UNITS, UNITS), Dense(UNITS, 1)]
        self.weights = [w for layer in self.dense for w in layer.weights]

    def __call__(self, images, labels):
        x = tf.concat([tf.reshape(images, [-1, 64]), tf.one_hot(labels, CLASSES)], 1)
        for dense in self.dense[:2]:
            x = tf.nn.leaky_relu(dense(x), 0.2)
        return tf.reshape(self.dense[2](x), [-1])


def make_step():
    """Makes the players; returns the function of one training step, (images, labels) -> losses."""
    generator, discriminator = Generator(), Discriminator()
    state = [w.value for w in generator.weights] + generator.statistics
    average = [tf.Variable(value) for value in state]
    g_adam, d_adam = (keras.optimizers.Adam(1e-3, 0.5, 0.999, 1e-8) for _ in range(2))
    g_adam.build(generator.weights)
    d_adam.build(discriminator.weights)
    step = tf.Variable(0, dtype=tf.int64)

    def draw(learn):
        labels = tf.random.uniform([BATCH], maxval=CLASSES, dtype=tf.int32)
        return generator(tf.random.normal([BATCH, LATENT]), labels, learn), labels

    def train_discriminator(real, real_labels):
        fake, fake_labels = draw(learn=False)
        with tf.GradientTape() as tape:
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                inner.watch(real)
                real_logits = discriminator(real, real_labels)
            slopes = inner.gradient(real_logits, real)
            fake_logits = discriminator(fake, fake_labels)
            loss = tf.reduce_mean(tf.nn.softplus(-real_logits))
            loss += tf.reduce_mean(tf.nn.softplus(fake_logits))
            loss += R1_WEIGHT * tf.reduce_mean(tf.reduce_sum(tf.square(slopes), [1, 2, 3]))
        weights = discriminator.weights
        d_adam.apply(tape.gradient(loss, [w.value for w in weights]), weights)
        return loss

    def train_generator():
        weights = [w.value for w in generator.weights]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            fake, labels = draw(learn=True)
            loss = tf.reduce_mean(tf.nn.softplus(-discriminator(fake, labels)))
        g_adam.apply(tape.gradient(loss, weights), generator.weights)
        return loss

    def train_step(images, labels):
        real = tf.cast(images, tf.float32) / 127.5 - 1.0
        losses = train_discriminator(real, labels), train_generator()
        step.assign_add(1)
        rate = tf.where(step >= EMA_START, 1.0 - EMA_DECAY, 1.0)
        for mean, value in zip(average, state, strict=True):
            mean.assign_sub(rate * (mean - value))
        return losses

    return train_step


def make_epoch(train_step, images, labels):
    """Returns the tf.function that trains an epoch, in a new order each time."""

    @tf.function
    def train_epoch():
        order = tf.random.shuffle(tf.range(TRAIN))[: EPOCH * BATCH]
        order = tf.reshape(order, [EPOCH, BATCH])
        d_loss = g_loss = 0.0
        for index in tf.range(EPOCH):
            rows = order[index]
            d_loss, g_loss = train_step(tf.gather(images, rows), tf.gather(labels, rows))
        return d_loss, g_loss

    return train_epoch


def main(first: int, last: int):
    train_epoch = make_epoch(make_step(), *load())
    for step in range(EPOCH, last + 1, EPOCH):
        d_loss, g_loss = train_epoch()
        print(f"step {step}: D {d_loss:.3f} G {g_loss:.3f}", file=sys.stderr)
        if step == first:
            start = time.process_time()
    print(json.dumps({"steps": step - first, "cpu_seconds": time.process_time() - start}))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("first", type=int, nargs="?", default=54, help="step that is timed from")
    parser.add_argument("last", type=int, nargs="?", default=1044, help="the last step")
    steps = parser.parse_args()
    if not 0 < steps.first < steps.last or steps.first % EPOCH or steps.last % EPOCH:
        parser.error(f"first and last must be multiples of {EPOCH} above 0, last the larger one")
    return steps


if __name__ == "__main__":
    main(**vars(parse()))
