"""The inputs of G: priors of the latent z, and distributions of labels."""

from compare_gan_tf.latents.labels import *
from compare_gan_tf.latents.priors import *
