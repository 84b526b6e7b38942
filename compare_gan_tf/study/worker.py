"""A worker: takes trials of a study one after another, and trains and scores each of their runs."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from compare_gan_tf.comparison import outcomes
from compare_gan_tf.comparison.records import Run
from compare_gan_tf.errors import Stopped
from compare_gan_tf.study import claims, dashboard, folder, pruning, samplers, trials
from compare_gan_tf.study.claims import Claim
from compare_gan_tf.study.storage import Study
from compare_gan_tf.study.trials import SAMPLES, Means

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
    folder.write(study_dir, folder.BASE, study.texts.base)
    for optuna_study in study.studies:
        optuna_study.sampler = samplers.sampler(study.plan.search)
        if study.plan.prune:
            optuna_study.pruner = pruning.Pruner()
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
    return any(row.state != TrialState.COMPLETE for _, row in study.current())


def is_spent(study: Study) -> bool:
    """Whether the hours of the budget are used up."""
    if study.plan.hours is None:
        return False
    took, current = study.attributes("seconds"), (row.trial_id for _, row in study.current())
    return sum(took.get(trial_id, 0.0) for trial_id in current) >= 3600 * study.plan.hours


# --- A trial ----------------------------------------------------------------------------------


def _run_trial(study: Study, study_dir: str, means: Means, claimed: Claim) -> int:
    """Trains and scores a setting with each seed; returns 1 if the trial was completed here."""
    try:
        trial = claims.begin(study, claimed)
        runs = _run_seeds(study, study_dir, means, claimed, trial)
    except UpdateFinishedTrialError:  # it was given to another worker
        return 0
    return int(bool(runs) and claims.complete(study, claimed, value_of(study, runs)))


def _run_seeds(study, study_dir, means, claimed: Claim, trial: optuna.Trial) -> list[Run]:
    """The runs of a trial; [] where it was given to another worker."""
    begun, earlier = time.monotonic(), trial.user_attrs.get("seconds", 0.0)
    setting = samplers.suggest(trial, claimed.cell)
    runs: list[Run] = []
    for seed in study.plan.seeds:
        run = trials.run(study, study_dir, means, claimed, setting, seed)
        if run is None or not claims.is_running(study, claimed):
            return []
        runs.append(run)
        dashboard.keep_samples(trial, study_dir, os.path.join(run.folder or "", SAMPLES))
        trial.set_user_attr("runs", [one.to_json() for one in runs])
        trial.set_user_attr("seconds", earlier + time.monotonic() - begun)
        trial.report(value_of(study, [run]), step=seed)
        if study.plan.prune and len(runs) < len(study.plan.seeds) and trial.should_prune():
            trial.set_user_attr("pruned", True)
            break
    return runs


def value_of(study: Study, runs: list[Run]) -> float:
    """What the search is told: the median over the seeds of the score that selects.

    A run that failed is worse than every score, so that the search learns to avoid such settings:
    it learns nothing of trials without a value. A setting is infinitely bad where failed runs reach
    its median.
    """
    scores = [outcomes.selected(run, study.plan.metric) for run in runs]  # nan of one that failed
    cost = outcomes.middle_cost(scores, not study.higher_is_better)
    return -cost if study.higher_is_better else cost


@contextlib.contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Has SIGTERM and SIGINT end the work as `Stopped`, so that the trial is given back."""
    numbers = (signal.SIGTERM, signal.SIGINT)

    def stop(number, _):
        for one in numbers:  # the next one would break off what the first began
            signal.signal(one, signal.SIG_IGN)
        raise Stopped(number)

    kept = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
