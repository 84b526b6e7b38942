"""The claims of "The GAN landscape" (Kurach et al., 2018), as queries on a comparison.

A claim says that runs with some facts are better than runs with others. It is looked at in every
pair of variants that differ in these facts alone, on every data set; what all pairs say together is
supported, contradicted or undecided at the scale of the comparison. A claim on scores is looked at
twice: with the seeds of the best setting of each variant, and in pairs of one setting, for each
that both have: the first is what a search finds, the second what a setting at random gives. The
facts are the values of the axes "loss", "penalty", "normalisation", "network", "ratio" and
"variation", under the names that `base/landscape_axes.gin` and the packaged studies give them.
"""

import dataclasses
import itertools

import numpy as np

from compare_gan_tf.analysis import effects
from compare_gan_tf.analysis.effects import UNDECIDED, Effect, effect, likeness
from compare_gan_tf.analysis.log_efficiency import budget_ratio
from compare_gan_tf.analysis.significance import least_p_value
from compare_gan_tf.comparison import outcomes
from compare_gan_tf.comparison.records import Comparison, Run
from compare_gan_tf.comparison.table import LONG, TEXT, WHOLE, Column, Table, bounded

Facts = dict[str, str | tuple[str, ...]]
Pairs = list[tuple[list[Run], list[Run]]]

SCORES, SPREAD, BUDGET, LIKENESS = "scores", "spread", "budget", "likeness"
BEST, EACH, ALL = "the best", "each", "all"  # settings
_RESNETS = ("ResNet", "ResNet19", "ResNet-CIFAR")
_PLAIN = {"penalty": "none", "normalisation": "none"}
_NS = {"loss": "non-saturating"}
_PLAIN_VARIATION, _OTHERS = "plain", "all but plain"
_LEAST_LIKENESS = 0.9
_NOTHING = (None, None, None)  # in the place of an interval
_ABSENT = "1:1"  # the ratio of a study that has no such axis


