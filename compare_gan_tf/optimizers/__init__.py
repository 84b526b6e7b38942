"""Optimisers, their schedules, and the moving average of G."""

from compare_gan_tf.optimizers.optimizers import *
