"""Average ranks over blocks: tasks, or seeds of tasks, on each of which every variant has a score.

Demsar, Statistical comparisons of classifiers over multiple data sets, 2006, section 3.2:
Friedman's test says whether any variant differs, Nemenyi's by how much two average ranks must.
Ranks ask nothing of the scales of tasks. They have little power with few blocks: 5 tasks hardly
tell two of 4 variants apart.
"""

import dataclasses
import math

import numpy as np

from compare_gan_tf.analysis.letters import letter_display
from compare_gan_tf.analysis.scores import array_of, costs_of, midranks
from compare_gan_tf.analysis.student import range_quantile
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.kinds import require_number

__all__ = ["FriedmanTest", "friedman_test"]


@dataclasses.dataclass(frozen=True)
class FriedmanTest:
    """Average ranks of V variants over N blocks, and what differs.

    Attributes:
      average_ranks: [V], 1 is best; ties share the mean of their ranks.
      p_value: of Friedman's test, of the ranks permuted within blocks.
      critical_difference: Nemenyi's, by which two average ranks differ at the level alpha.
      different: bool [V, V].
      letters: of each variant; two variants share one where they are not different.
    """

    average_ranks: np.ndarray
    p_value: float
    critical_difference: float
    different: np.ndarray
    letters: list[str]


def friedman_test(
    scores,
    *,
    lower_is_better: bool = True,
    alpha: float = 0.05,
    permutations: int = 10_000,
    seed: int = 0,
) -> FriedmanTest:
    """Friedman's and Nemenyi's tests.

    The statistic is sum_v (R_v - (V + 1) / 2)^2 of the average ranks R, which orders outcomes as
    Friedman's chi^2 does, ties or not. Its p value is (1 + b) / (1 + permutations), b the number of
    permutations that give as much or more. Nemenyi's difference is q sqrt(V (V + 1) / (6 N)), with
    q the quantile 1 - alpha of the range of V normal draws over sqrt(2) (Demsar, table 5).

    Args:
      scores: [N, V], a row a block.
      lower_is_better: whether a lower score is better.
      alpha: the level of Nemenyi's test, in (0, 1).
      permutations: how many.
      seed: of them.

    Raises:
      UserError: scores or settings make no sense.
    """
    require_number("alpha", alpha, above=0.0, below=1.0)
    require_number("permutations", permutations, least=1, whole=True)
    require_number("seed", seed, least=0, whole=True)
    scores = array_of("scores", scores)
    if scores.ndim != 2 or min(scores.shape) < 2:
        raise UserError("scores must be [blocks, variants], with two of both or more")
    ranks = np.stack([midranks(costs_of(row, lower_is_better)) for row in scores])
    blocks, variants = ranks.shape
    average = ranks.mean(0)
    quantile = range_quantile(1.0 - alpha, variants) / math.sqrt(2.0)
    critical = quantile * math.sqrt(variants * (variants + 1) / (6.0 * blocks))
    different = abs(average[:, None] - average) >= critical
    return FriedmanTest(
        average_ranks=average,
        p_value=_p_value(ranks, permutations, np.random.default_rng(seed)),
        critical_difference=critical,
        different=different,
        letters=letter_display(different, np.argsort(average, kind="stable")),
    )


def _p_value(ranks: np.ndarray, permutations: int, rng: np.random.Generator) -> float:
    def spread(sums):
        return np.square(sums - ranks.sum() / ranks.shape[1]).sum(-1)

    sums = np.zeros([permutations, ranks.shape[1]])
    for row in np.sort(ranks, axis=1):  # the order of variants has no say
        sums += rng.permuted(np.tile(row, (permutations, 1)), axis=1)
    as_much = np.count_nonzero(spread(sums) >= spread(ranks.sum(0)) - 1e-9)
    return (1 + as_much) / (1 + permutations)
