"""Adversarial classification: a classifier trained as a conditional generator of labels.

Hjelm et al. (2018), section 4.1. The classifier g(y | x) is G, its sample a label y of the image x;
D sees pairs of images and labels and tells those of the data from those that g made. How g learns
is a value:

  CrossEntropy     -log g(y | x) of the data's label: the baseline, without D
  SampledLabels    hard labels and an estimator of `objectives.discrete`, under any loss of D
  RelaxedLabels    D sees the probabilities g(. | x), and their gradient teaches g: WGAN's way

A model of its own, not a `GAN`: its data are labels and its condition images, and what it makes is
scored by its accuracy.
"""

from collections.abc import Callable

import gin
import keras
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.architectures import classifiers
from compare_gan_tf.data import Dataset, Split, pipeline
from compare_gan_tf.data.images import from_uint8
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan.alphabets import Categorical
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.objectives.boundary_seeking import follow_log_z
from compare_gan_tf.objectives.discrete import importance
from compare_gan_tf.objectives.losses import (
    as_losses,
    non_saturating,
    require_log_ratios,
    require_loss,
    wasserstein,
)
from compare_gan_tf.optimizers import adam
from compare_gan_tf.settings import kinds

_CHUNK = 500  # images that are classified at once
_STEPS_TOGETHER = 50
_ESTIMATOR = "a function of `estimators` such as @importance"


class Labels(Categorical):
    """One of `num_classes` labels, one-hot [..., num_classes]."""

    def __init__(self, num_classes: int):
        super().__init__()
        self.player_shape = (num_classes,)
        self.draw_shape = ()


@gin.register(module="adversarial_classification")
class CrossEntropy:
    """-log g(y | x) of the data's label y."""

    plays = False

    def loss(self, logits, real, score, noise, labels):
        """Of g, a scalar; see `SampledLabels.loss`."""
        return -tf.reduce_mean(labels.log_probability(logits, real))


@gin.register(module="adversarial_classification")
class SampledLabels:
    """D sees hard labels; g learns by an estimator from M of them for each image.

    Args:
      d_loss: of D, see `objectives.losses`, so that its logits are log ratios:
        `non_saturating`, or `f_gan` with @log_ratio under any f-divergence.
      estimator: `importance` or `reinforce`, see `objectives.discrete`.
      samples: M.
      log_z_decay: of the running log Z, the baseline of `reinforce`.
    """

    plays = True

    def __init__(
        self,
        d_loss=non_saturating,
        estimator=importance,
        samples: int = 20,
        log_z_decay: float = 0.995,
    ):
        require_loss("SampledLabels.d_loss", d_loss)
        require_log_ratios("SampledLabels.d_loss", d_loss)
        kinds.require_function("SampledLabels.estimator", estimator, 0, 0, 0, like=_ESTIMATOR)
        kinds.require_number("SampledLabels.samples", samples, least=2, whole=True)
        kinds.require_number("SampledLabels.log_z_decay", log_z_decay, least=0, below=1)
        self.d_loss = as_losses(d_loss)
        self.estimator = estimator
        self.samples = samples
        self.log_z_decay = log_z_decay
        self.log_z = tf.Variable(0.0, trainable=False, name="log_z")

    def fakes(self, logits, noise, labels):
        """Labels one-hot [n, M, K] drawn from logits [n, K]."""
        uniforms = noise.uniform("labels", [logits.shape[0], self.samples])
        return tf.stop_gradient(labels.draw(logits[:, tf.newaxis], uniforms))

    def loss(self, logits, real, score, noise, labels):
        """Of g, a scalar.

        Args:
          logits: of g, [n, K].
          real: the data's labels, one-hot [n, K].
          score: D's logits [n, M] of labels [n, M, K].
          noise: `random.Noise` of the update.
          labels: a `Labels`.
        """
        drawn = self.fakes(logits, noise, labels)
        ratios = tf.stop_gradient(score(drawn))
        coefficients = self.estimator(ratios, tf.convert_to_tensor(self.log_z), tf.identity)
        log_probabilities = labels.log_probability(logits[:, tf.newaxis], drawn)
        return -tf.reduce_mean(tf.reduce_sum(coefficients * log_probabilities, 1))

    def update(self, fake_logits):
        """Follows log Z, once in each update of D."""
        follow_log_z(self.log_z, self.log_z_decay, fake_logits)


