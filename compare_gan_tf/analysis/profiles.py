"""Performance profiles, and scores of several tasks on one scale."""

import math

import numpy as np

from compare_gan_tf.analysis.bootstrap import bounded, counts_of
from compare_gan_tf.analysis.scores import Interval, array_of, require_sampling, tasks_of
from compare_gan_tf.errors import UserError

__all__ = ["log_ratios", "performance_profile"]


def performance_profile(
    scores,
    thresholds,
    *,
    lower_is_better: bool = True,
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """The share of runs that reach each threshold: the mean over tasks of P(score <= threshold).

    Dolan and More, Benchmarking optimization software with performance profiles, 2002; the
    run-score distribution of Agarwal et al. (2021), section 4.2. A profile that is above another
    one at all levels is stochastically better. A failed run reaches no level. The band is
    pointwise, the expanded interval of `bootstrap`; it is a point where all runs reach a level, or
    none.

    Args:
      scores: of one variant: [runs], [runs, tasks] or a list of the scores [n_t] of each task;
        where tasks differ in scale, those of `log_ratios`.
      thresholds: [L] finite scores; where more is better, a run reaches one with a score >= it.
      lower_is_better: whether a lower score is better.
      level: of confidence, in (0, 1).
      resamples: how many.
      seed: of the resamples.

    Returns:
      An Interval of arrays [L] in [0, 1]; with one run of a task the band is [0, 1].

    Raises:
      UserError: scores, thresholds or settings make no sense.
    """
    require_sampling(resamples, level, seed)
    tasks = tasks_of(scores, lower_is_better)
    thresholds = _finite("thresholds", thresholds) * (1.0 if lower_is_better else -1.0)
    rng = np.random.default_rng(seed)
    reached = [np.sort(costs)[:, None] <= thresholds for costs in tasks]
    drawn = [counts_of(len(one), resamples, rng) @ one / len(one) for one in reached]
    sizes = [len(costs) for costs in tasks]
    value = np.mean([one.mean(0) for one in reached], axis=0)
    found = bounded(value, np.mean(drawn, axis=0), sizes, level, "expanded")
    return Interval(value, np.clip(found.low, 0.0, 1.0), np.clip(found.high, 0.0, 1.0))


def log_ratios(variants, references=None) -> list[list[np.ndarray]]:
    """Scores on one scale for all tasks: log(score / reference of the task).

    The reference of a task is the median score of all runs of all variants on it. 0 is as good as
    that, 0.1 about 10 % more, -log 2 half of it. A task's scale drops out, as FID's does, which is
    5 on one data set and 50 on another; a ratio of two FIDs is what papers compare; an outlier
    moves the median little and its own logarithm little. A min-max scale has none of these: one run
    moves all others. Failed runs have no part in the reference, which moves all scores of a task
    alike and decides no comparison; they stay nan, the worst of their task.

    Args:
      variants: the scores of each, [runs], [runs, tasks] or a list of those [n_t] of each task.
      references: [tasks] scores > 0 to use instead, such as published ones.

    Returns:
      For each variant a list of arrays [n_t], which every function here takes.

    Raises:
      UserError: a score is not above 0, or all runs of a task failed.
    """
    variants = [tasks_of(variant) for variant in variants]
    if not variants or len({len(tasks) for tasks in variants}) > 1:
        raise UserError(f"{len(variants)} variants with different tasks: give each the same tasks")
    least = min(costs.min() for tasks in variants for costs in tasks)
    if least <= 0.0:
        raise UserError(
            f"a score is {least:g}: a ratio needs scores above 0, as FID has; compare ranks "
            "instead, by improvement_matrix"
        )
    if references is None:
        references = [
            _reference(task, costs) for task, costs in enumerate(zip(*variants, strict=True))
        ]
    references = _finite("references", references)
    if len(references) != len(variants[0]) or min(references) <= 0.0:
        raise UserError("references must be one score above 0 for each task")
    return [
        [_log_ratio(costs, reference) for costs, reference in zip(tasks, references, strict=True)]
        for tasks in variants
    ]


def _reference(task: int, costs) -> float:
    costs = np.concatenate(costs)
    if np.isinf(costs).all():
        raise UserError(f"all runs of task {task} failed: leave the task out or give a reference")
    return float(np.median(costs[np.isfinite(costs)]))


def _log_ratio(costs: np.ndarray, reference: float) -> np.ndarray:
    return np.where(np.isinf(costs), np.nan, np.log(costs) - math.log(reference))


def _finite(name: str, values) -> np.ndarray:
    values = np.atleast_1d(array_of(name, values))
    plain = values.ndim == 1 and values.size and values.dtype.kind in "iuf"
    if not plain or not np.isfinite(values).all():
        raise UserError(f"{name} must be finite numbers in one dimension, one at least")
    return values.astype(np.float64)
