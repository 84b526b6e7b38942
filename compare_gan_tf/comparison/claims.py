"""The claims of "The GAN landscape" (Kurach et al., 2018), as queries on a comparison.

A claim says that runs with some facts are better than runs with others. It is looked at in every
pair of variants that differ in these facts alone, on every data set, each with the seeds of its
best setting; what all pairs say together is supported, contradicted or undecided at the scale of
the comparison. The facts are the values of the axes "loss", "penalty", "normalisation", "network",
"ratio" and "variation", under the names that `base/landscape_axes.gin` gives them.
"""

import dataclasses
import itertools

import numpy as np

from compare_gan_tf.analysis import effects
from compare_gan_tf.analysis.effects import UNDECIDED, effect, likeness
from compare_gan_tf.analysis.log_efficiency import budget_ratio
from compare_gan_tf.analysis.significance import least_p_value
from compare_gan_tf.comparison import outcomes
from compare_gan_tf.comparison.records import Comparison, Run
from compare_gan_tf.comparison.table import LONG, TEXT, WHOLE, Column, Table, bounded

Facts = dict[str, str | tuple[str, ...]]

SCORES, SPREAD, BUDGET, LIKENESS = "scores", "spread", "budget", "likeness"
_RESNETS = ("ResNet", "ResNet19", "ResNet-CIFAR")
_PLAIN = {"penalty": "none", "normalisation": "none"}
_NS = {"loss": "non-saturating"}
_PLAIN_VARIATION, _OTHERS = "plain", "all but plain"
_LEAST_LIKENESS = 0.9
_ABSENT = "1:1"  # the ratio of a study that has no such axis


@dataclasses.dataclass(frozen=True)
class Claim:
    """Runs with the facts `better` are better than runs with the facts `worse`.

    Attributes:
      id: as the paper's reading numbers them.
      text: in words.
      better, worse: facts in which the two sides differ.
      where: facts that both have.
      by: what is better: lower SCORES, a lower SPREAD of all runs, or a smaller BUDGET; or a
        LIKENESS of the sides.
    """

    id: str
    text: str
    better: Facts
    worse: Facts
    where: Facts
    by: str = SCORES


CLAIMS = (
    Claim(
        "C1", "Spectral normalisation beats none with the non-saturating loss",
        {"normalisation": "spectral"}, {"normalisation": "none"}, _NS | {"penalty": "none"},
    ),
    Claim(
        "C2", "Batch normalisation in D is worse than none",
        {"normalisation": "none"}, {"normalisation": "batch"}, _NS | {"penalty": "none"},
    ),
    Claim(
        "C3", "The L2 penalty is worse than none",
        {"penalty": "none"}, {"penalty": "L2"}, _NS | {"normalisation": "none"},
    ),
    Claim(
        "C4a", "The gradient penalty beats none",
        {"penalty": "gradient penalty"}, {"penalty": "none"}, _NS | {"normalisation": "none"},
    ),
    Claim(
        "C4b", "The gradient penalty spreads more than spectral normalisation",
        {"penalty": "none", "normalisation": "spectral"},
        {"penalty": "gradient penalty", "normalisation": "none"}, _NS, SPREAD,
    ),
    Claim(
        "C5a", "With the gradient penalty a ResNet is better with 5 updates of D for one of G",
        {"ratio": "5:1"}, {"ratio": "1:1"},
        _NS | {"penalty": "gradient penalty", "normalisation": "none", "network": _RESNETS},
    ),
    Claim(
        "C5b", "With the gradient penalty SNDCGAN is better with one update of D for one of G",
        {"ratio": "1:1"}, {"ratio": "5:1"},
        _NS | {"penalty": "gradient penalty", "normalisation": "none", "network": "SNDCGAN"},
    ),
    Claim(
        "C6", "Spectral normalisation needs a smaller budget than the gradient penalty",
        {"penalty": "none", "normalisation": "spectral"},
        {"penalty": "gradient penalty", "normalisation": "none"}, _NS, BUDGET,
    ),
    Claim(
        "C7", "The gradient penalty with spectral or layer normalisation beats neither",
        {"penalty": "gradient penalty", "normalisation": ("spectral", "layer")}, _PLAIN, _NS,
    ),
    Claim(
        "C8", "With spectral normalisation the non-saturating loss spreads less than Wasserstein's",
        {"loss": "non-saturating"}, {"loss": "Wasserstein"},
        {"penalty": "none", "normalisation": "spectral"}, SPREAD,
    ),
    Claim(
        "C9a", "SNDCGAN profits from spectral normalisation",
        {"normalisation": "spectral"}, {"normalisation": "none"},
        _NS | {"penalty": "none", "network": "SNDCGAN"},
    ),
    Claim(
        "C9b", "A ResNet profits from spectral normalisation",
        {"normalisation": "spectral"}, {"normalisation": "none"},
        _NS | {"penalty": "none", "network": _RESNETS},
    ),
    Claim(
        "C10", "Most variations of a ResNet change its score by less than a tenth",
        {"variation": _PLAIN_VARIATION}, {"variation": _OTHERS}, {}, LIKENESS,
    ),
)  # fmt: skip


