"""Scores: of the checkpoints of a run, and of any two sides that hold samples or features."""

from compare_gan_tf.evaluation.following import follow
from compare_gan_tf.evaluation.misleading import lines as warning_lines
from compare_gan_tf.evaluation.planning import plan
from compare_gan_tf.evaluation.runs import evaluate
from compare_gan_tf.evaluation.summaries import summary
from compare_gan_tf.runs.results import is_due, scored_steps

__all__ = ["evaluate", "follow", "is_due", "plan", "scored_steps", "summary", "warning_lines"]
