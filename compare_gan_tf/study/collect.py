"""What a study's storage knows, as a comparison."""

import contextlib
import dataclasses
import os
from collections import Counter

from optuna.trial import FrozenTrial, TrialState

from compare_gan_tf.comparison.records import (
    COMPLETE,
    FAILED,
    PRUNED,
    RUNNING,
    WAITING,
    Comparison,
    Run,
)  # fmt: skip
from compare_gan_tf.study import storage
from compare_gan_tf.study.cells import Cell
from compare_gan_tf.study.storage import Study
from compare_gan_tf.study.trials import SAMPLES


def runs(study: Study) -> list[Run]:
    """Every run of a study, also those that wait or run, in the order of cells, slots and seeds."""
    return [
        run
        for cell in study.cells
        for trial in study.trials(cell)
        for run in of_trial(study, cell, trial)
    ]


def of_trial(study: Study, cell: Cell, trial: FrozenTrial) -> list[Run]:
    """The runs of a trial, one for each seed."""
    done = {one["seed"]: Run.from_json(one) for one in trial.user_attrs.get("runs", ())}
    left = [seed for seed in study.plan.seeds if seed not in done]
    found = [_to_come(study, cell, trial, seed, is_next=seed == left[0]) for seed in left]
    return [*done.values(), *found]


def _to_come(study: Study, cell: Cell, trial: FrozenTrial, seed: int, *, is_next: bool) -> Run:
    """A run without a record: of a pruned trial there will be none."""
    status = {
        TrialState.RUNNING: RUNNING if is_next else WAITING,
        TrialState.COMPLETE: PRUNED,
    }.get(trial.state, WAITING)
    return Run(
        name=f"{cell.folder}/{trial.user_attrs['slot']:03d}/seed{seed}",
        variant=cell.variant,
        setting=dict(trial.params),
        seed=seed,
        task=study.task(cell),
        status=status,
        reason=None,
        scores={},
        steps=0,
        images=0,
        seconds=None,
        multiply_adds=None,
        folder=None,
    )


def counts(study: Study) -> dict[str, int]:
    """{status: how many runs}, of every status."""
    found = Counter(run.status for run in runs(study))
    return {status: found[status] for status in (COMPLETE, FAILED, RUNNING, WAITING, PRUNED)}


def comparison(study: Study) -> Comparison:
    """The runs that have ended, with what is needed to rank them."""
    plan = study.plan
    ended = [run for run in runs(study) if run.status in (COMPLETE, FAILED)]
    metrics = dict.fromkeys(name for run in ended for name in run.scores)
    header = storage.describe(study.storage, plan.name)
    return Comparison(
        title=plan.name,
        metric=plan.metric,
        higher_is_better={name: study.directions.get(name) for name in (plan.metric, *metrics)},
        axes={axis: list(values) for axis, values in plan.axes.items()},
        runs=ended,
        provenance={
            "study": header["study"].strip(),
            "config of the runs": header["base"].strip(),
            "made by": header["command"],
            "made at": header["created"],
            **{
                field.name: str(getattr(plan, field.name))
                for field in dataclasses.fields(plan)
                if field.name in ("seeds", "trials", "select_on", "report_on", "checkpoint")
            },
            "search": plan.search.name,
        },
    )


def grids(comparison: Comparison) -> dict[str, bytes]:
    """{name of a run: PNG of its samples}, of the runs that lie on this machine."""
    found = {}
    for run in comparison.runs:
        path = os.path.join(run.folder or "", SAMPLES)
        with contextlib.suppress(OSError), open(path, "rb") as file:
            found[run.name] = file.read()
    return found
