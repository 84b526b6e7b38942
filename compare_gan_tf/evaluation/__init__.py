"""Scores: of the checkpoints of a run, and of any two sides that hold samples or features.

One engine, two stores:

  runs, following   what is scored: a run's checkpoints against the splits of its data (splits)
  pairs             what is scored: any two sides that a user names (openings)
  engine            each side once through the extractor, then metric by metric (outcomes)
  stores            where the scores go: a run's scores.jsonl, or the file of --output (scores)

A side is samples, features or statistics (sides) or a generator (generators, modules, onnx), whose
labels are drawn as the reals have them (label_mix). What is known of the reals is cached
(references). A score has its protocol (protocols) and its warnings (misleading).
"""

from compare_gan_tf.evaluation.following import follow
from compare_gan_tf.evaluation.misleading import lines as warning_lines
from compare_gan_tf.evaluation.runs import Plan, evaluate, plan
from compare_gan_tf.evaluation.scores import summary

__all__ = ["Plan", "evaluate", "follow", "plan", "summary", "warning_lines"]
