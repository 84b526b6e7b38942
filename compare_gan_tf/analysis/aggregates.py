"""Aggregates of the runs of all tasks: what a bootstrap interval may be of.

An aggregate takes the costs of each task, a list of arrays [..., n_t], and gives [...]: one number
for each resample. Each is larger, or as large, when a cost is, and +inf when it meets a failed run.
"""

from collections.abc import Callable

import numpy as np

from compare_gan_tf.analysis.scores import quantile
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.kinds import require_number

__all__ = ["Aggregate", "iqm", "mean", "median", "median_of_means", "optimality_gap"]

Aggregate = Callable[[list[np.ndarray]], np.ndarray]


def median(tasks: list[np.ndarray]) -> np.ndarray:
    """The median of the runs of all tasks together; infinite from half of them failed on."""
    return quantile(np.sort(np.concatenate(tasks, axis=-1), axis=-1), 0.5)


def iqm(tasks: list[np.ndarray]) -> np.ndarray:
    """The interquartile mean of the runs of all tasks together.

    Agarwal et al., Deep reinforcement learning at the edge of the statistical precipice, 2021,
    section 4.3: the mean of what is left of N runs without the floor(N / 4) lowest and highest.
    Infinite when more than floor(N / 4) runs failed.
    """
    ordered = np.sort(np.concatenate(tasks, axis=-1), axis=-1)
    cut = ordered.shape[-1] // 4
    return ordered[..., cut : ordered.shape[-1] - cut].mean(-1)


def mean(tasks: list[np.ndarray]) -> np.ndarray:
    """The mean over tasks of the mean over runs; one failed run makes it infinite."""
    return np.mean([costs.mean(-1) for costs in tasks], axis=0)


def median_of_means(tasks: list[np.ndarray]) -> np.ndarray:
    """The median over tasks of the mean over runs: what Agarwal et al. (2021) call the median."""
    return quantile(np.sort(np.stack([costs.mean(-1) for costs in tasks], axis=-1), axis=-1), 0.5)


def optimality_gap(target: float, lower_is_better: bool = True) -> Aggregate:
    """An aggregate: by how much runs miss a target, where a run that is better counts 0.

    Agarwal et al. (2021), section 4.3, where the target is gamma. With costs c and the target's g
    it is the mean over tasks of mean_i max(c_i - g, 0), of which less is better also where more of
    the score is better; `interval` gives it back as it is. One failed run makes it infinite.

    Args:
      target: the score that is good enough.
      lower_is_better: as of the scores.
    """
    require_number("target", target)
    goal = target if lower_is_better else -target

    def gap(tasks: list[np.ndarray]) -> np.ndarray:
        return mean([np.maximum(costs, goal) - goal for costs in tasks])

    gap.is_cost = True
    return gap


def applied(aggregate: Aggregate, tasks: list[np.ndarray]) -> np.ndarray:
    """An aggregate of costs [..., n_t] of each task.

    Raises:
      UserError: it is no function, or gives another shape than [...].
    """
    if not callable(aggregate):
        raise UserError(f"aggregate is {aggregate!r}: it must be a function, such as analysis.iqm")
    found, shape = np.asarray(aggregate(tasks)), tasks[0].shape[:-1]
    if found.shape != shape:
        raise UserError(
            f"aggregate gives the shape {list(found.shape)} where it must give {list(shape)}: a "
            "number for each resample of costs [resamples, n_t] of each task"
        )
    return found
