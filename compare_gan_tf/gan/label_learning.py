"""Methods of a classifier that generates labels: values for `AdversarialClassifier.method`.

Hjelm et al. (2018), section 4.1:

  CrossEntropy     -log g(y | x) of the data's label y: the baseline, without D
  SampledLabels    hard labels and a gradient estimator of `objectives.discrete`, with any loss of D
  RelaxedLabels    D sees the probabilities g(. | x), and g has their gradient, as in WGAN
"""

from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.gan.alphabets import Categorical
from compare_gan_tf.objectives.boundary_seeking import follow_log_z
from compare_gan_tf.objectives.discrete import Estimator, importance
from compare_gan_tf.objectives.losses import (
    LogRatioLoss,
    Loss,
    as_losses,
    non_saturating,
    wasserstein,
)
from compare_gan_tf.settings.signatures import Decay, Number, checked

Several = Annotated[int, Number(least=2, whole=True)]


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
        """The loss of g, a scalar; see `SampledLabels.loss`."""
        return -tf.reduce_mean(labels.log_probability(logits, real))


@gin.register(module="adversarial_classification")
class SampledLabels:
    """D sees hard labels; an estimator of M labels per image gives the gradient of g.

    Args:
      d_loss: loss of D whose best logits are log ratios, see `objectives.losses`:
        `non_saturating`, or `f_gan` with @log_ratio under any f-divergence.
      estimator: `importance` or `reinforce`, see `objectives.discrete`.
      samples: M, 2 or more.
      log_z_decay: of the running log Z, the baseline of `reinforce`, in [0, 1).
    """

    plays = True

    @checked
    def __init__(
        self,
        d_loss: LogRatioLoss = non_saturating,
        estimator: Estimator = importance,
        samples: Several = 20,
        log_z_decay: Decay = 0.995,
    ):
        self.d_loss = as_losses(d_loss)
        self.estimator = estimator
        self.samples = samples
        self.log_z_decay = log_z_decay
        self.log_z = tf.Variable(0.0, trainable=False, name="log_z")

    def fakes(self, logits, noise, labels):
        """Draws one-hot labels [n, M, K] from logits [n, K]."""
        uniforms = noise.uniform("labels", [logits.shape[0], self.samples])
        return tf.stop_gradient(labels.draw(logits[:, tf.newaxis], uniforms))

    def loss(self, logits, real, score, noise, labels):
        """The loss of g, a scalar.

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
        """Updates the running log Z, once in each update of D."""
        follow_log_z(self.log_z, self.log_z_decay, fake_logits)


@gin.register(module="adversarial_classification")
class RelaxedLabels:
    """D sees the probabilities g(. | x), and the gradient of D's loss flows through them to g.

    Args:
      d_loss: the loss of both players, see `objectives.losses`.
    """

    plays = True

    @checked
    def __init__(self, d_loss: Loss = wasserstein):
        self.d_loss = as_losses(d_loss)

    def fakes(self, logits, noise, labels):
        """Probabilities [n, 1, K]."""
        return labels.probabilities(logits)[:, tf.newaxis]

    def loss(self, logits, real, score, noise, labels):
        """The loss of g, a scalar; see `SampledLabels.loss`."""
        fake = score(self.fakes(logits, noise, labels))
        return tf.reduce_mean(self.d_loss(tf.zeros([0]), tf.reshape(fake, [-1])).generator)

    def update(self, fake_logits):
        """Does nothing: there is no state."""
