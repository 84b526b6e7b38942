"""Stratified bootstrap: runs are drawn again within each task, never across tasks.

Agarwal et al., Deep reinforcement learning at the edge of the statistical precipice, 2021, section
4.1. The runs of a task are put in order first, so that nothing here depends on the order in which
they are given, with pairs of runs kept together.

The percentile interval is the quantiles (1 - level) / 2 and (1 + level) / 2 of what the resamples
give, as in the library rliable. It is too narrow for few runs, by sqrt((n - 1) / n) and by the
difference between Student's distribution and the normal one. The expanded interval takes the
quantiles at these shares instead,

    Phi(-sqrt(n / (n - 1)) t)  and  1 - Phi(-sqrt(n / (n - 1)) t),

with t the quantile (1 + level) / 2 of Student's distribution with sum_t (n_t - 1) degrees of
freedom, and n the fewest runs of a task: the expanded percentile interval of Hesterberg, What
teachers should know about the bootstrap, 2015, there of one sample. Both take infinite values, and
follow every rising transformation of a score where the aggregate does. Where a task has one run, no
resample can tell anything: the interval is infinite.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

from compare_gan_tf.analysis.aggregates import Aggregate, applied, iqm
from compare_gan_tf.analysis.scores import (
    Interval,
    quantile,
    require_sampling,
    tasks_of,
    turned,
)
from compare_gan_tf.analysis.student import NORMAL, student_quantile
from compare_gan_tf.settings.kinds import require_one_of

__all__ = ["METHODS", "interval"]

METHODS = ("expanded", "percentile")
_DRAWN_AT_ONCE = 4_000_000  # 32 MB of indices


def interval(
    scores,
    aggregate: Aggregate = iqm,
    *,
    lower_is_better: bool = True,
    level: float = 0.95,
    resamples: int = 2_000,
    method: str = "expanded",
    seed: int = 0,
) -> Interval:
    """An aggregate of the scores of one variant and its confidence interval.

    Args:
      scores: [runs], [runs, tasks], or a list of the scores [n_t] of each task.
      aggregate: one of `aggregates`, or a function of a list of costs [..., n_t] that gives [...].
      lower_is_better: whether a lower score is better.
      level: of confidence, in (0, 1).
      resamples: how many.
      method: "expanded" or "percentile", see above.
      seed: of the resamples.

    Raises:
      UserError: scores or settings make no sense.
    """
    require_sampling(resamples, level, seed)
    require_one_of("method", method, METHODS)
    tasks = tasks_of(scores, lower_is_better)
    found = around(tasks, aggregate, level, resamples, method, np.random.default_rng(seed))
    found = Interval(*map(float, found))
    return turned(found, lower_is_better or getattr(aggregate, "is_cost", False))


def around(
    tasks: list[np.ndarray],
    aggregate: Aggregate,
    level: float,
    resamples: int,
    method: str,
    rng: np.random.Generator,
) -> Interval:
    """`interval` of costs."""
    replicates = replicates_of(tasks, aggregate, resamples, rng)
    sizes = [len(costs) for costs in tasks]
    return bounded(applied(aggregate, tasks), replicates, sizes, level, method)


def bounded(value, replicates: np.ndarray, sizes: list[int], level: float, method: str) -> Interval:
    """An Interval [...] from replicates [resamples, ...]; sizes are the runs of each task."""
    if min(sizes) < 2:
        return Interval(value, np.full_like(value, -np.inf)[()], np.full_like(value, np.inf)[()])
    outside = outside_share(sizes, level) if method == "expanded" else (1.0 - level) / 2.0
    ordered = np.moveaxis(np.sort(replicates, axis=0), 0, -1)
    return Interval(value, quantile(ordered, outside)[()], quantile(ordered, 1.0 - outside)[()])


def outside_share(sizes: list[int], level: float) -> float:
    """The share of replicates below the lower bound of the expanded interval."""
    fewest, degrees = min(sizes), sum(size - 1 for size in sizes)
    reach = math.sqrt(fewest / (fewest - 1)) * student_quantile((1.0 + level) / 2.0, degrees)
    return NORMAL.cdf(-reach)


def replicates_of(
    tasks: list[np.ndarray], aggregate: Aggregate, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """The aggregate of each resample [resamples] of costs."""
    tasks = [np.sort(costs) for costs in tasks]
    parts = []
    for number in portions(resamples, sum(map(len, tasks))):
        drawn = [costs[rng.integers(len(costs), size=(number, len(costs)))] for costs in tasks]
        parts.append(applied(aggregate, drawn))
    return np.concatenate(parts)


def together(
    variants: list[list[np.ndarray]],
    statistic: Callable[[list[list[np.ndarray]]], np.ndarray],
    resamples: int,
    rng: np.random.Generator,
    paired: bool,
) -> np.ndarray:
    """A statistic [resamples, ...] of the resampled costs of several variants.

    Args:
      variants: costs [n_t] of each task of each variant.
      statistic: gives [B, ...] for costs [B, n_t] of each task of each variant.
      resamples: how many.
      rng: draws them.
      paired: run i of a task is of one seed in all variants, and drawn for all of them or for none.
    """
    variants = in_order(variants, paired)
    parts = []
    for number in portions(resamples, sum(len(costs) for tasks in variants for costs in tasks)):
        drawn = [
            [rng.integers(len(costs), size=(number, len(costs))) for costs in tasks]
            for tasks in variants[: 1 if paired else None]
        ] * (len(variants) if paired else 1)
        resampled = [
            [costs[rows] for costs, rows in zip(*both, strict=True)]
            for both in zip(variants, drawn, strict=True)
        ]
        parts.append(statistic(resampled))
    return np.concatenate(parts)


def counts_of(size: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of `size` runs is drawn, float64 [resamples, size]."""
    drawn = rng.integers(size, size=(resamples, size)) + size * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * size).reshape(-1, size).astype(float)


def in_order(variants: list[list[np.ndarray]], paired: bool) -> list[list[np.ndarray]]:
    """Runs of each task in rising order; pairs by the first variant's, then the next one's."""
    if not paired:
        return [[np.sort(costs) for costs in tasks] for tasks in variants]
    orders = [np.lexsort(costs[::-1]) for costs in zip(*variants, strict=True)]
    return [
        [costs[order] for costs, order in zip(tasks, orders, strict=True)] for tasks in variants
    ]


def portions(resamples: int, runs: int) -> Iterator[int]:
    """Numbers of resamples that are drawn at once."""
    most = max(1, _DRAWN_AT_ONCE // runs)
    for start in range(0, resamples, most):
        yield min(most, resamples - start)
