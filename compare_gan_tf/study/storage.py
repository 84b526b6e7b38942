"""A study in its storage: an Optuna database with one Optuna study for each cell.

Beside those lies one without trials, of the study's own name, whose attributes hold its texts.
A trial of a cell is one setting; it waits until a worker takes it, runs, and completes with
a value. A trial whose worker died has failed, and another waits in its place: of all trials of one
slot exactly one completes.
"""

import dataclasses
import datetime
import time
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from compare_gan_tf.config.gin_statements import statements
from compare_gan_tf.errors import UserError
from compare_gan_tf.study import cells, optuna_insides, reading
from compare_gan_tf.study.cells import Cell
from compare_gan_tf.study.optuna_insides import Row
from compare_gan_tf.study.plan import Plan
from compare_gan_tf.study.reading import Texts

_MOMENT = 5  # seconds that lie between a new study and its header, at most
_MOST_OF_A_NAME = 500  # characters, of 512 that Optuna's table has
_HEADER = "compare_gan_tf"  # the attribute by which one of our studies is known


@dataclasses.dataclass(frozen=True)
class Study:
    """A study as its storage has it.

    Attributes:
      plan, texts: what it compares.
      cells: in their order.
      studies: the Optuna study of each cell.
      storage: of all of them.
      directions: {metric: whether higher is better}, of every metric; None: neither.
    """

    plan: Plan
    texts: Texts
    cells: list[Cell]
    studies: list[optuna.Study]
    storage: RDBStorage
    directions: dict[str, bool | None]

    @property
    def higher_is_better(self) -> bool:
        """Of the metric that ranks."""
        return bool(self.directions[self.plan.metric])

    def task(self, cell: Cell) -> str:
        """Name of the data set of a cell: the study's, or, where it has none, the config's."""
        names = [
            value
            for key, value in statements(self.texts.base).items()
            if key.selector.split(".")[-1] == "load" and key.parameter == "name"
        ]
        return cell.task or str(names[-1] if names else "")

    def current(self) -> list[tuple[Cell, Row]]:
        """The trial of every slot that counts: the first that has not failed, else the last."""
        ids = map(optuna_insides.study_id, self.studies)
        of_study = dict(zip(ids, self.cells, strict=True))
        found: dict[tuple[int, int], Row] = {}
        for row in optuna_insides.rows(self.storage, self.studies):
            place = row.study_id, row.slot
            if place not in found or found[place].state == TrialState.FAIL:
                found[place] = row
        return [(of_study[row.study_id], row) for row in found.values()]

    def trials(self, cell: Cell) -> list[FrozenTrial]:
        """As `current`, of one cell and in full, in the order of its slots."""
        found: dict[int, FrozenTrial] = {}
        for trial in self.studies[cell.number].get_trials(deepcopy=False):
            slot = trial.user_attrs[optuna_insides.SLOT]
            if slot not in found or found[slot].state == TrialState.FAIL:
                found[slot] = trial
        return [found[slot] for slot in sorted(found)]

    def attributes(self, name: str) -> dict[int, Any]:
        """{trial: its attribute of a name}, of all trials that have it, also those that failed."""
        return optuna_insides.attributes(self.storage, self.studies, name)


# --- Creating ---------------------------------------------------------------------------------


