"""The game: `GAN`, its players, and one update of each."""

from compare_gan_tf.gan.gan import GAN

__all__ = ["GAN"]
