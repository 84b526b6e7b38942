"""What G is fed: priors of z, and distributions of labels."""

from compare_gan_tf.latents.labels import *
from compare_gan_tf.latents.priors import *