@dataclasses.dataclass(frozen=True)
class Claim:
    """Runs with the facts `better` are better than runs with the facts `worse`.

    Attributes:
      id: as the paper's reading numbers them.
      text: in words.
      better, worse: facts in which the two sides differ.
      where: facts that both have.
      by: what is claimed: lower SCORES, a lower SPREAD of all runs, a smaller BUDGET, or the
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
    """Rows for each claim that the runs of a comparison say something of.

    Args:
      comparison: whose axes have the names above.
      level: of confidence, of each claim by itself.
    """
    rows = [row for claim in CLAIMS for row in _rows(comparison, claim, level)]
    return Table(
        "claims",
        "Claims of the GAN landscape",
        "Each claim in all pairs of variants that differ in it alone: with the best setting of "
        "each, in each setting that both have, or with the runs of all. Chance: that a run of the "
        "side which the claim prefers is the better one, 0.5 for a tie; of a spread, that its "
        "distance from the median of its variant is the smaller one. Ratio: of the other side's "
        "median to that of the preferred side, above 1 where the claim holds; of budgets, of "
        "the runs that each needs; of variations, of the smaller median to the larger one, in a "
        "typical variation. Intervals are bootstraps over seeds, of 95 %. Undecided: the "
        "interval holds a tie, or there are too few runs.",
        [
            Column("id", "", TEXT),
            Column("claim", "Claim", LONG),
            Column("settings", "Settings", TEXT),
            Column("verdict", "Here", TEXT),
            Column("chance", "Chance", interval=True),
            Column("ratio", "Ratio", interval=True),
            Column("pairs", "Pairs", WHOLE),
            Column("runs", "Runs", WHOLE),
            Column("reason", "Why", LONG),
        ],
        rows,
    )


def _rows(comparison: Comparison, claim: Claim, level: float) -> list[dict]:
    lower = outcomes.lower_is_better(comparison)
    found = _pairs(comparison, claim)
    readings = {ALL: found}
    if claim.by in (SCORES, LIKENESS):
        readings = {BEST: [[_best(comparison, runs, lower) for runs in pair] for pair in found]}
    if claim.by == SCORES:
        each = [pair for first, second in found for pair in _at_each_setting(first, second)]
        readings |= {EACH: each} if len(each) > len(found) else {}
    verdict = {SCORES: _of_scores, LIKENESS: _of_likeness, SPREAD: _of_spread, BUDGET: _of_budgets}
    return [
        {"id": claim.id, "claim": claim.text, "settings": reading, "pairs": len(pairs)}
        | {"runs": len({run.name for pair in pairs for runs in pair for run in runs})}
        | verdict[claim.by](comparison, pairs, lower, level)
        for reading, pairs in readings.items()
        if pairs
    ]


def _pairs(comparison: Comparison, claim: Claim) -> Pairs:
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
        for rest in sides[0]
        if rest in sides[1]
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


def _best(comparison: Comparison, runs: list[Run], lower: bool) -> list[Run]:
    """The runs of the setting that is selected."""
    return outcomes.outcome({}, runs, comparison.metric, lower).chosen


def _at_each_setting(first: list[Run], second: list[Run]) -> Pairs:
    """The runs of each setting that both sides have."""
    sides: tuple[dict, dict] = ({}, {})
    for side, runs in zip(sides, (first, second), strict=True):
        for run in runs:
            setting = {name: value for name, value in run.setting.items() if "ratio" not in name}
            side.setdefault(tuple(sorted(setting.items())), []).append(run)
    return [(sides[0][setting], sides[1][setting]) for setting in sides[0] if setting in sides[1]]


def _scores(comparison: Comparison, pairs: Pairs) -> list[list[np.ndarray]]:
    """The scores [n] that are reported of both sides of each pair: of the first, of the second."""
    return [
        [np.array([outcomes.reported(run, comparison.metric) for run in runs]) for runs in side]
        for side in zip(*pairs, strict=True)
    ]


def _have_ratios(sides: list[list[np.ndarray]]) -> bool:
    return all(np.nanmin(one, initial=np.inf) > 0 for side in sides for one in side)


def _of_scores(comparison: Comparison, pairs: Pairs, lower: bool, level: float) -> dict:
    """That the first side's runs are better than the second's, and by which ratio."""
    sides = _scores(comparison, pairs)
    chance = effect(*sides, "probability", lower_is_better=lower, level=level)
    ratio = _NOTHING
    if _have_ratios(sides):
        ratio = effect(*sides, "ratio", lower_is_better=lower, level=level).interval
    return _verdict(chance, chance.interval, ratio)


def _of_spread(comparison: Comparison, pairs: Pairs, lower: bool, level: float) -> dict:
    """That the first side's runs are nearer to their median than the second's."""
    sides = [
        [one if np.isnan(one).all() else np.abs(one - np.nanmedian(one)) for one in side]
        for side in _scores(comparison, pairs)
    ]
    chance = effect(*sides, "probability", level=level)
    return _verdict(chance, chance.interval, _NOTHING)


def _of_likeness(comparison: Comparison, pairs: Pairs, lower: bool, level: float) -> dict:
    """How alike the second sides, variations, are to the first, which several of them share."""
    sides = _scores(comparison, pairs)
    if not _have_ratios(sides):
        return _verdict(Effect("", _NOTHING, UNDECIDED, "a ratio needs scores above 0"))
    groups: dict[str, tuple] = {}
    for (runs, _), plain, varied in zip(pairs, *sides, strict=True):
        groups.setdefault(runs[0].name, (plain, []))[1].append(varied)
    alike = likeness([*groups.values()], _LEAST_LIKENESS, lower_is_better=lower, level=level)
    return _verdict(alike, _NOTHING, alike.interval)


def _verdict(found: Effect, chance=_NOTHING, ratio=_NOTHING) -> dict:
    row = {"verdict": found.verdict, "reason": found.reason}
    return row | bounded("chance", chance) | bounded("ratio", ratio)


def _of_budgets(comparison: Comparison, pairs: Pairs, lower: bool, level: float) -> dict:
    """Of each pair how many times the runs the worse side needs; together, their geometric mean."""
    logarithms, least = [], 1.0
    for first, second in pairs:
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
    return _verdict(Effect("ratio", ratio, decided, reason), ratio=ratio)
