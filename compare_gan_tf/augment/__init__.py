"""Augmentation of all images that D sees, reals and fakes: values for `GAN.augment`."""

from compare_gan_tf.augment.ada import *
from compare_gan_tf.augment.apa import *
from compare_gan_tf.augment.base import *
from compare_gan_tf.augment.controllers import *
from compare_gan_tf.augment.diffaugment import *
