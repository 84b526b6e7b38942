"""What the runs of a variant scored, in a few numbers; all of them, and its best 5 %."""

import dataclasses

import numpy as np

from compare_gan_tf.analysis.aggregates import iqm
from compare_gan_tf.analysis.scores import costs_of, quantile, turned
from compare_gan_tf.settings.kinds import require_number

__all__ = ["BestShare", "Summary", "best_share", "summary"]


@dataclasses.dataclass(frozen=True)
class Summary:
    """The runs of one variant on one task; what failed runs reach into is infinite.

    Attributes:
      runs: how many, failed ones too.
      failures: how many have no finite score.
      median: half of the runs score lower.
      iqm: the mean of the runs without the floor(runs / 4) lowest and highest.
      lower_quartile, upper_quartile: a quarter of the runs scores lower, or higher.
      minimum, maximum: of all runs.
    """

    runs: int
    failures: int
    median: float
    iqm: float
    lower_quartile: float
    upper_quartile: float
    minimum: float
    maximum: float


@dataclasses.dataclass(frozen=True)
class BestShare:
    """The best runs of one variant on one task, as in the figures of Kurach et al. (2018).

    Attributes:
      scores: of the best runs, the best one first; infinite are failed ones.
      median, lower_quartile, upper_quartile: of them.
    """

    scores: np.ndarray
    median: float
    lower_quartile: float
    upper_quartile: float


def summary(scores, *, lower_is_better: bool = True) -> Summary:
    """The summary of the scores [runs] of one variant on one task.

    Raises:
      UserError: they are no numbers, or none.
    """
    ordered = np.sort(turned(costs_of(scores, lower_is_better), lower_is_better))
    lower, middle, upper = _quartiles(ordered)
    return Summary(
        runs=len(ordered),
        failures=int(np.isinf(ordered).sum()),
        median=middle,
        iqm=float(iqm([ordered])),
        lower_quartile=lower,
        upper_quartile=upper,
        minimum=float(ordered[0]),
        maximum=float(ordered[-1]),
    )


def best_share(scores, share: float = 0.05, *, lower_is_better: bool = True) -> BestShare:
    """The best runs: floor(share n) of them, and one at least.

    Kurach et al., The GAN Landscape, 2018, compare the best 5 % of each variant: a lower median is
    better, a lower spread is more stable. It favours the variant with more runs no more than the
    other as long as both have 20 runs or more.

    Args:
      scores: [runs] of one variant on one task.
      share: in (0, 1].
      lower_is_better: whether a lower score is better.

    Raises:
      UserError: scores are no numbers, or none, or the share is none.
    """
    require_number("share", share, above=0.0, most=1.0)
    costs = np.sort(costs_of(scores, lower_is_better))
    kept = max(1, int(share * len(costs) + 1e-9))  # 0.29 * 100 is 28.999999999999996
    best = turned(costs[:kept], lower_is_better)
    lower, middle, upper = _quartiles(np.sort(best))
    return BestShare(best, middle, lower, upper)


def _quartiles(ordered: np.ndarray) -> list[float]:
    return [float(quantile(ordered, share)) for share in (0.25, 0.5, 0.75)]
