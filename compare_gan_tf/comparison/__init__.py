"""Comparing runs: what is known of them, and the tables that are made of it."""

from compare_gan_tf.comparison.records import Comparison, Run, Scored, label

__all__ = ["Comparison", "Run", "Scored", "label"]
