"""Trains a classifier whose weights ship with the package.

    python -m compare_gan_tf.metrics.train_classifier --dataset=mnist --output=mnist_classifier.npz

It uses the train split only; no images for validation select the weights. The same command on the
same machine and TensorFlow writes the same bytes. Another processor rounds differently, so a new
file needs a new SHA-256 in `classifiers.py`.
"""

import argparse
import dataclasses
import hashlib
import io
import os
import sys

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf import data
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import classifiers, features


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a classifier is fitted.

    Attributes:
      seed: of weights, order, dropout and augmentation.
      epochs: passes over the images; the learning rate falls to 0 along a cosine.
      batch_size: images in an update.
      learning_rate: of AdamW, at first.
      weight_decay: of AdamW.
      dropout: rate before and after the features.
      rotation: largest, in turns.
      shift: largest, in widths of the image.
      zoom: largest change of size.
      mirror: whether half of the images are flipped left to right.
      storage: type of the arrays in the file.
    """

    seed: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 1e-3
    dropout: float
    rotation: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    mirror: bool = False
    storage: type = np.float16


RECIPES = {
    "digits": Recipe(
        seed=1797,
        epochs=120,
        batch_size=64,
        learning_rate=2e-3,
        dropout=0.3,
        rotation=0.03,
        shift=0.09,
        zoom=0.1,
        storage=np.float32,
    ),
    "mnist": Recipe(
        seed=1998,
        epochs=8,
        batch_size=128,
        learning_rate=2e-3,
        dropout=0.3,
        rotation=0.03,
        shift=0.07,
        zoom=0.1,
    ),
    # Clothes lie in the middle of the image, so that they are only mirrored.
    "fashion_mnist": Recipe(
        seed=2017,
        epochs=8,
        batch_size=128,
        learning_rate=2e-3,
        dropout=0.3,
        mirror=True,
    ),
}


def images_sha256(images: np.ndarray) -> str:
    """SHA-256 of uint8 images; the weights file names the training images by it."""
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()


def _augmentation(recipe: Recipe) -> keras.Sequential:
    """Small changes of pose that keep the class of an image."""
    layers, options = keras.layers, {"fill_mode": "constant", "fill_value": 0.0}
    changes = []
    if recipe.mirror:
        changes.append(layers.RandomFlip("horizontal", seed=recipe.seed))
    if recipe.rotation:
        changes.append(layers.RandomRotation(recipe.rotation, seed=recipe.seed, **options))
    if recipe.shift:
        shift = (recipe.shift, recipe.shift)
        changes.append(layers.RandomTranslation(*shift, seed=recipe.seed, **options))
    if recipe.zoom:
        zoom = (recipe.zoom, recipe.zoom)
        changes.append(layers.RandomZoom(*zoom, seed=recipe.seed, **options))
    return keras.Sequential(changes)


def train(
    network: classifiers.Network, recipe: Recipe, images: np.ndarray, labels: np.ndarray
) -> keras.Model:
    """Fits the network of `classifiers.build`.

    Args:
      network: what is fitted.
      recipe: how.
      images: uint8 [n, H, W, C].
      labels: int32 [n].

    Returns:
      The network, its weights rounded to the type that the file holds.
    """
    keras.utils.set_random_seed(recipe.seed)
    model = classifiers.build(network, dropout=recipe.dropout)
    steps = recipe.epochs * -(-len(images) // recipe.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    inputs = keras.Input(network.shape, name="images")
    classifier = keras.Model(inputs, model(_augmentation(recipe)(inputs))[1])
    classifier.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    pixels = images.astype(np.float32)
    classifier.fit(pixels, labels, batch_size=recipe.batch_size, epochs=recipe.epochs, verbose=2)
    classifiers.assign(model, _stored(model, recipe))
    return model


def _stored(model: keras.Model, recipe: Recipe) -> dict[str, np.ndarray]:
    """Its weights, of the type that the file holds."""
    arrays = classifiers.weight_arrays(model)
    return {name: array.astype(recipe.storage) for name, array in arrays.items()}


def npz_bytes(model: keras.Model, recipe: Recipe, train_images: np.ndarray) -> bytes:
    """The weights file: arrays by name, and the SHA-256 of the images they were fitted to."""
    buffer = io.BytesIO()
    arrays = _stored(model, recipe)
    np.savez(buffer, train_images_sha256=np.array(images_sha256(train_images)), **arrays)
    return buffer.getvalue()


def report(classifier: features.Classifier, name: str, images, labels) -> str:
    """One line: accuracy, and the share of images given more than 0.9."""
    parts = np.array_split(images, -(-len(images) // 500))
    probabilities = np.concatenate([classifier.classify(part) for part in parts])
    accuracy = np.mean(probabilities.argmax(axis=1) == labels)
    confident = np.mean(probabilities.max(axis=1) > 0.9)
    return f"{name}: accuracy {accuracy:.2%}, above .9: {confident:.2%}"


def _write(output: str, content: bytes) -> None:
    partial = f"{output}.{os.getpid()}.partial"
    try:
        with tf.io.gfile.GFile(partial, "wb") as file:
            file.write(content)
        tf.io.gfile.rename(partial, output, overwrite=True)
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {output}: choose a writable folder") from error


def main(arguments: list[str]) -> None:
    """Trains, writes the weights, and prints their SHA-256 and how good they are."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", choices=sorted(RECIPES), required=True)
    parser.add_argument("--data_dir", help="folder of sets prepared by tfds; its own by default")
    parser.add_argument("--output", required=True, help="npz file to write")
    asked = parser.parse_args(arguments)
    network, recipe = classifiers.NETWORKS[asked.dataset], RECIPES[asked.dataset]
    splits = data.load(asked.dataset, asked.data_dir).splits
    images = splits["train"].images[:]
    tf.config.experimental.enable_op_determinism()
    model = train(network, recipe, images, splits["train"].labels)
    content = npz_bytes(model, recipe, images)
    _write(asked.output, content)
    classifier = features.Classifier(model, network, hashlib.sha256(content).hexdigest())
    for name, split in splits.items():
        print(report(classifier, name, split.images[:], split.labels))
    print(f"{asked.output}: {len(content)} bytes, SHA-256 {classifier.weights_sha256}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"error: {error}")
