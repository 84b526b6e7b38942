"""Layers that Keras does not have, or has with another meaning."""

from compare_gan_tf.layers.attention import NonLocal, ScaledResidual, attention
from compare_gan_tf.layers.batch_norm import BatchNorm, batch_norm, no_norm
from compare_gan_tf.layers.batch_statistics import BatchStatistics
from compare_gan_tf.layers.channel_map import ChannelMap
from compare_gan_tf.layers.conditional_batch_norm import (
    ConditionalBatchNorm,
    conditional_batch_norm,
)
from compare_gan_tf.layers.group_norm import GroupNorm, group_norm
from compare_gan_tf.layers.instance_norm import InstanceNorm, instance_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm
from compare_gan_tf.layers.layer_norm import LayerNorm, layer_norm
from compare_gan_tf.layers.pixel_norm import PixelNorm, pixel_norm
from compare_gan_tf.layers.self_modulation import SelfModulatedBatchNorm, self_modulation
from compare_gan_tf.layers.spectral_norm import SpectralNorm, spectral_norm
from compare_gan_tf.layers.standing_statistics import standing_statistics
from compare_gan_tf.layers.state import frozen_state, not_averaged
from compare_gan_tf.layers.virtual_batch_norm import VirtualBatchNorm, virtual_batch_norm
from compare_gan_tf.layers.weight_norm import WeightNorm, weight_norm

__all__ = [
    "BatchNorm",
    "BatchStatistics",
    "ChannelMap",
    "ConditionalBatchNorm",
    "GroupNorm",
    "InstanceNorm",
    "KernelNorm",
    "LayerNorm",
    "NonLocal",
    "PixelNorm",
    "ScaledResidual",
    "SelfModulatedBatchNorm",
    "SpectralNorm",
    "VirtualBatchNorm",
    "WeightNorm",
    "attention",
    "batch_norm",
    "conditional_batch_norm",
    "frozen_state",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "no_norm",
    "not_averaged",
    "pixel_norm",
    "self_modulation",
    "spectral_norm",
    "standing_statistics",
    "virtual_batch_norm",
    "weight_norm",
]