def claims(comparison: Comparison, level: float = 0.95) -> Table:
    """A row for each claim that the runs of a comparison say something of.

    Args:
      comparison: whose axes have the names above.
      level: of confidence, of each claim by itself.
    """
    rows = [row for claim in CLAIMS if (row := _row(comparison, claim, level))]
    return Table(
        "claims",
        "Claims of the GAN landscape",
        "Each claim in all pairs of variants that differ in it alone. Chance: that a run of the "
        "side which the claim prefers is the better one, 0.5 for a tie; of a spread, that its "
        "distance from the median of its variant is the smaller one. Ratio: of the other side's "
        "median to that of the preferred side, above 1 where the claim holds; of budgets, of "
        "the runs that each needs; of variations, of the smaller median to the larger one, in a "
        "typical pair. Intervals are bootstraps over seeds, of 95 %. Undecided: the "
        "interval holds a tie, or there are too few runs.",
        [
            Column("id", "", TEXT),
            Column("claim", "Claim", LONG),
            Column("verdict", "Here", TEXT),
            Column("chance", "Chance", interval=True),
            Column("ratio", "Ratio", interval=True),
            Column("pairs", "Pairs", WHOLE),
            Column("runs", "Runs", WHOLE),
            Column("reason", "Why", LONG),
        ],
        rows,
    )


def _row(comparison: Comparison, claim: Claim, level: float) -> dict | None:
    lower = outcomes.lower_is_better(comparison)
    pairs = _pairs(comparison, claim)
    if not pairs:
        return None
    better, worse = zip(*pairs, strict=True)
    row = {"id": claim.id, "claim": claim.text, "pairs": len(pairs)}
    row["runs"] = sum(map(len, (*better, *worse)))
    if claim.by == BUDGET:
        return row | _of_budgets(comparison, better, worse, lower, level)
    sides = [
        [_values(comparison, runs, claim.by, lower) for runs in side] for side in (better, worse)
    ]
    positive = all(np.nanmin(one, initial=np.inf) > 0 for side in sides for one in side)
    if claim.by == LIKENESS:
        return row | _of_variations(better, *sides, positive, lower, level)
    settings = {"lower_is_better": lower or claim.by == SPREAD, "level": level}
    chance = effect(*sides, "probability", **settings)
    row |= {"verdict": chance.verdict, "reason": chance.reason} | bounded("chance", chance.interval)
    ratio = (None, None, None)
    if claim.by == SCORES and positive:
        ratio = effect(*sides, "ratio", **settings).interval
    return row | bounded("ratio", ratio)


def _pairs(comparison: Comparison, claim: Claim) -> list[tuple[list[Run], list[Run]]]:
    """(runs with the facts of the better side, with those of the worse), the rest being equal."""
    sides: list[dict[tuple, dict[tuple, list[Run]]]] = [{}, {}]
    differing = {**claim.better, **claim.worse}
    for run in outcomes.ended(comparison.runs):
        facts = _facts(run)
        rest = tuple(sorted((k, v) for k, v in facts.items() if k not in differing)), run.task
        for side, wanted in zip(sides, (claim.better, claim.worse), strict=True):
            if _fits(facts, claim.where | wanted):
                chosen = tuple(facts.get(name) for name in wanted)
                side.setdefault(rest, {}).setdefault(chosen, []).append(run)
    return [
        (first, second)
        for rest in sides[0].keys() & sides[1].keys()
        for first, second in itertools.product(sides[0][rest].values(), sides[1][rest].values())
    ]


def _facts(run: Run) -> dict[str, str]:
    """The variant, and the ratio of updates, which may be a setting."""
    named = [str(value).split(", ")[-1] for name, value in run.setting.items() if "ratio" in name]
    return {"ratio": named[0] if named else _ABSENT} | run.variant


def _fits(facts: dict[str, str], wanted: Facts) -> bool:
    return all(
        facts.get(name, _PLAIN_VARIATION) != _PLAIN_VARIATION
        if value == _OTHERS
        else facts.get(name) in (value if isinstance(value, tuple) else (value,))
        for name, value in wanted.items()
    )


def _values(comparison: Comparison, runs: list[Run], by: str, lower: bool) -> np.ndarray:
    """The scores of the best setting's seeds, or the distances of all runs from their median."""
    if by != SPREAD:
        runs = outcomes.outcome({}, runs, comparison.metric, lower).chosen
    scores = np.array([outcomes.reported(run, comparison.metric) for run in runs])
    if by != SPREAD or np.isnan(scores).all():
        return scores
    return np.abs(scores - np.nanmedian(scores))


def _of_variations(plain, firsts, seconds, positive: bool, lower: bool, level: float) -> dict:
    """How alike the variations are to the plain runs of their group, which they share."""
    row = {"verdict": UNDECIDED, "reason": "a ratio needs scores above 0"}
    groups: dict[int, tuple] = {}
    for runs, first, second in zip(plain, firsts, seconds, strict=True):
        groups.setdefault(id(runs), (first, []))[1].append(second)
    found = (None, None, None)
    if positive:
        alike = likeness([*groups.values()], _LEAST_LIKENESS, lower_is_better=lower, level=level)
        row, found = {"verdict": alike.verdict, "reason": alike.reason}, alike.interval
    return row | bounded("chance", (None, None, None)) | bounded("ratio", found)


def _of_budgets(comparison: Comparison, better, worse, lower: bool, level: float) -> dict:
    """Of each pair how many times the runs the worse side needs; together, their geometric mean."""
    logarithms, least = [], 1.0
    for first, second in zip(better, worse, strict=True):
        scores = [
            np.array([outcomes.selected(run, comparison.metric) for run in runs])
            for runs in (second, first)
        ]
        found = budget_ratio(*scores, lower_is_better=lower, level=level)
        with np.errstate(divide="ignore"):  # an end may be 0 or infinite
            logarithms.append(np.log(np.array(found.ratio)))
        least *= least_p_value(len(first), len(second), paired=False) / 2.0
    ratio = np.exp(np.mean(logarithms, axis=0))
    decided, reason = effects.verdict(effects.Interval(*ratio), 1.0, 2.0 * least, 1.0 - level)
    row = {"verdict": decided, "reason": reason} | bounded("ratio", ratio)
    return row | bounded("chance", (None, None, None))
