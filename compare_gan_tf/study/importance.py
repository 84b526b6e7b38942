"""Which axes and settings of a comparison matter for its score.

By PED-ANOVA (Watanabe et al., 2023, arXiv:2304.10255), and, for settings that only some variants
have, its conditional form (arXiv:2601.20800): how far the distribution of a setting among the best
runs lies from that among all runs (Pearson divergence).
"""

import math
import warnings
from collections import defaultdict

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import PedAnovaImportanceEvaluator

from compare_gan_tf.comparison.records import COMPLETE, Comparison, Run
from compare_gan_tf.study.connection import optuna  # which it keeps quiet

_BEST = 0.1  # of the runs are the best ones
_FEWEST_BEST = 5  # for fewer the divergence is mostly noise
_FEWEST = 10  # runs

Numbers = bool | int | float | str


def importances(comparison: Comparison) -> dict[str, float]:
    """How much each axis and each setting matters for the metric that ranks.

    Runs are ranked within their task, so that an easy data set does not count as a merit. Numbers
    are compared by their ranks too: it is the same whether a range was searched on a logarithmic
    scale.

    Args:
      comparison: with any runs; only those that are complete and have a finite score count.

    Returns:
      {name of the axis or setting: share}, in [0, 1] with sum 1, the largest first; 0 for what has
      one value in all runs. All are 0 where nothing matters. Empty where fewer than ten runs count,
      or the metric has no better direction.
    """
    higher = comparison.higher_is_better.get(comparison.metric)
    scored = [run for run in comparison.runs if _score(run, comparison.metric) is not None]
    if len(scored) < _FEWEST or higher is None:
        return {}
    study = optuna.create_study(storage=optuna.storages.InMemoryStorage())
    distributions, values = _columns(scored)
    targets = _ranks_within_tasks(scored, comparison.metric, higher)
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={name: column[i] for name, column in values.items() if i in column},
                distributions={
                    name: distributions[name] for name, column in values.items() if i in column
                },
                value=targets[i],
            )
            for i in range(len(scored))
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of values that few runs have
        found = PedAnovaImportanceEvaluator(
            target_quantile=min(max(_BEST, _FEWEST_BEST / len(scored)), 0.5)
        ).evaluate(study)
    total = sum(found.values())
    return {
        name: value / total if total > 0 else 0.0
        for name, value in sorted(found.items(), key=lambda one: (-one[1], one[0]))
    }


def _score(run: Run, metric: str) -> float | None:
    scored = run.scores.get(metric)
    value = scored.best if run.status == COMPLETE and scored else None
    return value if value is not None and math.isfinite(value) else None


def _columns(
    runs: list[Run],
) -> tuple[dict[str, BaseDistribution], dict[str, dict[int, float | str]]]:
    """{name: distribution} and {name: {index of a run: value}} of all axes and settings."""
    raw: dict[str, dict[int, Numbers]] = defaultdict(dict)
    for i, run in enumerate(runs):
        for name, value in (run.setting | run.variant).items():
            raw[name][i] = value
    distributions, values = {}, {}
    for name, column in raw.items():
        if all(isinstance(one, int | float) and type(one) is not bool for one in column.values()):
            ranks = _ranks(np.array(list(column.values()), float))
            distributions[name] = FloatDistribution(0.0, 1.0)
            values[name] = dict(zip(column, ranks.tolist(), strict=True))
        else:
            values[name] = {i: str(one) for i, one in column.items()}
            distributions[name] = CategoricalDistribution(sorted(set(values[name].values())))
    return distributions, values


def _ranks_within_tasks(runs: list[Run], metric: str, higher_is_better: bool) -> list[float]:
    """Of each run among those of its task, from 0 to 1; lower is better."""
    scores = np.array([_score(run, metric) for run in runs]) * (-1 if higher_is_better else 1)
    tasks, found = np.array([run.task for run in runs]), np.zeros(len(runs))
    for task in set(tasks):
        found[tasks == task] = _ranks(scores[tasks == task])
    return found.tolist()


def _ranks(values: np.ndarray) -> np.ndarray:
    """The share of the values that lie below each, of which equal ones count half; in (0, 1)."""
    below = (values[:, None] > values).mean(1)
    return below + (values[:, None] == values).mean(1) / 2
