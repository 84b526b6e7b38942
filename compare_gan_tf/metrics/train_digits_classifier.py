"""Trains the classifier of digits whose weights ship with the package.

    python -m compare_gan_tf.metrics.train_digits_classifier --output=digits_classifier.npz

It sees the train split only. The same command on the same machine and TensorFlow writes the same
bytes; another processor rounds differently, so a new file needs its SHA-256 in `features.py`.
"""

import argparse
import hashlib
import io
import os
import sys

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf import data
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import features

SEED = 1797
EPOCHS = 120
BATCH_SIZE = 64
LEARNING_RATE = 2e-3
DROPOUT = 0.3


def images_sha256(images: np.ndarray) -> str:
    """SHA-256 of uint8 images; the weights file names the training images by it."""
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()


def _augmentation() -> keras.Sequential:
    """Small changes of pose that leave a digit the same digit."""
    options = {"fill_mode": "constant", "fill_value": 0.0}
    return keras.Sequential(
        [
            keras.layers.RandomRotation(0.03, seed=SEED, **options),
            keras.layers.RandomTranslation(0.09, 0.09, seed=SEED, **options),
            keras.layers.RandomZoom(0.1, 0.1, seed=SEED, **options),
        ]
    )


def train(images: np.ndarray, labels: np.ndarray, *, epochs: int = EPOCHS) -> keras.Model:
    """Fits the network of `features.digits_model`.

    Args:
      images: uint8 [n, 8, 8, 1].
      labels: int32 [n].
      epochs: passes over the images; the learning rate falls to 0 along a cosine.
    """
    keras.utils.set_random_seed(SEED)
    model = features.digits_model(dropout=DROPOUT)
    steps = epochs * -(-len(images) // BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    inputs = keras.Input(features.DIGITS_SHAPE, name="images")
    classifier = keras.Model(inputs, model(_augmentation()(inputs))[1])
    classifier.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    pixels = images.astype(np.float32)
    classifier.fit(pixels, labels, batch_size=BATCH_SIZE, epochs=epochs, verbose=2)
    return model


def npz_bytes(model: keras.Model, train_images: np.ndarray) -> bytes:
    """The weights file: arrays by name, and the SHA-256 of the images they were fitted to."""
    buffer = io.BytesIO()
    arrays = features.weight_arrays(model)
    np.savez(buffer, train_images_sha256=np.array(images_sha256(train_images)), **arrays)
    return buffer.getvalue()


def report(model: keras.Model, name: str, split: data.Split) -> str:
    """One line: accuracy, and the share of images given more than 0.9."""
    probabilities = features.DigitsClassifier(model, "").classify(split.images)
    accuracy = np.mean(probabilities.argmax(axis=1) == split.labels)
    confident = np.mean(probabilities.max(axis=1) > 0.9)
    return f"{name}: accuracy {accuracy:.2%}, above .9: {confident:.2%}"


def main(arguments: list[str]) -> None:
    """Trains, writes the weights, and prints their SHA-256 and how good they are."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", required=True, help="npz file to write")
    output = parser.parse_args(arguments).output
    splits = data.load("digits").splits
    tf.config.experimental.enable_op_determinism()
    model = train(splits["train"].images, splits["train"].labels)
    content = npz_bytes(model, splits["train"].images)
    partial = f"{output}.{os.getpid()}.partial"
    try:
        with tf.io.gfile.GFile(partial, "wb") as file:
            file.write(content)
        tf.io.gfile.rename(partial, output, overwrite=True)
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {output}: choose a writable folder") from error
    for name, split in splits.items():
        print(report(model, name, split))
    print(f"{output}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"error: {error}")
