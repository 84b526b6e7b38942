"""InfoMax-GAN: mutual information of D's local and global features (Lee et al., 2021)."""

__all__ = ["InfoMax"]

import gin
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term
from compare_gan_tf.objectives.heads import ResidualHead
from compare_gan_tf.settings.signatures import Count, Factor, checked

_OUTPUT = "local_features"
_LEFT_OUT = -1e9  # a score whose exponential is 0


def contrast(local_features, global_features, every_local, first):
    """The InfoNCE loss of each sample, [n].

    It is the mean over positions u of -log(exp(s_u) / (exp(s_u) + sum_c exp(c))). s_u is the inner
    product of the sample's global features with its own local features at u; c runs over the inner
    products with the local features of all other samples at all positions.

    Args:
      local_features: of this replica's samples, [n, places, units].
      global_features: [n, units].
      every_local: `local_features` of the global batch, [N, places, units].
      first: index of this replica's first sample in the global batch.
    """
    number, total = local_features.shape[0], every_local.shape[0]
    own = tf.einsum("npu,nu->np", local_features, global_features)
    scores = tf.einsum("mpu,nu->nmp", every_local, global_features)
    itself = tf.range(total) == first + tf.range(number)[:, tf.newaxis]  # [n, N]
    others = tf.where(itself[:, :, tf.newaxis], _LEFT_OUT, scores)
    others = tf.reduce_logsumexp(others, [1, 2])
    return tf.reduce_mean(tf.nn.softplus(others[:, tf.newaxis] - own), 1)


@gin.register(module="objectives")
class InfoMax(Objective):
    """D pays the `contrast` of local and global features of reals, and G that of its fakes.

    Local features are relu(x) for the maps x that D's last block takes; global features are D's
    features. A `ResidualHead` projects each of the two; D trains both heads. The negatives come
    from the global batch. As in the published code (mimicry), a sample's own features at other
    positions are no negatives; that code gives them a score of -10, and here they are left out.

    Args:
      weight: of D's term, a number or a schedule; published: 0.2.
      generator_weight: of G's term, a number or a schedule; published: 0.2.
      units: dimension of the projections; published: 1,024.
      kernel_norm: reparameterises the heads' kernels; published: `spectral_norm`. None for none.
      name: prefix of its terms in the logs.
    """

    reads = (_OUTPUT,)
    couples_batch = True

    @checked
    def __init__(
        self,
        weight: Factor = 0.2,
        generator_weight: Factor = 0.2,
        units: Count = 1024,
        kernel_norm=None,
        name: str = "infomax",
    ):
        super().__init__(weight=weight, name=name)
        self.generator_weight = generator_weight
        self.units = units
        self.kernel_norm = kernel_norm

    def build_for(self, gan):
        outputs = gan.discriminator.output
        if _OUTPUT not in outputs:
            raise UserError(
                "InfoMax needs maps of D's, which GAN.discriminator does not offer: take one with "
                "convolutions, such as @sndcgan.discriminator or @resnet_cifar.discriminator"
            )
        self.local_head, self.global_head = (
            ResidualHead(outputs[source].shape[-1], self.units, self.kernel_norm, name=name)
            for source, name in ((_OUTPUT, "local_head"), ("features", "global_head"))
        )

    def views(self, player, game, samples):
        return {"own": samples.real_view if player == DISCRIMINATOR else samples.fake_view}

    def discriminator(self, game, samples, scored):
        return [Term("", self._values(game, scored["own"]))]

    def generator(self, game, samples, scored):
        return [Term("", self._values(game, scored["own"]), factor=self.generator_weight)]

    def _values(self, game, scored):
        maps = tf.nn.relu(scored.heads[_OUTPUT])
        number, height, width, channels = maps.shape
        places = tf.reshape(maps, [number, height * width, channels])
        local_features = self.local_head(places, training=True)
        global_features = self.global_head(scored.features, training=True)
        first = tf.distribute.get_replica_context().replica_id_in_sync_group * number
        return contrast(local_features, global_features, game.gather(local_features), first)
