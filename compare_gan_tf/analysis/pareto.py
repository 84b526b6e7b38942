"""Quality against diversity: the variants or runs that none beats in both."""

import numpy as np

from compare_gan_tf.analysis.scores import costs_of, two_directions
from compare_gan_tf.errors import UserError

__all__ = ["pareto_front"]


def pareto_front(quality, diversity, *, lower_is_better: tuple[bool, bool]) -> np.ndarray:
    """The indices of the pairs on the Pareto front, by quality from the best on.

    A pair is on the front if no other one is as good in both and better in one; pairs that are
    equal are all on it. A pair of which one failed is never on it: with all failed the front is
    empty.

    Args:
      quality, diversity: scores [n], such as precision and recall (Kynkaanniemi et al., 2019), or
        FID and MS-SSIM.
      lower_is_better: of each, whether a lower score is better: (False, False) for precision and
        recall.

    Returns:
      int [f].

    Raises:
      UserError: scores make no sense.
    """
    directions = two_directions(lower_is_better)
    costs = [costs_of(*one) for one in zip((quality, diversity), directions, strict=True)]
    if len(costs[0]) != len(costs[1]):
        raise UserError(f"{len(costs[0])} and {len(costs[1])} scores: give both of each pair")
    order = np.lexsort(costs[::-1])
    front, least, of_best = [], np.inf, np.inf
    for at in order:
        first, second = costs[0][at], costs[1][at]
        if np.isinf(first) or np.isinf(second):
            continue
        if second < least or (second == least and first == of_best):
            front.append(at)
            least, of_best = second, first
    return np.array(front, np.int64)
