"""Optimisers, their schedules, and the moving averages of G."""

from compare_gan_tf.optimizers.optimizers import *
from compare_gan_tf.optimizers.post_hoc import *
