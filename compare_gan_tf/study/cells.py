"""The cells of a study, each a variant on a task, and the settings within a cell."""

import dataclasses
import functools
import itertools
import math
import re
from typing import Any

from compare_gan_tf.comparison.records import refuse_alike
from compare_gan_tf.config import gin_errors
from compare_gan_tf.config.gin_errors import did_you_mean
from compare_gan_tf.config.gin_statements import statements
from compare_gan_tf.errors import UserError
from compare_gan_tf.study.plan import Choice, Plan, Setting, Span

_MOST_OF_A_NAME = 80  # characters of a folder's
_MOST_CELLS, _MOST_SLOTS = 10_000, 100_000


@dataclasses.dataclass(frozen=True)
class Cell:
    """One variant on one task: what all of its runs share.

    Attributes:
      number: in the study, from 0.
      variant: {axis: value}.
      task: name of the data set, "" where the study names none.
      bindings: of the variant and the task.
      settings: what is searched here.
    """

    number: int
    variant: dict[str, str]
    task: str
    bindings: tuple[str, ...]
    settings: dict[str, Setting]

    @property
    def label(self) -> str:
        """In words: "hinge, spectral, digits"."""
        return ", ".join(filter(None, (*self.variant.values(), self.task)))

    @property
    def folder(self) -> str:
        """Name of the folder with its runs."""
        words = re.sub(r"[^\w.+-]+", "_", self.label, flags=re.ASCII).strip("_.")
        return f"{self.number:03d}_{words}"[:_MOST_OF_A_NAME]

    def grid(self) -> list[dict[str, str]]:
        """Every combination of the settings, as {name: label of its choice}.

        Raises:
          UserError: one of them is a range.
        """
        for name, setting in self.settings.items():
            if isinstance(setting, Span):
                raise UserError(
                    f"study.settings[{name!r}] is a range, and a grid needs a list of values: give"
                    " one, or bind study.search = @random_search()"
                )
        labels = itertools.product(*self.settings.values())
        return [dict(zip(self.settings, chosen, strict=True)) for chosen in labels]

    def bindings_of(self, chosen: dict[str, Any]) -> list[str]:
        """What a trial of this cell binds, over what all runs of the study share.

        Args:
          chosen: {name of a setting: label of its choice, or number in its range}.
        """
        found = list(self.bindings)
        for name, value in chosen.items():
            setting = self.settings[name]
            found += (
                [f"{name} = {value!r}"] if isinstance(setting, Span) else setting[value].bindings
            )
        return found


def cells(plan: Plan) -> list[Cell]:
    """All cells but those that the plan excludes, the last axis fastest, each variant on all tasks.

    Raises:
      UserError: none is left, or two have one name.
    """
    tasks = plan.tasks or {"": Choice(())}
    number = math.prod(map(len, plan.axes.values())) * len(tasks)
    if number > _MOST_CELLS:
        raise UserError(f"the study has {number} variants and tasks: at most {_MOST_CELLS} will do")
    found = []
    for labels in itertools.product(*plan.axes.values(), tasks):
        variant, task = dict(zip(plan.axes, labels, strict=False)), labels[-1]
        if _is_excluded(plan, variant | {"task": task}):
            continue
        chosen = {axis: plan.axes[axis][value] for axis, value in variant.items()}
        chosen["task"] = tasks[task]
        settings = _settings(plan, chosen)
        _refuse_bound_twice(chosen, settings)
        bindings = tuple(itertools.chain.from_iterable(one.bindings for one in chosen.values()))
        found.append(Cell(len(found), variant, task, bindings, settings))
    if not found:
        raise UserError("study.exclude leaves no variant: remove some of it")
    refuse_alike([one.variant for one in found])
    refuse_alike([one.variant | ({"task": one.task} if one.task else {}) for one in found])
    return found


def _is_excluded(plan: Plan, place: dict[str, str]) -> bool:
    return any(all(place[axis] in values for axis, values in one.items()) for one in plan.exclude)


def _settings(plan: Plan, chosen: dict[str, Choice]) -> dict[str, Setting]:
    """Those of the study, and over them those of a cell's own choices; None takes one away.

    Raises:
      UserError: None stands for one that the study does not have.
    """
    found: dict[str, Setting | None] = dict(plan.settings)
    for axis, one in chosen.items():
        for name, setting in one.settings.items():
            if setting is None and name not in found:
                hint = did_you_mean(name, found)
                raise UserError(
                    f"a value of {axis!r} takes away the setting {name!r}, which is none{hint}"
                )
        found |= one.settings
    return {name: setting for name, setting in found.items() if setting is not None}


def _refuse_bound_twice(chosen: dict[str, Choice], settings: dict[str, Setting]) -> None:
    """Refuses two axes or settings that bind the same: the first of them would have no effect."""
    places = {f"axis {axis!r}": _keys(one.bindings) for axis, one in chosen.items()}
    for name, setting in settings.items():
        of_choices = [] if isinstance(setting, Span) else setting.values()
        keys = frozenset().union(*(_keys(one.bindings) for one in of_choices))
        places[f"setting {name!r}"] = keys or _keys((f"{name} = 0",))
    owner: dict[str, str] = {}
    for place, keys in places.items():
        for key in keys:
            if key == "train.seed":
                raise UserError(f"{place} binds train.seed: bind study.seeds in its place")
            if key in owner:
                raise UserError(
                    f"{owner[key]} and {place} both bind {key}, and one would have no effect: let"
                    " one of them do it"
                )
            owner[key] = place


@functools.cache
def _keys(bindings: tuple[str, ...]) -> frozenset[str]:
    """What some bindings bind.

    Raises:
      UserError: they are no gin.
    """
    try:
        return frozenset(str(key) for one in bindings for key in statements(one))
    except gin_errors.RAISED as error:
        raise UserError(gin_errors.explain(error).replace("--gin_bindings", "a binding")) from error


def slots(plan: Plan, cell: Cell) -> list[dict[str, str] | None]:
    """The trials of a cell: the settings of each, or None where the search chooses them.

    Raises:
      UserError: they are too many, or a grid has a range.
    """
    if plan.trials is not None:
        number = plan.trials
    else:
        number = math.prod(
            1 if isinstance(one, Span) else len(one) for one in cell.settings.values()
        )
    if number > _MOST_SLOTS:
        raise UserError(
            f"{cell.label!r} has {number} settings: at most {_MOST_SLOTS} will do; search among"
            " them by study.search = @random_search()"
        )
    return cell.grid() if plan.trials is None else [None] * number
