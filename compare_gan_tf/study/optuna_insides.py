"""All that studies need of Optuna and Optuna does not offer: its private parts, in one place.

Optuna's own calls go trial by trial; here its tables are read and written at once. They are those
of its `models`, seen in the version `SEEN_IN`; Optuna itself refuses a database of other tables.
"""

import dataclasses
import datetime
import json
from collections.abc import Iterable
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

SEEN_IN = "5.0.0"  # of Optuna
SLOT = "slot"  # the attribute of a trial that tells its place in its cell


@dataclasses.dataclass(frozen=True)
class Row:
    """Where a trial stands."""

    trial_id: int
    study_id: int  # of Optuna
    number: int  # in its Optuna study
    slot: int
    state: TrialState


class Storage(RDBStorage):
    """Optuna's, in which a trial changes its state once, also in SQLite.

    Optuna looks at a trial's state, and then sets it. Other databases lock the row between the two,
    SQLite does not: two processes could begin the same trial.
    """

    def set_trial_state_values(self, trial_id, state, values=None) -> bool:
        """As Optuna's."""
        if self.engine.dialect.name == "sqlite":
            self.scoped_session().execute(text("BEGIN IMMEDIATE"))
        return super().set_trial_state_values(trial_id, state, values)


def study_id(study: optuna.Study) -> int:
    """By which the tables know an Optuna study."""
    return study._study_id


def rows(storage: RDBStorage, studies: list[optuna.Study]) -> list[Row]:
    """Every trial of some Optuna studies, in the order of their numbers."""
    trial, attribute = models.TrialModel, models.TrialUserAttributeModel
    asked = (
        select(
            trial.trial_id, trial.study_id, trial.number, attribute.value_json, trial.state
        )
        .join(attribute, attribute.trial_id == trial.trial_id)
        .where(attribute.key == SLOT, trial.study_id.in_(map(study_id, studies)))
        .order_by(trial.number)
    )  # fmt: skip
    with Session(storage.engine) as session:
        return [
            Row(trial_id, study_id, number, int(slot), state)
            for trial_id, study_id, number, slot, state in session.execute(asked)
        ]


def attributes(storage: RDBStorage, studies: list[optuna.Study], name: str) -> dict[int, Any]:
    """{trial: its attribute of a name}, of all trials that have it."""
    trial, attribute = models.TrialModel, models.TrialUserAttributeModel
    asked = (
        select(trial.trial_id, attribute.value_json)
        .join(trial, attribute.trial_id == trial.trial_id)
        .where(attribute.key == name, trial.study_id.in_(map(study_id, studies)))
    )
    with Session(storage.engine) as session:
        return {trial_id: json.loads(value) for trial_id, value in session.execute(asked)}


def stale(storage: RDBStorage, trial_ids: list[int]) -> set[int]:
    """Those of some running trials whose last sign of life is older than the storage's grace."""
    if not trial_ids:
        return set()
    beat = models.TrialHeartbeatModel
    asked = select(beat.trial_id, beat.heartbeat).where(beat.trial_id.in_(trial_ids))
    with Session(storage.engine) as session:
        now = session.scalar(select(func.now())).replace(tzinfo=None)  # as Optuna notes it
        oldest = now - datetime.timedelta(seconds=storage.grace_period)
        return {trial_id for trial_id, seen in session.execute(asked) if seen < oldest}


def enqueue(
    storage: RDBStorage, study: optuna.Study, slots: Iterable[tuple[int, dict | None]]
) -> None:
    """Adds a waiting trial for each slot that has none yet, all of them or none.

    Args:
      storage: of the Optuna study.
      study: which gets them.
      slots: (slot, what its parameters are; None where they are searched).
    """
    number_of_study = study_id(study)
    with Session(storage.engine) as session, session.begin():
        if storage.engine.dialect.name == "sqlite":
            session.execute(text("BEGIN IMMEDIATE"))
        # As Optuna does, so that no other gives the same numbers.
        models.StudyModel.find_or_raise_by_id(number_of_study, session, for_update=True)
        of_study = models.TrialModel.study_id == number_of_study
        number = session.scalar(select(func.count()).where(of_study))
        there = set(
            session.scalars(
                select(models.TrialUserAttributeModel.value_json)
                .join(models.TrialModel)
                .where(of_study, models.TrialUserAttributeModel.key == SLOT)
            )
        )
        lacking = [one for one in slots if json.dumps(one[0]) not in there]
        made = [
            models.TrialModel(study_id=number_of_study, number=number + i, state=TrialState.WAITING)
            for i in range(len(lacking))
        ]
        session.add_all(made)
        session.flush()
        for trial, (slot, parameters) in zip(made, lacking, strict=True):
            session.add(_attribute(models.TrialUserAttributeModel, trial, SLOT, slot))
            if parameters is not None:
                session.add(
                    _attribute(models.TrialSystemAttributeModel, trial, "fixed_params", parameters)
                )


def _attribute(model, trial, key: str, value):
    return model(trial_id=trial.trial_id, key=key, value_json=json.dumps(value))
