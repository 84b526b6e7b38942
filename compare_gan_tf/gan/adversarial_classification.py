"""Adversarial classification: a classifier trained as a conditional generator of labels.

Hjelm et al. (2018), section 4.1. The classifier g(y | x) is the generator: it samples a label y for
an image x. The discriminator sees pairs of an image and a label, and tells the pairs of the data
from those that g made. `label_learning` has the methods by which g learns.

This model is not a `GAN`: the generator makes labels under the condition of an image, and accuracy
scores it.
"""

from collections.abc import Callable
from typing import Annotated, Any

import gin
import keras
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.architectures import classifiers
from compare_gan_tf.data import Dataset, Split, pipeline
from compare_gan_tf.data.images import from_uint8
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan.label_learning import Labels
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.optimizers import Optimizer, adam
from compare_gan_tf.settings.signatures import (
    Count,
    Made,
    NotNegative,
    Number,
    Positive,
    Rule,
    checked,
)

_CHUNK = 500  # images in one forward pass of `accuracy`
_STEPS_TOGETHER = 50  # training steps in one call of the compiled function


def _is_method(value) -> bool:
    return hasattr(value, "plays")


Method = Annotated[Any, Made(_is_method, like="a way to learn such as @SampledLabels()")]


def _require_whole_rounds(name: str, steps: int) -> None:
    if steps % _STEPS_TOGETHER:
        raise UserError(f"{name} is {steps}: it must be a multiple of {_STEPS_TOGETHER}")


Steps = Annotated[int, Number(least=_STEPS_TOGETHER, whole=True), Rule(_require_whole_rounds)]


