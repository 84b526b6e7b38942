"""Classification accuracy scores: of a classifier trained on fakes, and of one tested on fakes.

GAN-train and GAN-test: Shmelkov, Schmid and Alahari, How good is my GAN?, 2018, section 3; the
former is the classification accuracy score of Ravuri and Vinyals, 2019.
"""

import dataclasses
from collections.abc import Callable
from typing import Annotated, ClassVar

import gin
import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.metrics import estimates
from compare_gan_tf.metrics.base import (
    Collected,
    Metric,
    UndefinedScore,
    check_rows,
)
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Count, Function, Index, Positive

_CHUNK = 512
_NAME = "ClassificationAccuracy.classifier"
_CLASSIFIER = "a function (image_shape, classes, seed) -> keras.Model such as @small_classifier"
Classifier = Annotated[Callable, Function((), 2, 0, like=_CLASSIFIER)]


@gin.configurable(module="metrics")
def small_classifier(image_shape: tuple[int, ...], classes: int, seed: int) -> keras.Model:
    """uint8 images [n, H, W, C] -> logits [n, classes]: three convolutions and a hidden layer."""
    seeds = iter(range(8 * seed, 8 * seed + 8))

    def initial():
        return keras.initializers.HeNormal(next(seeds))

    images = keras.Input(image_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(images)
    for filters, stride in ((32, 1), (64, 2), (64, 2)):
        x = keras.layers.Conv2D(
            filters, 3, stride, padding="same", activation="relu", kernel_initializer=initial()
        )(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(128, activation="relu", kernel_initializer=initial())(x)
    return keras.Model(images, keras.layers.Dense(classes, kernel_initializer=initial())(x))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassificationAccuracy(Metric):
    """Accuracies of classifiers trained on one side and tested on the other.

    `gan_train` is trained on the fakes under their labels and tested on the reals; bad images and
    missing images lower it. `gan_test` is trained on the reals and tested on the fakes; only bad
    images lower it, and memorised images raise it. Published numbers are of fully trained ResNets;
    numbers of a small network compare only with each other. Wilson's intervals have the spread of
    the tested samples, not that of the training.

    Attributes:
      classifier: (image_shape, classes, seed) -> keras.Model from uint8 images to logits.
      steps: training steps, each on `batch_size` images.
      batch_size: images per step; they come from random permutations of all images.
      learning_rate: of Adam, with a cosine decay to 0.
      seed: of the weights and of the permutations.
    """

    name: ClassVar[str] = "cas"
    needs: ClassVar[dict] = {"real": ("images", "labels"), "fake": ("images", "labels")}
    scores: ClassVar[dict] = {"gan_train": True, "gan_test": True}
    enough: ClassVar[dict] = {"real": 1_000, "fake": 1_000}

    classifier: Classifier = small_classifier
    steps: Count = 2_000
    batch_size: Count = 128
    learning_rate: Positive = 1e-3
    seed: Index = 0

    def __call__(self, real, fake):
        classes = max(_classes(real, "real samples"), _classes(fake, "fakes"))
        if classes < 2:
            raise UndefinedScore("all labels are 0: there is nothing to classify")
        return {
            "gan_train": self._accuracy(fake, real, classes),
            "gan_test": self._accuracy(real, fake, classes),
        }

    def _accuracy(self, train: Collected, test: Collected, classes: int):
        shapes = train.images.shape[1:], test.images.shape[1:]
        if shapes[0] != shapes[1]:
            raise UndefinedScore(f"images of {shapes[0]} and {shapes[1]} share no classifier")
        model = self._model(shapes[0], classes)
        self._train(model, train)
        hits = 0
        for start in range(0, len(test.images), _CHUNK):
            stop = min(start + _CHUNK, len(test.images))
            logits = model(tf.constant(test.images.between(start, stop)), training=False)
            found = tf.argmax(logits, axis=1).numpy()
            hits += int(np.sum(found == test.labels.between(start, stop)))
        return estimates.share(hits, len(test.images))

    def _model(self, shape: tuple[int, ...], classes: int) -> keras.Model:
        """The classifier, tried on images of a shape."""
        model = kinds.tried(_NAME, self.classifier, shape, classes, self.seed, like=_CLASSIFIER)
        images = tf.zeros([2, *shape], tf.uint8)
        logits = model(images) if isinstance(model, keras.Model) else model
        kinds.require_shape(_NAME, self.classifier, logits, (2, classes), like=_CLASSIFIER)
        return model

    def _train(self, model: keras.Model, side: Collected) -> None:
        rate = keras.optimizers.schedules.CosineDecay(self.learning_rate, self.steps)
        optimizer = keras.optimizers.Adam(rate, epsilon=1e-8)
        optimizer.build(model.trainable_variables)

        @tf.function(reduce_retracing=True)
        def step(images, labels):
            with tf.GradientTape() as tape:
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                    labels, model(images, training=True)
                )
                loss = tf.reduce_mean(losses)
            slopes = tape.gradient(loss, [v.value for v in model.trainable_variables])
            optimizer.apply(slopes, model.trainable_variables)

        for indices in self._batches(len(side.images)):
            step(tf.constant(side.images.take(indices)), tf.constant(side.labels.take(indices)))

    def _batches(self, number: int):
        """Yields indices [batch_size] for each step, from successive random permutations."""
        rng = np.random.default_rng(self.seed)
        rest = np.empty(0, np.int64)
        for _ in range(self.steps):
            while len(rest) < self.batch_size:
                rest = np.concatenate([rest, rng.permutation(number)])
            yield rest[: self.batch_size]
            rest = rest[self.batch_size :]


def _classes(side: Collected, what: str) -> int:
    """1 + the greatest label of a side."""
    check_rows(side.images, least=1, what=f"images of the {what}")
    if len(side.labels) != len(side.images):
        raise UndefinedScore(f"{len(side.images)} images and {len(side.labels)} labels of {what}")
    greatest = 0
    for labels in side.labels.chunks():
        if labels.min() < 0:
            raise UndefinedScore(f"some of the {what} are unlabelled (-1)")
        greatest = max(greatest, int(labels.max()))
    return 1 + greatest
