"""Instance normalisation (Ulyanov et al., 2016)."""

__all__ = ["InstanceNorm", "instance_norm"]

import gin
import keras

from compare_gan_tf.layers.group_norm import GroupNorm
from compare_gan_tf.settings.signatures import Positive, checked


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class InstanceNorm(GroupNorm):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, gamma and beta [C].

    Mean and biased variance are taken over the positions of one sample and one channel: a group
    norm with a group for each channel. Flat vectors, which have one position, are refused.
    """

    @checked
    def __init__(self, epsilon: Positive = 1e-5, **layer):
        super().__init__(groups=1, epsilon=epsilon, **layer)

    def number_of_groups(self, channels: int) -> int:
        return channels

    def get_config(self):
        config = super().get_config()
        del config["groups"]
        return config


@gin.configurable(module="layers")
@checked
def instance_norm(*, epsilon: Positive = 1e-5, name: str | None = None):
    """Makes an `InstanceNorm` layer, for the `norm=` of an architecture."""
    return InstanceNorm(epsilon=epsilon, name=name)
