"""How stable a ranking of variants is: whether other runs would rank them alike."""

import dataclasses

import numpy as np

from compare_gan_tf.analysis.aggregates import Aggregate, applied, iqm
from compare_gan_tf.analysis.bootstrap import bounded, together
from compare_gan_tf.analysis.correlation import tau_b
from compare_gan_tf.analysis.scores import (
    Interval,
    midranks,
    require_common_seeds,
    require_sampling,
    variants_of,
)
from compare_gan_tf.errors import UserError

__all__ = ["RankStability", "rank_stability"]


@dataclasses.dataclass(frozen=True)
class RankStability:
    """The ranks of V variants, 1 is best, in the sample and in its resamples.

    Attributes:
      ranks: in the sample [V]; variants that tie share the mean of their ranks.
      distribution: [V, V], at [v, r] the share of resamples in which variant v has rank r + 1; rows
        and columns sum to 1, since variants that tie have each of their ranks in equal parts.
      best: [V], the share in which a variant is the best one: column 0.
      expected: [V], the mean rank over resamples, with percentiles of it.
      tau: Kendall's tau-b between the ranking of the sample and that of a resample: the mean over
        resamples, and percentiles. 1: the same ranking, 0: an unrelated one.
    """

    ranks: np.ndarray
    distribution: np.ndarray
    best: np.ndarray
    expected: Interval
    tau: Interval


def rank_stability(
    variants,
    aggregate: Aggregate = iqm,
    *,
    paired: bool = False,
    lower_is_better: bool = True,
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> RankStability:
    """The bootstrap distribution of the ranks of variants: runs are drawn again within each task.

    Agarwal et al. (2021) show ranks so: a variant that is best in the sample may be best in a third
    of the resamples.

    Args:
      variants: the scores of each, [runs], [runs, tasks] or a list of those [n_t] of each task.
      aggregate: what variants are ranked by, one of `aggregates`.
      paired: run i of a task is of one seed in all variants; seeds are drawn, not runs.
      lower_is_better: whether a lower score is better.
      level: of the percentiles, in (0, 1).
      resamples: how many.
      seed: of the resamples.

    Raises:
      UserError: scores or settings make no sense, or a variant has one run of a task.
    """
    require_sampling(resamples, level, seed)
    variants = variants_of(variants, lower_is_better)
    if paired:
        require_common_seeds(variants)
    sizes = [len(costs) for tasks in variants for costs in tasks]
    if min(sizes) < 2:
        raise UserError("a variant has one run of a task: the stability of ranks needs two or more")

    def of_resample(drawn):
        return np.stack([applied(aggregate, tasks) for tasks in drawn], axis=-1)

    replicates = together(variants, of_resample, resamples, np.random.default_rng(seed), paired)
    less, equal = _places(replicates)
    ranks, drawn = midranks(of_resample(variants)), less + (equal + 1) / 2
    distribution = _distribution(less[..., None], equal[..., None])
    taus = tau_b(ranks, drawn)
    return RankStability(
        ranks=ranks,
        distribution=distribution,
        best=distribution[:, 0],
        expected=bounded(drawn.mean(0), drawn, sizes, level, "percentile"),
        tau=Interval(*map(float, bounded(taus.mean(), taus, sizes, level, "percentile"))),
    )


def _places(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many variants cost less, and as much, with itself, [B, V] each, of the costs [B, V]."""
    first, second = costs[:, :, None], costs[:, None, :]
    return np.count_nonzero(second < first, axis=-1), np.count_nonzero(second == first, axis=-1)


def _distribution(less: np.ndarray, equal: np.ndarray) -> np.ndarray:
    """[V, V]: the share of resamples with each rank for each variant, of [B, V, 1]."""
    places = np.arange(less.shape[1])
    return (((places >= less) & (places < less + equal)) / equal).mean(0)
