"""Layers that Keras lacks, or defines differently."""

from compare_gan_tf.layers.attention import *
from compare_gan_tf.layers.batch_norm import *
from compare_gan_tf.layers.batch_statistics import *
from compare_gan_tf.layers.channel_map import *
from compare_gan_tf.layers.conditional_batch_norm import *
from compare_gan_tf.layers.group_norm import *
from compare_gan_tf.layers.instance_norm import *
from compare_gan_tf.layers.kernel_norm import *
from compare_gan_tf.layers.layer_norm import *
from compare_gan_tf.layers.pixel_norm import *
from compare_gan_tf.layers.precision import *
from compare_gan_tf.layers.resized_conv import *
from compare_gan_tf.layers.resizing import *
from compare_gan_tf.layers.self_modulation import *
from compare_gan_tf.layers.spectral_norm import *
from compare_gan_tf.layers.standing_statistics import *
from compare_gan_tf.layers.state import *
from compare_gan_tf.layers.virtual_batch_norm import *
from compare_gan_tf.layers.weight_norm import *
