"""A worker: takes trials of a study one after another, and trains and scores each of their runs."""

import contextlib
import math
import os
import signal
import statistics
import time
from collections.abc import Iterator

import optuna
from optuna.trial import TrialState

from compare_gan_tf.comparison.records import COMPLETE, Run
from compare_gan_tf.errors import Stopped, UserError, unwritable
from compare_gan_tf.storage import files
from compare_gan_tf.study import claims, dashboard, samplers, trials
from compare_gan_tf.study.claims import Claim
from compare_gan_tf.study.storage import Study
from compare_gan_tf.study.trials import BASE, SAMPLES, Means

_WAIT = 2.0  # seconds before looking for trials again


def work(study: Study, study_dir: str, means: Means, *, max_trials: int | None = None) -> int:
    """Runs trials until none is left, or the budget is spent; returns how many.

    Args:
      study: from `storage.load`.
      study_dir: where the runs lie on this machine.
      means: of it.
      max_trials: after which it ends; None for no such end.

    Raises:
      Stopped: by SIGTERM or SIGINT, after the trial was given back.
      UserError: the folder cannot be written, or the storage not be used.
    """
    _write_base(study, study_dir)
    for optuna_study in study.studies:
        optuna_study.sampler = samplers.sampler(study.plan.search)
        if study.plan.prune:
            optuna_study.pruner = optuna.pruners.WilcoxonPruner()
    done = 0
    with _signals_as_exceptions():
        while max_trials is None or done < max_trials:
            claims.requeue(study, study_dir)
            if is_spent(study):
                break
            with claims.claim(study, study_dir) as claimed:
                if claimed is not None:
                    done += _run_trial(study, study_dir, means, claimed)
                    continue
            if not is_unfinished(study):
                break
            time.sleep(_WAIT)  # others run the last ones, and may die
    return done


def is_unfinished(study: Study) -> bool:
    """Whether a trial waits or runs."""
    states = {trial.state for cell in study.cells for trial in study.trials(cell)}
    return states != {TrialState.COMPLETE}


def is_spent(study: Study) -> bool:
    """Whether the hours of the budget are used up."""
    if study.plan.hours is None:
        return False
    every = (trial for cell in study.cells for trial in study.trials(cell))
    return sum(trial.user_attrs.get("seconds", 0.0) for trial in every) >= 3600 * study.plan.hours


def _write_base(study: Study, study_dir: str) -> None:
    """Writes the config of all runs, which they name."""
    path = os.path.join(study_dir, BASE)
    if files.read_text(path) != study.texts.base:
        try:
            os.makedirs(study_dir, exist_ok=True)
            files.write_text(path, study.texts.base)
        except OSError as error:
            raise UserError(unwritable(f"cannot write {path}", error)) from error


# --- A trial ----------------------------------------------------------------------------------


def _run_trial(study: Study, study_dir: str, means: Means, claimed: Claim) -> int:
    """Trains and scores a setting with each seed; returns 1 if the trial was completed here."""
    begun, trial = time.monotonic(), claimed.trial
    earlier = trial.user_attrs.get("seconds", 0.0)
    try:
        setting = samplers.suggest(trial, claimed.cell)
        runs = []
        for seed in study.plan.seeds:
            run = trials.run(study, study_dir, means, claimed, setting, seed)
            if run is None or not claims.is_running(study, claimed):
                return 0  # it was given to another worker
            runs.append(run)
            dashboard.keep_samples(trial, study_dir, os.path.join(run.folder, SAMPLES))
            trial.set_user_attr("runs", [one.to_json() for one in runs])
            trial.set_user_attr("seconds", earlier + time.monotonic() - begun)
            trial.report(value_of(study, claimed, runs[-1:]), step=seed)
            if study.plan.prune and len(runs) < len(study.plan.seeds) and trial.should_prune():
                trial.set_user_attr("pruned", True)
                break
        value = value_of(study, claimed, runs)
        study.studies[claimed.cell.number].tell(trial, value, skip_if_finished=True)
    except BaseException:
        with contextlib.suppress(Exception):  # the storage may be what failed
            claims.fail(study, claimed.cell, trial._trial_id)
        raise
    return 1


def value_of(study: Study, claimed: Claim, runs: list[Run]) -> float:
    """What the search is told: the median over the seeds of the score that selects.

    A run that failed counts as the worst value of its cell so far, so that the search learns to
    avoid such settings: it learns nothing of trials without a value.
    """
    higher = study.higher_is_better
    known = [selected(study, run) for run in runs]
    earlier = [
        value
        for trial in study.trials(claimed.cell)
        for one in trial.user_attrs.get("runs", ())
        if (value := selected(study, Run.from_json(one))) is not None
    ]
    finite = [one for one in (*known, *earlier) if one is not None]
    worst = (min if higher else max)(finite, default=0.0 if higher else 1000.0)
    return statistics.median(worst if one is None else one for one in known)


def selected(study: Study, run: Run) -> float | None:
    """The score of a run's checkpoint on the split that selects; None for a failed run."""
    scored = run.scores.get(study.plan.metric)
    if run.status != COMPLETE or scored is None:
        return None
    value = dict(scored.curve).get(scored.best_step)
    return value if value is not None and math.isfinite(value) else None


@contextlib.contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Has SIGTERM and SIGINT end the work as `Stopped`, so that the trial is given back."""

    def stop(number, _):
        raise Stopped(number, 0)

    kept = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
