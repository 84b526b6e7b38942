"""Probability of improvement: that a run of X beats a run of Y, as a matrix of all variants.

Agarwal et al. (2021), section 4.3: the mean over tasks of

    P(X < Y) + P(X = Y) / 2 = U / (n m),

Mann and Whitney's U of the runs of X and Y on the task. Where two runs failed, they tie. It does
not change under any rising transformation of the scores of a task.
"""

import numpy as np

from compare_gan_tf.analysis.bootstrap import bounded, counts_of
from compare_gan_tf.analysis.scores import Interval, require_sampling, variants_of

__all__ = ["improvement_matrix", "improvement_probability"]


def improvement_matrix(
    variants,
    *,
    lower_is_better: bool = True,
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """The probability that a run of variant u beats one of variant v, for all u and v at once.

    The interval is the expanded one of `bootstrap`; runs of different variants are drawn apart, so
    it is too wide where seeds are common and matter. Where each run of one variant beats each of
    the other it is a point; `effects` says from how many runs on that decides.

    Args:
      variants: the scores of each, [runs], [runs, tasks] or a list of those [n_t] of each task.
      lower_is_better: whether a lower score is better.
      level: of confidence, in (0, 1).
      resamples: how many.
      seed: of the resamples.

    Returns:
      An Interval of arrays [V, V]; the diagonal is 1/2. An interval is [0, 1] where a variant has
      one run of a task.

    Raises:
      UserError: scores or settings make no sense.
    """
    require_sampling(resamples, level, seed)
    variants = variants_of(variants, lower_is_better)
    rng = np.random.default_rng(seed)
    values, replicates = 0.0, 0.0
    for costs in zip(*variants, strict=True):
        value, replicate = _of_task(costs, resamples, rng)
        values, replicates = values + value, replicates + replicate
    values, replicates = values / len(variants[0]), replicates / len(variants[0])
    low, high = np.zeros_like(values), np.ones_like(values)
    for u in range(len(variants)):
        for v in range(len(variants)):
            if u == v:
                low[u, v] = high[u, v] = 0.5
            elif min(sizes := [len(costs) for costs in variants[u] + variants[v]]) > 1:
                found = bounded(values[u, v], replicates[:, u, v], sizes, level, "expanded")
                low[u, v], high[u, v] = found.low, found.high
    return Interval(values, low, high)


def improvement_probability(first, second, **settings) -> Interval:
    """The probability that a run of the first variant beats one of the second, as an Interval.

    Args:
      first, second: scores, as one of `improvement_matrix`.
      **settings: of `improvement_matrix`.
    """
    return Interval(
        *(float(part[0, 1]) for part in improvement_matrix([first, second], **settings))
    )


def beats(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """[n, m]: 1 where the cost of a run of the first is less, 1/2 where they tie."""
    first, second = first[:, None], second[None, :]
    return (first < second) + 0.5 * (first == second)


def _of_task(costs, resamples: int, rng) -> tuple[np.ndarray, np.ndarray]:
    """Of one task: probabilities [V, V] and those of each resample [resamples, V, V]."""
    costs = [np.sort(one) for one in costs]
    sizes = np.array([len(one) for one in costs])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    wins = beats(np.concatenate(costs), np.concatenate(costs))
    counts = np.concatenate([counts_of(size, resamples, rng) for size in sizes], axis=1)
    pairs = np.outer(sizes, sizes)
    value = np.add.reduceat(np.add.reduceat(wins, starts, axis=0), starts, axis=1) / pairs
    rows = [slice(start, start + size) for start, size in zip(starts, sizes, strict=True)]
    drawn = [np.add.reduceat((counts[:, row] @ wins[row]) * counts, starts, axis=1) for row in rows]
    return value, np.stack(drawn, axis=1) / pairs
