"""Scores the checkpoints of a run, or any two sides that hold samples or features.

Two entry points, one engine, two stores:

  runs, following   compare a run's checkpoints with the splits of its data set (splits)
  pairs             compares any two sides that the user names (openings)
  engine            sends each side through the extractor once, then computes each metric (outcomes)
  stores            keep the scores: a run's scores.jsonl, or the file of --output (scores)

A side holds samples, features or statistics (sides), or is a generator (generators, modules, onnx)
whose labels follow the distribution of the real labels (label_mix). Statistics of the real side are
cached (references). Each score has a protocol (protocols) and may have warnings (misleading).
"""

from compare_gan_tf.evaluation.following import follow
from compare_gan_tf.evaluation.misleading import lines as warning_lines
from compare_gan_tf.evaluation.runs import Plan, evaluate, plan
from compare_gan_tf.evaluation.scores import summary

__all__ = ["Plan", "evaluate", "follow", "plan", "summary", "warning_lines"]
