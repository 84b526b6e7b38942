"""Augmentation of what D sees, real and fake alike: values for `GAN.augment`."""

from compare_gan_tf.augment.ada import ADA
from compare_gan_tf.augment.apa import APA
from compare_gan_tf.augment.base import Augmentation, Chain
from compare_gan_tf.augment.controllers import Adaptive, Constant, Scheduled
from compare_gan_tf.augment.diffaugment import DiffAugment

__all__ = [
    "ADA",
    "APA",
    "Adaptive",
    "Augmentation",
    "Chain",
    "Constant",
    "DiffAugment",
    "Scheduled",
]
