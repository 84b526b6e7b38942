"""A verdict on the claim "A beats B": an effect, its interval, and the side of nothing it is on.

The effect on a task is positive for A whichever direction scores have:

    probability   P(A < B) + P(A = B) / 2 of costs, that of improvement; nothing is 1/2
    difference    median(B) - median(A) of costs; nothing is 0
    ratio         median(B) / median(A) of scores, or A / B where more is better; nothing is 1

The probability is over all pairs of runs, or where seeds are common over the pairs of one seed.
Over tasks the mean is taken, of ratios the geometric one.

`likeness` asks the opposite, whether variations are as good as equal to what they vary: the smaller
of the two medians over the larger one, of which the median over all variations is taken.

The verdict is "supported" where the interval lies above nothing, "contradicted" where it lies
below, and "undecided" where nothing is in it, or where there are too few runs: so few that one
variant could be better in all of them by chance, with probability 1 - level or more. One task
decides from 4 runs of each variant on, or from 6 common seeds, at a level of 95 %.
"""

import dataclasses
import itertools
import math

import numpy as np

from compare_gan_tf.analysis.aggregates import median
from compare_gan_tf.analysis.bootstrap import bounded, counts_of, in_order, together
from compare_gan_tf.analysis.improvement import beats
from compare_gan_tf.analysis.scores import (
    Interval,
    difference,
    require_common_seeds,
    require_sampling,
    variants_of,
)
from compare_gan_tf.analysis.significance import least_p_value
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.kinds import require_number, require_one_of

__all__ = ["CONTRADICTED", "SUPPORTED", "UNDECIDED", "Effect", "effect", "likeness"]

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
_MOST_LOGARITHM = 709.0  # of a float64
_NOTHING = {"probability": 0.5, "difference": 0.0, "ratio": 1.0}


@dataclasses.dataclass(frozen=True)
class Effect:
    """What the runs say on "A beats B".

    Attributes:
      kind: "probability", "difference", "ratio" or "likeness".
      interval: of the effect, more is better for the claim.
      verdict: "supported", "contradicted" or "undecided".
      reason: why, a clause.
    """

    kind: str
    interval: Interval
    verdict: str
    reason: str


