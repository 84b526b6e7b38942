"""Self-modulated batch normalisation: gain and offset depend on z (Chen et al., 2019)."""

__all__ = ["SelfModulatedBatchNorm", "self_modulation"]

import gin
import keras

from compare_gan_tf.layers.batch_statistics import BatchStatistics
from compare_gan_tf.layers.channel_map import NORMAL, ChannelMap, build_once, fresh
from compare_gan_tf.layers.kernel_norm import KernelNorm, reparameterised
from compare_gan_tf.settings.signatures import Fraction, Index, Positive, checked


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class SelfModulatedBatchNorm(BatchStatistics):
    """[x, z [n, d]] -> (x - mean) / sqrt(variance + epsilon) * gamma(z) + beta(z).

    With h = max(0, U z + b), gamma = V h + c and beta = W h + e, one number per sample and channel
    (Chen et al., 2019, eq. 2 and 3); initially c is 1, and b and e are 0. See `BatchStatistics` for
    the statistics.

    Args:
      to_gamma, to_beta: layers from [x, h] to [n, 1, ..., C], see `ChannelMap`.
      hidden: the layer from z to h; None for h = z.
      momentum, epsilon: see `BatchStatistics`.
    """

    conditions = ("z",)

    def __init__(self, to_gamma, to_beta, hidden=None, momentum=0.9, epsilon=1e-5, **layer):
        super().__init__(momentum=momentum, epsilon=epsilon, **layer)
        self.to_gamma = to_gamma
        self.to_beta = to_beta
        self.hidden = hidden

    def build(self, input_shape):
        x, z = input_shape
        if self.hidden is not None:
            build_once(self.hidden, z)
            z = self.hidden.compute_output_shape(z)
        build_once(self.to_gamma, [x, z])
        build_once(self.to_beta, [x, z])
        self.build_statistics(x[-1])

    def call(self, inputs, training=False):
        x, z = inputs
        hidden = z if self.hidden is None else self.hidden(z)
        gamma, beta = self.to_gamma([x, hidden]), self.to_beta([x, hidden])
        return self.standardise(x, gamma, beta, training)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        own = {"to_gamma": self.to_gamma, "to_beta": self.to_beta, "hidden": self.hidden}
        own = {name: keras.saving.serialize_keras_object(layer) for name, layer in own.items()}
        return super().get_config() | own

    @classmethod
    def from_config(cls, config):
        layers = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("to_gamma", "to_beta", "hidden")
        }
        return cls(**config | layers)


@gin.configurable(module="layers")
@checked
def self_modulation(
    *,
    num_hidden: Index = 32,
    kernel_norm: KernelNorm = None,
    initializer=NORMAL,
    momentum: Fraction = 0.9,
    epsilon: Positive = 1e-5,
    name: str | None = None,
):
    """Makes a `SelfModulatedBatchNorm` layer, for the `norm=` of a generator.

    Args:
      num_hidden: units of h; 0 for h = z.
      kernel_norm: reparameterises the three kernels, e.g. `spectral_norm`; None for none.
      initializer: of the kernels, a name that Keras knows or an initializer; N(0, 0.02).
      momentum: of the moving statistics.
      epsilon: added to the variance.
      name: of the layer.
    """
    hidden = keras.layers.Dense(
        max(num_hidden, 1), "relu", kernel_initializer=fresh(initializer), name="hidden"
    )
    gamma = ChannelMap(bias=1.0, initializer=initializer, name="gamma")
    beta = ChannelMap(bias=0.0, initializer=initializer, name="beta")
    return SelfModulatedBatchNorm(
        reparameterised(gamma, kernel_norm),
        reparameterised(beta, kernel_norm),
        reparameterised(hidden, kernel_norm) if num_hidden else None,
        momentum=momentum,
        epsilon=epsilon,
        name=name,
    )
