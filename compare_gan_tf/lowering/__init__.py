"""A GAN as StableHLO programs, which a machine with JAX and no TensorFlow trains."""

from compare_gan_tf.lowering.adopting import adopt
from compare_gan_tf.lowering.lowering import lower

__all__ = ["adopt", "lower"]
