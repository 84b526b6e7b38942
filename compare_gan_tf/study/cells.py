"""The cells of a study, each a variant on a task, and the settings within a cell."""

import dataclasses
import itertools
import re
from collections.abc import Iterator
from typing import Any

from compare_gan_tf.errors import UserError
from compare_gan_tf.study.plan import Choice, Plan, Setting, Span

_MOST_OF_A_NAME = 80  # characters of a folder's


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
      UserError: none is left.
    """
    tasks = plan.tasks or {"": Choice(())}
    found = []
    for labels in itertools.product(*plan.axes.values(), tasks):
        variant, task = dict(zip(plan.axes, labels, strict=False)), labels[-1]
        if _is_excluded(plan, variant | {"task": task}):
            continue
        chosen = [plan.axes[axis][value] for axis, value in variant.items()] + [tasks[task]]
        bindings = tuple(itertools.chain.from_iterable(one.bindings for one in chosen))
        found.append(Cell(len(found), variant, task, bindings, _settings(plan, chosen)))
    if not found:
        raise UserError("study.exclude leaves no variant: remove some of it")
    return found


def _is_excluded(plan: Plan, place: dict[str, str]) -> bool:
    return any(all(place[axis] in values for axis, values in one.items()) for one in plan.exclude)


def _settings(plan: Plan, chosen: list[Choice]) -> dict[str, Setting]:
    """Those of the study, and over them those of a cell's own choices; None takes one away."""
    found: dict[str, Setting | None] = dict(plan.settings)
    for one in chosen:
        found |= one.settings
    return {name: setting for name, setting in found.items() if setting is not None}


def slots(plan: Plan, cell: Cell) -> Iterator[dict[str, str] | None]:
    """The trials of a cell: the settings of each, or None where the search chooses them."""
    if plan.trials is None:
        yield from cell.grid()
    else:
        yield from [None] * plan.trials
