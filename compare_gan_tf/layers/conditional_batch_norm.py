"""Batch normalisation whose gain and offset are linear in the labels (de Vries et al., 2017)."""

__all__ = ["ConditionalBatchNorm", "conditional_batch_norm"]

import gin
import keras

from compare_gan_tf.layers.batch_statistics import BatchStatistics
from compare_gan_tf.layers.channel_map import NORMAL, ChannelMap, build_once
from compare_gan_tf.layers.kernel_norm import KernelNorm, reparameterised
from compare_gan_tf.settings.signatures import Fraction, Positive, checked


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class ConditionalBatchNorm(BatchStatistics):
    """[x, labels [n, c]] -> (x - mean) / sqrt(variance + epsilon) * gamma + beta.

    gamma = 1 + W_gamma labels and beta = W_beta labels are one number per sample and channel, as in
    BigGAN (Brock et al., 2019, appendix B). compare_gan has no 1 (`centred=False`), and its
    BigGAN-deep does not train. See `BatchStatistics` for the statistics.

    Args:
      to_gamma, to_beta: layers from [x, labels] to [n, 1, ..., C], see `ChannelMap`.
      centred: whether 1 is added to `to_gamma`.
      momentum, epsilon: see `BatchStatistics`.
    """

    conditions = ("labels",)

    def __init__(self, to_gamma, to_beta, centred=True, momentum=0.9, epsilon=1e-5, **layer):
        super().__init__(momentum=momentum, epsilon=epsilon, **layer)
        self.to_gamma = to_gamma
        self.to_beta = to_beta
        self.centred = centred

    def build(self, input_shape):
        x, _ = input_shape
        build_once(self.to_gamma, input_shape)
        build_once(self.to_beta, input_shape)
        self.build_statistics(x[-1])

    def call(self, inputs, training=False):
        x, _ = inputs
        gamma = self.to_gamma(inputs) + float(self.centred)
        return self.standardise(x, gamma, self.to_beta(inputs), training)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        own = {"to_gamma": self.to_gamma, "to_beta": self.to_beta}
        own = {name: keras.saving.serialize_keras_object(layer) for name, layer in own.items()}
        return super().get_config() | own | {"centred": self.centred}

    @classmethod
    def from_config(cls, config):
        maps = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("to_gamma", "to_beta")
        }
        return cls(**config | maps)


@gin.configurable(module="layers")
@checked
def conditional_batch_norm(
    *,
    centred: bool = True,
    use_bias: bool = False,
    kernel_norm: KernelNorm = None,
    initializer=NORMAL,
    momentum: Fraction = 0.9,
    epsilon: Positive = 1e-5,
    name: str | None = None,
):
    """Makes a `ConditionalBatchNorm` layer, for the `norm=` of a conditional generator.

    Args:
      centred: whether the gain is 1 + W labels; False for W labels, as in compare_gan.
      use_bias: whether both maps have a bias, with initial value 0.
      kernel_norm: reparameterises both kernels, e.g. `spectral_norm`; None for none.
      initializer: of both kernels, a name that Keras knows or an initializer; N(0, 0.02).
      momentum: of the moving statistics.
      epsilon: added to the variance.
      name: of the layer.
    """
    settings = {"bias": 0.0 if use_bias else None, "initializer": initializer}
    maps = [ChannelMap(name=map_name, **settings) for map_name in ("gamma", "beta")]
    to_gamma, to_beta = (reparameterised(layer, kernel_norm) for layer in maps)
    return ConditionalBatchNorm(
        to_gamma, to_beta, centred=centred, momentum=momentum, epsilon=epsilon, name=name
    )