def create(
    storage: RDBStorage,
    plan: Plan,
    texts: Texts,
    *,
    directions: dict[str, bool | None],
    command: str,
) -> Study:
    """Makes a study with all its trials, or adds what is missing to the one that is there.

    Args:
      storage: from `connect`.
      plan: from `reading.read`.
      texts: likewise.
      directions: {metric: whether higher is better}.
      command: which made it, for the records.

    Raises:
      UserError: a study of that name is there which compares something else; says what differs.
    """
    all_cells = cells.cells(plan)
    slots = {cell.number: list(cells.slots(plan, cell)) for cell in all_cells}
    header = {"study": texts.study, "base": texts.base, "command": command}
    header["directions"] = directions
    header["created"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    try:
        head = optuna.create_study(study_name=plan.name, storage=storage)
    except optuna.exceptions.DuplicatedStudyError:
        head = _existing(storage, plan, texts)
    if _HEADER not in head.user_attrs:
        head.set_user_attr(_HEADER, header)
    studies = []
    for cell in all_cells:
        study = _optuna_study(storage, plan, cell, bool(directions[plan.metric]))
        optuna_insides.enqueue(storage, study, enumerate(slots[cell.number]))
        studies.append(study)
    # The one of the longest budget counts; the rest of the text cannot differ.
    head.set_user_attr(_HEADER, head.user_attrs[_HEADER] | {"study": texts.study})
    head.set_user_attr("ready", True)
    return Study(plan, texts, all_cells, studies, storage, directions)


def _optuna_study(storage, plan: Plan, cell: Cell, higher_is_better: bool) -> optuna.Study:
    study = optuna.create_study(
        study_name=_name(plan, cell),
        storage=storage,
        direction="maximize" if higher_is_better else "minimize",
        load_if_exists=True,
    )
    if "variant" not in study.user_attrs:
        study.set_user_attr("variant", cell.variant)
        study.set_user_attr("task", cell.task)
    return study


def _name(plan: Plan, cell: Cell) -> str:
    return f"{plan.name}/{cell.number:03d} {cell.label}"[:_MOST_OF_A_NAME]


def _existing(storage: RDBStorage, plan: Plan, texts: Texts) -> optuna.Study:
    """The study that is there, if it may go on as `plan` says."""
    head = optuna.load_study(study_name=plan.name, storage=storage)
    header = head.user_attrs.get(_HEADER)
    end = time.monotonic() + _MOMENT
    while header is None and time.monotonic() < end and head.user_attrs == {}:
        time.sleep(0.2)
        header = head.user_attrs.get(_HEADER)
    if header is None and head.user_attrs == {} and not head.get_trials(deepcopy=False):
        return head  # whoever made it died before it had a header
    if header is None:
        raise UserError(
            f"the storage has a study {plan.name!r} that is none of ours: bind another study.name"
        )
    changes = _changes(reading.parse(header["study"], plan.name), plan)
    if header["base"] != texts.base:
        old, new = header["base"].splitlines(), texts.base.splitlines()
        changes += [f"- {line}" for line in old if line not in new]
        changes += [f"+ {line}" for line in new if line not in old] or ["the order of study.base"]
    if changes:
        raise UserError(
            f"the study {plan.name!r} is there and compares something else: {'; '.join(changes)}."
            " Bring that back, or take another --study_dir or study.name"
        )
    return head


def _changes(old: Plan, new: Plan) -> list[str]:
    """What differs between two plans beyond a longer budget."""
    found = []
    for field in dataclasses.fields(Plan):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before == after or field.name in ("name", "hours", "base"):
            continue
        if field.name == "trials" and before is not None and after is not None:
            if after < before:
                found.append(f"study.trials was {before}, and may only grow")
            continue
        found.append(f"study.{field.name} differs")
    return found


# --- Loading ----------------------------------------------------------------------------------


def names(storage: RDBStorage) -> list[str]:
    """Of all studies of ours that are complete in a storage."""
    found = storage.get_all_studies()
    return sorted(one.study_name for one in found if one.user_attrs.get("ready"))


def load(storage: RDBStorage, name: str) -> Study:
    """A study that `create` has made.

    Raises:
      UserError: there is none of that name.
    """
    there = names(storage)
    if name not in there:
        known = f"; there are {', '.join(there)}" if there else ""
        raise UserError(f"the storage has no study {name!r}{known}: run compare-gan study create")
    header = optuna.load_study(study_name=name, storage=storage).user_attrs[_HEADER]
    plan, directions = reading.parse(header["study"], name), header["directions"]
    all_cells = cells.cells(plan)
    studies = [
        optuna.load_study(study_name=_name(plan, cell), storage=storage) for cell in all_cells
    ]
    texts = Texts(header["study"], header["base"])
    return Study(plan, texts, all_cells, studies, storage, directions)


def describe(storage: RDBStorage, name: str) -> dict[str, str]:
    """How and when a study was made."""
    return dict(optuna.load_study(study_name=name, storage=storage).user_attrs[_HEADER])