@gin.register(module="adversarial_classification")
class RelaxedLabels:
    """D sees the probabilities g(. | x), through which g has D's gradient.

    Args:
      d_loss: of both players, see `objectives.losses`.
    """

    plays = True

    def __init__(self, d_loss=wasserstein):
        require_loss("RelaxedLabels.d_loss", d_loss)
        self.d_loss = as_losses(d_loss)

    def fakes(self, logits, noise, labels):
        """Probabilities [n, 1, K]."""
        return labels.probabilities(logits)[:, tf.newaxis]

    def loss(self, logits, real, score, noise, labels):
        """Of g, a scalar; see `SampledLabels.loss`."""
        fake = score(self.fakes(logits, noise, labels))
        return tf.reduce_mean(self.d_loss(tf.zeros([0]), tf.reshape(fake, [-1])).generator)

    def update(self, fake_logits):
        """There is no state."""


_METHOD = "a way to learn such as @SampledLabels()"


def _is_method(value) -> bool:
    return hasattr(value, "plays")


@gin.register(module="adversarial_classification")
class AdversarialClassifier(keras.Model):
    """The game; `fit` takes (images uint8 [n, d_steps, H, W, C], labels int32 [n, d_steps]).

    Args:
      image_shape: (height, width, channels).
      num_classes: of the labels.
      seed: of all noise; initial weights follow Keras' global seed.
      classifier: function (image_shape, num_classes) -> g, see `classifiers`.
      discriminator: function (image_shape, num_classes) -> D.
      method: `SampledLabels()`, `RelaxedLabels()`, or `CrossEntropy()`, which leaves D unused.
      penalty: weight of the mean squared gradient of D's logit by the real image; 0 for none.
      clip: each variable of D is clipped to [-clip, clip] after its updates; None for not.
      d_steps: D updates per step, each on images of its own.
      g_optimizer, d_optimizer: Keras optimisers, one each; None for `adam()`.
    """

    def __init__(
        self,
        image_shape,
        num_classes: int,
        seed: int = 0,
        *,
        classifier: Callable = classifiers.classifier,
        discriminator: Callable = classifiers.discriminator,
        method,
        penalty: float = 0.0,
        clip: float | None = None,
        d_steps: int = 1,
        g_optimizer=None,
        d_optimizer=None,
    ):
        super().__init__(name="adversarial_classifier")
        kinds.require_number("AdversarialClassifier.penalty", penalty, least=0)
        kinds.require_number("AdversarialClassifier.d_steps", d_steps, least=1, whole=True)
        if clip is not None:
            kinds.require_number("AdversarialClassifier.clip", clip, above=0)
        kinds.require_made("AdversarialClassifier.method", method, _is_method, like=_METHOD)
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
        """The share of images whose most probable label is theirs."""
        hits = 0
        for start in range(0, len(split), _CHUNK):
            part = split.subset(range(start, min(start + _CHUNK, len(split))))
            logits = self.classifier(from_uint8(part.images[:]), training=False)
            hits += int(tf.reduce_sum(tf.cast(tf.argmax(logits, 1) == part.labels, tf.int32)))
        return hits / len(split)


@gin.configurable(module="adversarial_classification", denylist=["dataset", "ready"])
def classify(
    dataset: Dataset,
    *,
    model: Callable = AdversarialClassifier,
    steps: int = 1_000,
    batch_size: int = 64,
    seed: int = 0,
    ready: Callable[[], None] = lambda: None,
) -> AdversarialClassifier:
    """Trains a classifier on the split "train" of labelled images.

    Args:
      dataset: of images with labels.
      model: `AdversarialClassifier`, with all but its first three arguments bound.
      steps: updates of g; a multiple of 50.
      batch_size: images of an update.
      seed: of weights, order and noise.
      ready: called when all is made, before the first update.

    Raises:
      UserError: the data has no labels, or not one for each image; bad settings.
    """
    if not dataset.num_classes or not dataset.is_images:
        raise UserError(f"{dataset.name} has no labelled images: set data.load.name to such a set")
    labels = dataset.splits["train"].labels
    if labels.ndim != 1 or (labels < 0).any():
        raise UserError(f"{dataset.name} has soft or missing labels: remove data.load.labels")
    kinds.require_number("classify.batch_size", batch_size, least=1, whole=True)
    kinds.require_number("classify.steps", steps, least=_STEPS_TOGETHER, whole=True)
    if steps % _STEPS_TOGETHER:
        raise UserError(f"classify.steps = {steps}: it must be a multiple of {_STEPS_TOGETHER}")
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
