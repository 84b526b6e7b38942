"""Scores: of the checkpoints of a run, and of any two sides that hold samples or features."""

from compare_gan_tf.evaluation.following import follow
from compare_gan_tf.evaluation.misleading import lines as warning_lines
from compare_gan_tf.evaluation.runs import Plan, evaluate, plan
from compare_gan_tf.evaluation.scores import summary

__all__ = ["Plan", "evaluate", "follow", "plan", "summary", "warning_lines"]
