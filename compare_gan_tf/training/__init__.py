"""Training: builds the GAN, restores the newest checkpoint, and trains to the last step."""

from compare_gan_tf.training.building import build
from compare_gan_tf.training.fit import Training
from compare_gan_tf.training.folder import FREE, data_changes
from compare_gan_tf.training.preparing import prepare, train

__all__ = ["FREE", "Training", "build", "data_changes", "prepare", "train"]
