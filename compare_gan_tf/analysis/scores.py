"""The doors of the room: scores become costs, of which less is better.

A score that is not a finite number is of a failed run: training diverged, or a score could not be
computed. Nothing drops a failed run. Its cost is +inf, so it is worse than every run that has a
score, and two failed runs tie. Every function here takes scores as its caller has them, works on
costs, and turns what it returns back: of scores where more is better a failed run is -inf.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.kinds import require_number

__all__ = ["Interval"]

MOST_RESAMPLES = 100_000
_MOST = 1e300  # what is larger has overflowed, or would in a sum


class Interval(NamedTuple):
    """An estimate and its confidence interval; floats, or arrays of one shape.

    Attributes:
      value: the estimate.
      low, high: the bounds, which may be infinite.
    """

    value: float
    low: float
    high: float


def costs_of(scores, lower_is_better: bool = True) -> np.ndarray:
    """Costs [n] of the scores [n] of one task: negated where more is better, +inf of failed runs.

    Raises:
      UserError: they are no numbers, or none, or not in one dimension.
    """
    scores = _numbers(scores)
    if scores.ndim != 1:
        raise UserError(
            f"scores have the shape {list(scores.shape)}: give those of one task, [runs]"
        )
    return _costs(scores, lower_is_better)


def tasks_of(scores, lower_is_better: bool = True) -> list[np.ndarray]:
    """Costs of each task, as a list of arrays [n_t].

    Args:
      scores: an array [runs] of one task, an array [runs, tasks], or a list or tuple of the scores
        [n_t] of each task, which may have different numbers of runs.
      lower_is_better: whether a lower score is better.

    Raises:
      UserError: they are no numbers, or a task has no run.
    """
    if isinstance(scores, list | tuple) and any(map(_is_several, scores)):
        return [costs_of(task, lower_is_better) for task in scores]
    scores = _numbers(scores)
    if scores.ndim == 2 and scores.shape[1]:
        return [_costs(task, lower_is_better) for task in scores.T]
    return [costs_of(scores, lower_is_better)]


def variants_of(variants: Sequence, lower_is_better: bool = True) -> list[list[np.ndarray]]:
    """Costs of each task of each variant; `variants` has one scores argument of `tasks_of` each.

    Raises:
      UserError: there are fewer than two, or they have different numbers of tasks.
    """
    if not isinstance(variants, Iterable):
        raise UserError(f"variants is {variants!r}: give a list of the scores of each")
    variants = [tasks_of(scores, lower_is_better) for scores in variants]
    if len(variants) < 2:
        raise UserError(f"{len(variants)} variants: a comparison needs two or more")
    counts = [len(tasks) for tasks in variants]
    if len(set(counts)) > 1:
        raise UserError(f"the variants have {counts} tasks: give each the same tasks")
    return variants


def require_common_seeds(variants: list[list[np.ndarray]]) -> None:
    """Refuses variants whose run i of a task cannot be of one seed: the numbers of runs differ."""
    for task, costs in enumerate(zip(*variants, strict=True)):
        runs = [len(one) for one in costs]
        if len(set(runs)) > 1:
            raise UserError(
                f"the variants have {runs} runs of task {task}: pairs need the same seeds of each, "
                "in the same order; where seeds are not common, set paired=False"
            )


def require_sampling(resamples: int, level: float, seed: int) -> None:
    """Refuses settings of a bootstrap that make no sense."""
    require_number("resamples", resamples, least=1, most=MOST_RESAMPLES, whole=True)
    require_number("level", level, above=0.0, below=1.0)
    require_number("seed", seed, least=0, whole=True)


def turned(costs, lower_is_better: bool):
    """Costs as scores again; an Interval's bounds change places where more is better."""
    if lower_is_better:
        return costs
    if isinstance(costs, Interval):
        return Interval(-costs.value, -costs.high, -costs.low)
    return -costs


def quantile(ordered: np.ndarray, share) -> np.ndarray:
    """Quantiles by linear interpolation of costs [..., n] in rising order, which may be infinite.

    Hyndman and Fan, Sample quantiles in statistical packages, 1996, definition 7, as numpy's: the
    value at (n - 1) share. Numpy's own gives nan beside an infinite value.

    Args:
      ordered: [..., n].
      share: in [0, 1].

    Returns:
      [...].
    """
    at = (ordered.shape[-1] - 1) * share
    below = math.floor(at)
    low, high = ordered[..., below], ordered[..., min(below + 1, ordered.shape[-1] - 1)]
    return between(low, high, at - below)


def between(low, high, share: float):
    """(1 - share) low + share high, where either may be infinite."""
    if share == 0.0:
        return low
    return np.where(low == high, low, (1.0 - share) * low + share * high)


def difference(first, second):
    """first - second, and 0 of two that are equal, also where both are infinite."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return np.subtract(first, second, out=np.zeros(first.shape), where=first != second)


def midranks(costs: np.ndarray) -> np.ndarray:
    """Ranks [n] from 1 of costs [n]; equal ones share the mean of their ranks."""
    ordered = np.sort(costs)
    less, up_to = (np.searchsorted(ordered, costs, side) for side in ("left", "right"))
    return (less + up_to + 1) / 2


def pairs_of(variants: int) -> list[tuple[int, int]]:
    """All (u, v) with u < v, in the order of every list of pairs here."""
    return list(itertools.combinations(range(variants), 2))


def two_directions(lower_is_better) -> tuple[bool, bool]:
    """Whether less is better, of each of two metrics."""
    if np.shape(lower_is_better) != (2,):
        raise UserError(
            f"lower_is_better is {lower_is_better!r}: it must be two of True and False, one "
            "for each metric"
        )
    return tuple(map(bool, lower_is_better))


def array_of(name: str, values) -> np.ndarray:
    """An array of what a caller gives.

    Raises:
      UserError: it is ragged.
    """
    try:
        return np.asarray(values)
    except ValueError as error:
        raise UserError(f"{name} are ragged: rows must be of one length") from error


def _is_several(value) -> bool:
    return isinstance(value, list | tuple) or np.ndim(value) > 0


def _numbers(scores) -> np.ndarray:
    scores = array_of("scores", scores)
    if scores.dtype.kind not in "iuf" and scores.size:
        raise UserError(f"scores are of the type {scores.dtype}: give numbers, nan of a failed run")
    if not scores.size:
        raise UserError("scores have no run: give at least one")
    return scores.astype(np.float64)


def _costs(scores: np.ndarray, lower_is_better: bool) -> np.ndarray:
    return np.where(np.abs(scores) <= _MOST, scores if lower_is_better else -scores, np.inf)
