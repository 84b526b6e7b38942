"""Contrastive conditioning: D's embedding of a sample is near its class and apart from others.

ContraGAN   Contrastive(conditional_contrast)   Kang and Park, 2020 (the 2C loss)
ReACGAN     Contrastive(data_to_data)           Kang et al., 2021 (D2D-CE)

Both compare samples with the proxy of their class and with the other samples of the global batch,
by cosines.
"""

__all__ = ["Contrastive"]

from collections.abc import Callable
from typing import Annotated

import gin
import keras
import tensorflow as tf

from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term
from compare_gan_tf.objectives.heads import LinearHead, on_several, require_labels
from compare_gan_tf.settings.signatures import Count, Factor, Fraction, Positive, checked
from compare_gan_tf.settings.trials import Tried, ones

Contrast = Annotated[
    Callable,
    Tried(
        ones(2),
        ones(2, 3),
        ones(2, 3) > 0,
        ones(2, 3) > 0,
        like="a function (to_proxy, to_samples, same, other) such as @data_to_data",
        gives=(2,),
    ),
]
_LEFT_OUT = -1e9  # a score whose exponential is 0


@gin.configurable(module="contrastive")
@checked
def conditional_contrast(to_proxy, to_samples, same, other, temperature: Positive = 1.0):
    """-log of the share of exp(cos / t) that the proxy and samples of the same class have (2C).

    Args:
      to_proxy: cosines of each sample and the proxy of its class, [n].
      to_samples: cosines of each sample and all samples, [n, N].
      same: whether another sample is of its class, bool [n, N].
      other: whether a sample is of another class, bool [n, N].
      temperature: t; published: 1.
    """
    proxy, samples = to_proxy[:, tf.newaxis] / temperature, to_samples / temperature
    near = tf.concat([proxy, tf.where(same, samples, _LEFT_OUT)], 1)
    every = tf.concat([proxy, tf.where(same | other, samples, _LEFT_OUT)], 1)
    return tf.reduce_logsumexp(every, 1) - tf.reduce_logsumexp(near, 1)


@gin.configurable(module="contrastive")
@checked
def data_to_data(
    to_proxy,
    to_samples,
    same,
    other,
    temperature: Positive = 0.5,
    margin: Fraction = 0.98,
):
    """-log(p / (p + sum n)): p = exp(min(cos - m, 0) / t) of the proxy, n of other classes.

    n = exp(max(cos - (1 - m), 0) / t): proxies that are near enough, and samples that are far
    enough, have no gradient (D2D-CE). m_n is 1 - m_p, as in StudioGAN.

    Args:
      to_proxy, to_samples, same, other: see `conditional_contrast`.
      temperature: t; published: 0.5 with CIFAR-10.
      margin: m = m_p in [0, 1]; published: 0.98 with CIFAR-10.
    """
    proxy = tf.minimum(to_proxy - margin, 0.0)[:, tf.newaxis] / temperature
    samples = tf.nn.relu(to_samples - (1.0 - margin)) / temperature
    every = tf.concat([proxy, tf.where(other, samples, _LEFT_OUT)], 1)
    return tf.reduce_logsumexp(every, 1) - proxy[:, 0]


@gin.register(module="objectives")
class Contrastive(Objective):
    """D pays `contrast` on reals under their labels, and G on its fakes under theirs.

    A linear head embeds D's features, and each class has a proxy; both are scaled to length 1, and
    D trains them. Samples are compared with those of the global batch. Reals without a label (-1)
    take no part. D's architecture has `conditioning` None, as published.

    Args:
      contrast: `conditional_contrast` or `data_to_data`.
      units: of the embedding.
      weight: of D's term; with CIFAR-10 StudioGAN has 1 for 2C and 0.5 for D2D-CE.
      generator_weight: of G's term, a number or a schedule; as `weight`.
      kernel_norm: reparameterises the head's kernel, e.g. `spectral_norm`; None for none.
      name: prefix of its terms in the logs.
    """

    couples_batch = True
    weighs = True

    @checked
    def __init__(
        self,
        contrast: Contrast = data_to_data,
        units: Count = 512,
        weight: Factor = 0.5,
        generator_weight: Factor = 0.5,
        kernel_norm=None,
        name: str = "contrastive",
    ):
        super().__init__(weight=weight, name=name)
        self.contrast = contrast
        self.units = units
        self.generator_weight = generator_weight
        self.kernel_norm = kernel_norm

    def build_for(self, gan):
        require_labels(self, gan)
        self.head = LinearHead(gan.discriminator, self.units, kernel_norm=self.kernel_norm)
        self.proxies = self.add_weight(
            shape=(gan.num_classes, self.units),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="proxies",
        )

    def views(self, player, game, samples):
        return {"own": samples.real_view if player == DISCRIMINATOR else samples.fake_view}

    def discriminator(self, game, samples, scored):
        return [Term("", *self._values(game, samples.real_labels, scored["own"].features))]

    def generator(self, game, samples, scored):
        values, weights = self._values(game, samples.fake_labels, scored["own"].features)
        return [Term("", values, weights, factor=self.generator_weight)]

    def _values(self, game, labels, features):
        """(values [n], weights [n]: 0 for a sample without a label)."""
        if len(labels.shape) == 2:
            known = tf.reduce_sum(labels, 1) > 0.5
            labels = tf.where(known, tf.argmax(labels, 1, tf.int32), -1)
        (embedded,) = on_several(self.head, features)
        embedded = tf.math.l2_normalize(embedded, 1)
        proxies = tf.math.l2_normalize(tf.convert_to_tensor(self.proxies), 1)
        to_proxy = tf.reduce_sum(embedded * tf.gather(proxies, tf.maximum(labels, 0)), 1)
        to_samples = tf.matmul(embedded, game.gather(embedded), transpose_b=True)
        values = self.contrast(to_proxy, to_samples, *_neighbours(labels, game.gather(labels)))
        return values, tf.cast(labels >= 0, values.dtype)


def _neighbours(labels, every):
    """Whether a sample of the global batch is another one of the same class, and of another class.

    Args:
      labels: of this replica's samples, int32 [n].
      every: those of the global batch, [N].

    Returns:
      Two bool [n, N], False for samples without a label.
    """
    number, total = labels.shape[0], every.shape[0]
    first = tf.distribute.get_replica_context().replica_id_in_sync_group * number
    itself = tf.range(total) == first + tf.range(number)[:, tf.newaxis]
    equal, known = labels[:, tf.newaxis] == every, every >= 0
    return equal & known & ~itself, ~equal & known
