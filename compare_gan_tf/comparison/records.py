"""What a comparison is of: trained runs, each with the variant it is one of, and its scores.

A `Comparison` is made of the folders of runs (`folders`), or of a study's storage; tables, figures
and claims are made of it alone. All of it is plain JSON, so that a study's storage can hold it.
"""

import dataclasses
import unicodedata
from typing import Any

from compare_gan_tf.errors import UserError

COMPLETE, FAILED, PRUNED, RUNNING, WAITING = "complete", "failed", "pruned", "running", "waiting"


@dataclasses.dataclass(frozen=True)
class Scored:
    """One metric of one run.

    A checkpoint is selected on one split (`curve`) and reported on another (`best`, `last`): see
    `protocol` for the latter.
    """

    curve: list[tuple[int, float | None]]  # (step, value) on the split that selects; None: failed
    best_step: int | None  # the step that is selected: the best of `curve`, the later of equals
    best: float | None  # at `best_step`, on the split that is reported
    best_interval: list[float] | None  # [low, high], where the metric has one
    last: float | None  # at the last step that was scored
    last_interval: list[float] | None
    floor: float | None  # what real samples score in place of fakes
    protocol: dict[str, Any]  # of `best`, every field
    protocol_id: str
    warnings: list[str]  # why the score may mislead


@dataclasses.dataclass(frozen=True)
class Run:
    """One training: its place in the comparison, what it cost, how it scored."""

    name: str  # unique in the comparison; the path of its folder below that of the comparison
    variant: dict[str, str]  # {axis: value} of what is compared: {"loss": "hinge", "norm": "none"}
    setting: dict[
        str, bool | int | float | str
    ]  # {binding: value} of what is searched in a variant
    seed: int | None
    task: str  # the data set
    status: str  # COMPLETE, FAILED, PRUNED, RUNNING or WAITING
    reason: str | None  # why it has no score: a diverged loss, an error of the training, or that a
    # WAITING one was not scored
    scores: dict[str, Scored]  # by metric; {} without any
    steps: int  # generator updates
    images: int  # reals that D has seen: steps x d_steps x batch_size
    seconds: float | None  # of training
    multiply_adds: float | None  # of all passes of both players, forward
    folder: str | None  # where it lies on this machine; None where it lies on another

    def to_json(self) -> dict[str, Any]:
        """Plain values, from which `from_json` makes an equal run."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Run":
        """The run that `to_json` wrote; fields that a newer version has added are ignored."""
        known = {field.name for field in dataclasses.fields(cls)}
        values = {name: value for name, value in values.items() if name in known}
        scores = {name: _scored(one) for name, one in values["scores"].items()}
        return cls(**values | {"scores": scores})


def _scored(values: dict[str, Any]) -> Scored:
    known = {field.name for field in dataclasses.fields(Scored)}
    values = {name: value for name, value in values.items() if name in known}
    return Scored(**values | {"curve": [tuple(point) for point in values["curve"]]})


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Runs that may be compared, and by what.

    Raises:
      UserError: two variants have one name.
    """

    title: str
    metric: str  # the score that ranks, one of each complete run's `scores`
    higher_is_better: dict[str, bool | None]  # of every metric; None: neither
    axes: dict[str, list[str]]  # {axis: its values}, in the order in which they are shown
    runs: list[Run]
    provenance: dict[str, str]  # {"config": text of the study, "search": ..., "storage": ...}
    also_differ: dict[str, list[str]] = dataclasses.field(default_factory=dict)  # {setting that is
    # no axis, but has other values in other variants: its values}

    def __post_init__(self):
        refuse_alike([run.variant for run in self.runs])

    def variants(self) -> list[dict[str, str]]:
        """Every variant that has a run, in the order of `axes`."""
        found = {tuple(run.variant.items()): run.variant for run in self.runs}
        order = {
            axis: {value: i for i, value in enumerate(values)} for axis, values in self.axes.items()
        }
        return sorted(
            found.values(), key=lambda one: [order[axis][one[axis]] for axis in self.axes]
        )

    def tasks(self) -> list[str]:
        """The data sets, in the order in which they occur."""
        return list(dict.fromkeys(run.task for run in self.runs))

    def of(self, variant: dict[str, str], task: str | None = None) -> list[Run]:
        """The runs of a variant, on one task or on all."""
        return [run for run in self.runs if run.variant == variant and task in (None, run.task)]


def label(variant: dict[str, str]) -> str:
    """A variant in words: "hinge, spectral"."""
    return ", ".join(variant.values()) or "all runs"


def seen(text: str) -> str:
    """A text as a reader sees it: a page shows any white space as one blank."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def refuse_alike(variants: list[dict[str, str]]) -> None:
    """Refuses variants that differ and have one name, by which tables and figures know them.

    Raises:
      UserError: two have; names both.
    """
    named: dict[str, dict[str, str]] = {}
    for one in variants:
        other = named.setdefault(seen(label(one)), one)
        if other != one:
            raise UserError(
                f"two variants have one name, {label(one)!r}: {other} and {one}; rename a value of"
                " one of them, or leave it out"
            )
