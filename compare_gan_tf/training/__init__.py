"""Training: build, restore, fit; every run resumes where its last checkpoint is."""

from compare_gan_tf.training.training import FREE, build, data_changes, train

__all__ = ["FREE", "build", "data_changes", "train"]
