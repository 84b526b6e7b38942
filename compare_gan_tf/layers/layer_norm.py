"""Layer normalisation (Ba et al., 2016) for images."""

__all__ = ["LayerNorm", "layer_norm"]

import gin
import keras

from compare_gan_tf.layers.group_norm import GroupNorm
from compare_gan_tf.settings.signatures import Positive, checked


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class LayerNorm(GroupNorm):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, gamma and beta [C].

    Mean and biased variance are taken over all positions and channels of one sample: a group norm
    with one group. `keras.layers.LayerNormalization` has gamma or statistics for each position
    instead. The default epsilon is that of compare_gan.
    """

    @checked
    def __init__(self, epsilon: Positive = 1e-12, **layer):
        super().__init__(groups=1, epsilon=epsilon, **layer)

    def get_config(self):
        config = super().get_config()
        del config["groups"]
        return config


@gin.configurable(module="layers")
@checked
def layer_norm(*, epsilon: Positive = 1e-12, name: str | None = None):
    """Makes a `LayerNorm` layer, for the `norm=` of an architecture."""
    return LayerNorm(epsilon=epsilon, name=name)
