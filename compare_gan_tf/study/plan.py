"""What a study compares, how it searches, and what it may spend."""

import dataclasses
from typing import Annotated, Any

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Count, OneOf, Positive, Rule, check_fields

GRID = "grid"
_MOST_OF_A_NAME = 100  # characters
_LEAST_TO_PRUNE = 5  # seeds: Wilcoxon's test of fewer than 4 pairs has no p below 0.1
# What `study.search` may be, and what may be bound on each.
SEARCHES = {
    GRID: {},
    "random_search": {},
    "tpe": {"startup": 10},
    "gp_ei": {"startup": 10},
    "gp_ucb": {"startup": 10, "beta": 4.0},
}


@dataclasses.dataclass(frozen=True)
class Search:
    """How settings are chosen within a variant: `samplers` has what the names mean."""

    name: str
    options: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Choice:
    """One value of an axis or of a setting: what it binds, and settings that it alone has."""

    bindings: tuple[str, ...]
    settings: dict[str, "Setting | None"] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Span:
    """A range of numbers, from `low` to `high` included."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


Setting = dict[str, Choice] | Span


def require_name(name: str, value: Any) -> None:
    """Refuses what is no name: of a study, an axis, a value or a setting.

    Raises:
      UserError: it is no text, blank, long, or has what is not seen.
    """
    if not isinstance(value, str) or not value.strip() or len(value) > _MOST_OF_A_NAME:
        raise UserError(
            f"{name} is {kinds.shown(value)}: it must be a name, of {_MOST_OF_A_NAME} characters at"
            " most"
        )
    if not value.isprintable():
        raise UserError(f"{name} is {value!r}: a name has no line breaks and no control characters")


def _name(name: str, value: Any) -> None:
    require_name(name, value)
    if "/" in value:
        raise UserError(f"{name} is {kinds.shown(value)}: it must be a name without '/'")


def _bool(name: str, value: Any) -> None:
    kinds.require_one_of(name, value, (True, False))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """A study, read and checked; equal plans describe the same trials.

    Attributes:
      name: of the study, by which a storage knows it.
      base: gin files of every run, later ones win.
      bindings: of every run; they win over `base`.
      axes: {axis: {value: what it binds}}: every combination is a variant, and compared.
      tasks: {name: what it binds}: the data sets, on each of which every variant is trained.
      settings: {name: values or a range}: hyper-parameters that are searched within a variant.
      exclude: combinations that are left out, as {axis: value or values}.
      search: by which the settings are chosen.
      seeds: each setting is trained once with each.
      trials: settings for each variant and task; None for all of a grid.
      hours: of training and evaluation, over all workers, after which no trial begins.
      metric: the score that ranks.
      select_on: the split on which checkpoints and settings are selected.
      report_on: the split whose scores are compared.
      checkpoint: "best" on `select_on`, or "last".
      prune: whether a setting that its first seeds show to be worse gets no further seeds.
    """

    name: Annotated[str, Rule(_name)]
    base: tuple[str, ...]
    bindings: tuple[str, ...] = ()
    axes: dict[str, dict[str, Choice]]
    tasks: dict[str, Choice] = dataclasses.field(default_factory=dict)
    settings: dict[str, Setting] = dataclasses.field(default_factory=dict)
    exclude: tuple[dict[str, tuple[str, ...]], ...] = ()
    search: Search = Search(GRID, {})
    seeds: tuple[int, ...] = (0,)
    trials: Annotated[int | None, *Count.__metadata__] = None
    hours: Annotated[float | None, *Positive.__metadata__] = None
    metric: Annotated[str, Rule(require_name)] = "fid"
    select_on: Annotated[str, OneOf("train", "validation", "test")] = "validation"
    report_on: Annotated[str, OneOf("train", "validation", "test")] = "test"
    checkpoint: Annotated[str, OneOf("best", "last")] = "best"
    prune: Annotated[bool, Rule(_bool)] = False

    def __post_init__(self):
        check_fields(self, "study")
        if self.checkpoint == "best" and self.select_on == self.report_on:
            raise UserError(
                f"study.select_on and study.report_on are both {self.report_on!r}: a checkpoint"
                " that is the best of a split scores too well there; select on another split, or"
                ' bind study.checkpoint = "last"'
            )
        if self.prune and len(self.seeds) < _LEAST_TO_PRUNE:
            raise UserError(
                f"study.prune is True, and study.seeds has {len(self.seeds)}: with fewer than"
                f" {_LEAST_TO_PRUNE} no setting is pruned; bind more, or remove study.prune"
            )
        searched = self.search.name != GRID
        if not searched and self.trials is not None:
            raise UserError("study.trials is bound, and a grid has as many as it has: remove it")
        if searched and self.trials is None:
            raise UserError(f"study.search is @{self.search.name}(): bind study.trials as well")
        if searched and not self.settings:
            raise UserError(
                f"study.search is @{self.search.name}(), and there is nothing to search: bind"
                ' study.settings, such as {"adam.learning_rate": ("log", 1e-5, 1e-2)}'
            )
