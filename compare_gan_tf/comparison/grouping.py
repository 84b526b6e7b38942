"""A comparison of runs that are there: grouped by what their configs bind, seeds recognised."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from compare_gan_tf.comparison.folders import Rule, bindings, read_run
from compare_gan_tf.comparison.records import Comparison, Run, seen
from compare_gan_tf.config.gin_statements import Reference
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import registry
from compare_gan_tf.metrics.protocol import differences

# What may differ between runs of one variant: it changes no weight, or is the seed or the data.
_FREE = (
    r"train\.(seed|checkpoint_every|keep_checkpoints|log_every|sample_every|steps_per_execution)",
    r"train\.callbacks",
    r"(evaluate|follow)\..*",
    r"load\.(name|data_dir|memory_budget|disk_budget|cache_folder)",
)
# Fields of a protocol that follow from the data set.
_OF_DATA = {
    "dataset",
    "real_sha256",
    "labels",
    "n_real",
    "real_split",
    "extractor",
    "weights_sha256",
}
_LONGEST = 60  # characters of a value in a label


class _Absent:
    """In the place of a value that a config does not bind."""

    def __repr__(self):
        return "not bound"


_ABSENT = _Absent()


def comparison(folders: Sequence[str], rule: Rule, *, title: str = "comparison") -> Comparison:
    """Compares runs of `compare-gan train`.

    A variant is a combination of values of the fewest bindings that tell the runs apart, beside
    the seed and the data set. What else differs, differs with them.

    Args:
      folders: of the runs.
      rule: which checkpoint counts, by which score.
      title: of the comparison.

    Raises:
      UserError: a folder is no run; two runs have the same settings and seed, or two variants one
        name; the scores of one data set have several protocols, or none of the runs has any.
    """
    folders = _distinct(folders)
    higher = registry.directions()
    if higher.get(rule.metric) is None:
        raise UserError(f"--metric={rule.metric} is no score with a better direction")
    bound = {folder: bindings(folder) for folder in folders}
    configs = list(bound.values())
    differing = _differing(configs)
    axes = _axes(configs, differing)
    labels = {axis: _labels([one.get(axis, _ABSENT) for one in bound.values()]) for axis in axes}
    names = _names(folders)
    runs = []
    for folder, values in bound.items():
        variant = {axis: labels[axis][_key(values.get(axis, _ABSENT))] for axis in axes}
        runs.append(read_run(folder, rule, name=names[folder], variant=variant))
    _refuse_twins(runs)
    _refuse_protocols(runs)
    if not any(run.scores for run in runs):
        raise UserError(f"none of the {len(runs)} runs has scores: {runs[0].reason}")
    metrics = dict.fromkeys(name for run in runs for name in run.scores)
    values = {axis: dict.fromkeys(run.variant[axis] for run in runs) for axis in axes}
    return Comparison(
        title=title,
        metric=rule.metric,
        higher_is_better={name: higher.get(name) for name in (rule.metric, *metrics)},
        axes={axis: list(found) for axis, found in values.items()},
        runs=runs,
        provenance={
            "checkpoint": f"{rule.checkpoint} by {rule.metric} on {rule.select_on}",
            "reported on": rule.report_on,
            "runs": "\n".join(folders),
        },
        also_differ={
            name: list(_labels([one.get(name, _ABSENT) for one in configs]).values())
            for name in differing
            if name not in axes
        },
    )


def _distinct(folders: Sequence[str]) -> list[str]:
    """Each folder once, without a slash at its end."""
    found = list(dict.fromkeys(os.path.normpath(one) for one in folders))
    if len(found) < 2:
        raise UserError(f"a comparison needs at least two runs: {', '.join(found) or 'none'} given")
    return found


def _names(folders: Sequence[str]) -> dict[str, str]:
    """Of the runs: their paths below the folder that they share."""
    paths = [os.path.abspath(one) for one in folders]
    common = os.path.commonpath([os.path.dirname(path) for path in paths])
    return {
        folder: os.path.relpath(path, common) for folder, path in zip(folders, paths, strict=True)
    }


def _differing(configs: list[dict[str, Any]]) -> list[str]:
    """The bindings by whose values the configs differ, beside the seed and the data set.

    Those that every config has come first: others are bound because of them.
    """
    every = dict.fromkeys(name for config in configs for name in config)
    free = [name for name in every if any(re.fullmatch(rule, name) for rule in _FREE)]
    differing = [
        name
        for name in every
        if name not in free and len({_key(one.get(name, _ABSENT)) for one in configs}) > 1
    ]
    return sorted(
        differing, key=lambda name: (not all(name in one for one in configs), _rank(name), name)
    )


def _axes(configs: list[dict[str, Any]], differing: list[str]) -> list[str]:
    """The fewest bindings by whose values the configs fall into as many groups as by all.

    Of what differs together, the first stands for the rest.
    """
    axes: list[str] = []
    for name in differing:
        if len(_groups(configs, [*axes, name])) > len(_groups(configs, axes)):
            axes.append(name)
    for name in list(axes):  # an earlier one may say nothing beside the later ones
        others = [one for one in axes if one != name]
        if len(_groups(configs, others)) == len(_groups(configs, axes)):
            axes = others
    return axes


def _rank(name: str) -> int:
    """What a paper would name first: the loss, then the game, the networks, and the rest."""
    order = (r"Adversarial\.loss", r"GAN\..*", r".*\.(kernel_norm|norm)", r"[A-Z].*")
    return next((i for i, one in enumerate(order) if re.fullmatch(one, name)), len(order))


def _groups(configs: list[dict[str, Any]], names: list[str]) -> set[tuple]:
    return {tuple(_key(one.get(name, _ABSENT)) for name in names) for one in configs}


def _key(value: Any) -> str:
    """By which values are told apart: 1 and 1.0 are one, 1 and True are two, 1 and "1" too."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, dict):
        return repr({_key(name): _key(one) for name, one in value.items()})
    if isinstance(value, list | tuple) and not isinstance(value, Reference):
        return repr((type(value).__name__, [_key(one) for one in value]))
    return repr(value)


