"""Layers that Keras does not have, or has with another meaning."""

from compare_gan_tf.layers.batch_norm import BatchNorm, batch_norm, no_norm
from compare_gan_tf.layers.spectral_norm import SpectralNorm, spectral_norm
from compare_gan_tf.layers.state import frozen_state

__all__ = ["BatchNorm", "SpectralNorm", "batch_norm", "frozen_state", "no_norm", "spectral_norm"]