def effect(
    first,
    second,
    kind: str = "probability",
    *,
    paired: bool = False,
    lower_is_better: bool = True,
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Effect:
    """The effect of choosing the first variant over the second, and the verdict on that it is
    better.

    Medians of which half of the runs failed are infinite: a difference is then infinite, a ratio
    infinite or 0, and both are nothing where both medians are. Of m claims at once, use the level
    1 - 0.05 / m.

    Args:
      first, second: scores, [runs], [runs, tasks] or a list of those [n_t] of each task.
      kind: "probability", which asks for an order alone; "difference", in units of the score, for
        tasks of one scale; "ratio", of scores above 0.
      paired: run i of a task is of one seed in both variants: seeds are drawn, not runs.
      lower_is_better: whether a lower score is better.
      level: of confidence, in (0, 1).
      resamples: how many.
      seed: of the resamples.

    Raises:
      UserError: scores or settings make no sense.
    """
    require_sampling(resamples, level, seed)
    require_one_of("kind", kind, tuple(_NOTHING))
    variants = variants_of([first, second], lower_is_better)
    if paired:
        require_common_seeds(variants)
    rng = np.random.default_rng(seed)
    if kind == "probability":
        value, drawn = _probabilities(variants, resamples, rng, paired)
    else:
        variants = _logarithms(variants, lower_is_better) if kind == "ratio" else variants
        value = _of_medians(variants)
        drawn = together(variants, _of_medians, resamples, rng, paired)
    sizes = [len(costs) for tasks in variants for costs in tasks]
    found = bounded(np.float64(value), drawn, sizes, level, "expanded")
    if kind == "ratio":
        found = Interval(*map(_exponential, found))
    elif kind == "probability":
        found = Interval(*np.clip(found, 0.0, 1.0))
    found = Interval(*map(float, found))
    least_p = _least_p_value(variants, paired)
    return Effect(kind, found, *verdict(found, _NOTHING[kind], least_p, 1.0 - level))


def likeness(
    groups,
    least: float = 0.9,
    *,
    lower_is_better: bool = True,
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Effect:
    """How alike a typical variation is to what it varies, and the verdict on that they are alike.

    Medians of few runs differ by chance, and therefore look less alike than they are.

    Args:
      groups: a list of (scores [n] of what is varied, list of the scores [n_k] of each variation),
        all above 0.
      least: the likeness, in (0, 1), above which two are as good as equal.
      lower_is_better: whether a lower score is better.
      level: of confidence, in (0, 1).
      resamples: how many.
      seed: of the resamples.

    Raises:
      UserError: scores or settings make no sense.
    """
    require_sampling(resamples, level, seed)
    require_number("least", least, above=0.0, below=1.0)
    if not groups or not all(variations for _, variations in groups):
        raise UserError("likeness needs groups of a variant and at least one variation of it")
    runs = [scores for plain, variations in groups for scores in (plain, *variations)]
    runs = _logarithms(variants_of(runs, lower_is_better), lower_is_better)
    ends = [0, *itertools.accumulate(1 + len(variations) for _, variations in groups)]

    def in_groups(ones):
        return [ones[start:end] for start, end in itertools.pairwise(ends)]

    def nearness(runs):
        parts = in_groups(np.stack([median(tasks) for tasks in runs]))
        return np.median(np.concatenate([-abs(difference(p[1:], p[:1])) for p in parts]), axis=0)

    drawn = together(runs, nearness, resamples, np.random.default_rng(seed), paired=False)
    costs = [costs for [costs] in runs]
    found = bounded(np.float64(nearness(runs)), drawn, [*map(len, costs)], level, "expanded")
    found = Interval(*(math.exp(min(0.0, float(end))) for end in found))
    pairs = [(plain, one) for plain, *varied in in_groups(costs) for one in varied]
    least_p = _least_p_value([*zip(*pairs, strict=True)])
    return Effect("likeness", found, *verdict(found, least, least_p, 1.0 - level))


def verdict(found: Interval, nothing: float, least_p: float, alpha: float) -> tuple[str, str]:
    """The verdict and its reason.

    Args:
      found: the effect, of which more is better for the claim.
      nothing: its value where the claim's sides are equal.
      least_p: the probability that one side beats the other in all runs by chance.
      alpha: 1 - level.
    """
    if least_p >= alpha:
        chance = f"with probability {least_p:.3g}"
        return UNDECIDED, f"with so few runs one variant is better in all by chance {chance}"
    span = f"the interval [{found.low:.4g}, {found.high:.4g}]"
    if found.low > nothing:
        return SUPPORTED, f"{span} lies above {nothing:g}"
    if found.high < nothing:
        return CONTRADICTED, f"{span} lies below {nothing:g}"
    return UNDECIDED, f"{span} holds {nothing:g}"


def _probabilities(variants, resamples: int, rng, paired: bool) -> tuple[float, np.ndarray]:
    """The mean over tasks of the probability of improvement, and of each resample."""
    values, drawn = [], []
    for first, second in zip(*in_order(variants, paired), strict=True):
        wins, counts = beats(first, second), counts_of(len(first), resamples, rng)
        if paired:
            values.append(wins.diagonal().mean())
            drawn.append(counts @ wins.diagonal() / len(first))
        else:
            others = counts_of(len(second), resamples, rng)
            values.append(wins.mean())
            drawn.append(((counts @ wins) * others).sum(1) / wins.size)
    return float(np.mean(values)), np.mean(drawn, axis=0)


def _of_medians(variants: list[list[np.ndarray]]) -> np.ndarray:
    """The mean over tasks of the second's median less the first's, [...] of costs [..., n_t].

    0 where one is infinitely better on one task, and the other on another.
    """
    first, second = (np.stack([median([costs]) for costs in tasks]) for tasks in variants)
    found = difference(second, first)
    split = (found == np.inf).any(0) & (found == -np.inf).any(0)
    return np.where(split, 0.0, np.mean(np.where(split, 0.0, found), axis=0))


def _logarithms(variants, lower_is_better: bool) -> list[list[np.ndarray]]:
    """Costs of the logarithms of scores."""
    sign = 1.0 if lower_is_better else -1.0
    finite = [costs[np.isfinite(costs)] * sign for tasks in variants for costs in tasks]
    worst = min((scores.min() for scores in finite if len(scores)), default=1.0)
    if worst <= 0.0:
        raise UserError(f"a score is {worst:g}: a ratio needs scores above 0; choose another kind")
    return [
        [
            np.log(sign * costs, out=np.full(len(costs), sign * np.inf), where=np.isfinite(costs))
            * sign
            for costs in tasks
        ]
        for tasks in variants
    ]


def _exponential(logarithm: float) -> float:
    return math.exp(logarithm) if logarithm < _MOST_LOGARITHM else math.inf


def _least_p_value(variants, paired: bool = False) -> float:
    """Over all tasks: the probability that all runs of one variant are better by chance."""
    least = [
        least_p_value(len(first), len(second), paired)
        for first, second in zip(*variants, strict=True)
    ]
    return float(min(1.0, 2.0 * np.prod(np.array(least) / 2.0)))