def _labels(values: Sequence[Any]) -> dict[str, str]:
    """{key of a value: its label}; values that would have one label get longer ones."""
    first: dict[str, Any] = {}
    for value in values:
        first.setdefault(_key(value), value)
    forms = {
        key: [*_forms(value), f"{value!r} ({number})"]
        for number, (key, value) in enumerate(first.items(), 1)
    }
    while True:
        shared = Counter(seen(ones[0]) for ones in forms.values())
        alike = [key for key, ones in forms.items() if shared[seen(ones[0])] > 1]
        if not alike:
            return {key: ones[0] for key, ones in forms.items()}
        forms |= {key: forms[key][1:] or forms[key] for key in alike}


def _forms(value: Any) -> list[str]:
    """Labels of a value, the shortest first: "hinge" of @hinge, its ends, all of it, as in gin."""
    text = (
        value if isinstance(value, str) and value.strip() and value.isprintable() else repr(value)
    )
    text = re.sub(r"@([\w./]+)(\(\))?", r"\1", text)
    if len(text) <= _LONGEST:
        return [text, repr(value)]
    return [f"{text[:_LONGEST]}...", f"...{text[-_LONGEST:]}", text, repr(value)]


def _refuse_twins(runs: list[Run]) -> None:
    seen: dict[tuple, Run] = {}
    for run in runs:
        key = (tuple(run.variant.items()), run.task, run.seed)
        if key in seen:
            raise UserError(
                f"{seen[key].folder} and {run.folder} have the same settings and the seed"
                f" {run.seed}: leave one of them out"
            )
        seen[key] = run


def _refuse_protocols(runs: list[Run]) -> None:
    """Refuses scores of a metric under protocols that differ by more than the data set."""
    first: dict[tuple[str, str | None], Run] = {}
    for run in runs:
        for metric, scored in run.scores.items():
            for task in (run.task, None):
                known = first.setdefault((metric, task), run)
                fields = differences(known.scores[metric].protocol, scored.protocol)
                if task is None:
                    fields = {name: one for name, one in fields.items() if name not in _OF_DATA}
                if fields:
                    listed = ", ".join(f"{k} {a!r} and {b!r}" for k, (a, b) in fields.items())
                    raise UserError(
                        f"{metric} of {known.folder} and of {run.folder} is under different"
                        f" protocols: {listed}; score both under one, or leave one of them out"
                    )