@gin.register(module="adversarial_classification")
class AdversarialClassifier(keras.Model):
    """Trains a classifier against a discriminator of pairs (image, label).

    `fit` takes batches (images uint8 [n, d_steps, H, W, C], labels int32 [n, d_steps]).

    Args:
      image_shape: (height, width, channels).
      num_classes: number of classes K.
      seed: of all noise in training; Keras' global seed decides the initial weights.
      classifier: function (image_shape, num_classes) -> g, see `classifiers`.
      discriminator: function (image_shape, num_classes) -> D.
      method: `SampledLabels()`, `RelaxedLabels()`, or `CrossEntropy()`, which leaves D unused.
      penalty: weight of the mean squared gradient of D's logit by the real image; 0 for none.
      clip: D's variables are clipped to [-clip, clip] after each update; None does not clip them.
      d_steps: D updates per training step, each on other images.
      g_optimizer, d_optimizer: a Keras optimiser for each player; None for `adam()`.
    """

    @checked
    def __init__(
        self,
        image_shape,
        num_classes: int,
        seed: int = 0,
        *,
        classifier: Callable = classifiers.classifier,
        discriminator: Callable = classifiers.discriminator,
        method: Method,
        penalty: NotNegative = 0.0,
        clip: Positive | None = None,
        d_steps: Count = 1,
        g_optimizer: Optimizer | None = None,
        d_optimizer: Optimizer | None = None,
    ):
        super().__init__(name="adversarial_classifier")
        self.method = method
        self.classifier = classifier(image_shape, num_classes)
        self.discriminator = discriminator(image_shape, num_classes)
        self.labels = Labels(num_classes)
        self.seed, self.penalty, self.clip, self.d_steps = seed, penalty, clip, d_steps
        self.g_optimizer, self.d_optimizer = g_optimizer or adam(), d_optimizer or adam()
        self.g_optimizer.build(self.classifier.trainable_variables)
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.built = True

    def train_step(self, data):
        images, labels = data
        step = tf.cast(self.g_optimizer.iterations, tf.int64)
        logs = {}
        for substep in range(self.d_steps if self.method.plays else 0):
            noise = random.Noise(self.seed, step, substep)
            logs |= self._update_discriminator(images[:, substep], labels[:, substep], noise)
        noise = random.Noise(self.seed, step, self.d_steps)
        return logs | self._update_classifier(images[:, -1], labels[:, -1], noise)

    def _prepared(self, images, labels):
        return from_uint8(images), tf.one_hot(labels, self.labels.player_shape[0])

    def _update_discriminator(self, images, labels, noise) -> dict:
        images, real = self._prepared(images, labels)
        with frozen_state():
            logits = self.classifier(images, training=True)
        fakes = tf.stop_gradient(self.method.fakes(logits, noise, self.labels))
        with tf.GradientTape() as tape:
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                inner.watch(images)
                pairs = {"images": images, "labels": tf.concat([real[:, None], fakes], 1)}
                scores = self.discriminator(pairs, training=True)
                of_real, of_fake = scores[:, 0], tf.reshape(scores[:, 1:], [-1])
            losses = self.method.d_loss(of_real, of_fake)
            loss = tf.reduce_mean(losses.real) + tf.reduce_mean(losses.fake)
            if self.penalty:
                slopes = tf.reshape(inner.gradient(of_real, images), [images.shape[0], -1])
                squares = tf.reduce_sum(tf.square(slopes), 1)
                loss += self.penalty * tf.reduce_mean(squares)
        self._apply(self.d_optimizer, tape, loss, self.discriminator)
        self.method.update(of_fake)
        if self.clip:
            for variable in self.discriminator.trainable_variables:
                variable.assign(tf.clip_by_value(variable, -self.clip, self.clip))
        return {"discriminator/loss": loss}

    def _update_classifier(self, images, labels, noise) -> dict:
        images, real = self._prepared(images, labels)

        def score(drawn):
            return self.discriminator({"images": images, "labels": drawn}, training=True)

        with tf.GradientTape() as tape:
            logits = self.classifier(images, training=True)
            with frozen_state():
                loss = self.method.loss(logits, real, score, noise, self.labels)
        self._apply(self.g_optimizer, tape, loss, self.classifier)
        return {"classifier/loss": loss}

    def _apply(self, optimizer, tape, loss, player):
        weights = player.trainable_variables
        gradients = tape.gradient(loss, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        optimizer.apply(gradients, weights)

    def accuracy(self, split: Split) -> float:
        """The share of images whose most probable class is their label, in [0, 1]."""
        hits = 0
        for start in range(0, len(split), _CHUNK):
            part = split.subset(range(start, min(start + _CHUNK, len(split))))
            logits = self.classifier(from_uint8(part.images[:]), training=False)
            hits += int(tf.reduce_sum(tf.cast(tf.argmax(logits, 1) == part.labels, tf.int32)))
        return hits / len(split)


@gin.configurable(module="adversarial_classification", denylist=["dataset", "ready"])
@checked
def classify(
    dataset: Dataset,
    *,
    model: Callable = AdversarialClassifier,
    steps: Steps = 1_000,
    batch_size: Count = 64,
    seed: int = 0,
    ready: Callable[[], None] = lambda: None,
) -> AdversarialClassifier:
    """Trains a classifier on the split "train" of labelled images.

    Args:
      dataset: images with labels.
      model: `AdversarialClassifier`, with all but its first three arguments bound.
      steps: updates of g; a multiple of 50.
      batch_size: images per update.
      seed: of the weights, the order of the images and the noise.
      ready: called once everything is made, before the first update.

    Returns:
      The trained model.

    Raises:
      UserError: an image has no label or a soft one, or a setting is wrong.
    """
    if not dataset.num_classes or not dataset.is_images:
        raise UserError(f"{dataset.name} has no labelled images: set data.load.name to such a set")
    labels = dataset.splits["train"].labels
    if labels.ndim != 1 or (labels < 0).any():
        raise UserError(f"{dataset.name} has soft or missing labels: remove data.load.labels")
    keras.utils.set_random_seed(seed)
    made = model(image_shape=dataset.sample_shape, num_classes=dataset.num_classes, seed=seed)
    made.compile(optimizer=made.g_optimizer, steps_per_execution=_STEPS_TOGETHER)
    batches = pipeline.batches(
        dataset.splits["train"],
        key=random.key(seed, "shuffle"),
        batch_size=batch_size,
        slices=made.d_steps,
        start=0,
        stop=steps,
    )
    ready()
    made.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)
    return made
