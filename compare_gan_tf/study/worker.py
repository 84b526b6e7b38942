"""A worker: takes trials of a study one after another, and trains and scores each of their runs."""

import contextlib
import dataclasses
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import optuna
from optuna.trial import TrialState

from compare_gan_tf.comparison.records import COMPLETE, FAILED, Run
from compare_gan_tf.errors import Stopped, UserError, unwritable
from compare_gan_tf.storage import files
from compare_gan_tf.study import claims, samplers
from compare_gan_tf.study.claims import Claim
from compare_gan_tf.study.storage import Study

BASE = "base.gin"  # in the folder of a study
LOG, RECORD, SAMPLES = "log.txt", "record.json", "samples.png"  # in the folder of a run
_LOOK = 0.1  # seconds between two looks at a process
_WAIT = 2.0  # seconds before looking for trials again
_MOST_DEATHS = 5  # of a run's process in a row, by a signal, without a step in between
_LONGEST = 300  # characters of a reason


@dataclasses.dataclass(frozen=True)
class Means:
    """What a worker uses of the machine.

    Attributes:
      threads: of TensorFlow in a run; None for as many as it likes.
      device: for CUDA_VISIBLE_DEVICES; None leaves it.
      allow_imports: modules that the configs may import.
    """

    threads: int | None = 1
    device: str | None = None
    allow_imports: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        """Of the processes."""
        found = dict(os.environ)
        if self.threads is not None:
            for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
                found.setdefault(name, str(self.threads))
        if self.device is not None:
            found["CUDA_VISIBLE_DEVICES"] = self.device
        return found


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
    for cell, optuna_study in zip(study.cells, study.studies, strict=True):
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
    trials = (trial for cell in study.cells for trial in study.trials(cell))
    return sum(trial.user_attrs.get("seconds", 0.0) for trial in trials) >= 3600 * study.plan.hours


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
            run = _run(study, study_dir, means, claimed, setting, seed)
            if run is None or not claims.is_running(study, claimed):
                return 0  # it was given to another worker
            runs.append(run)
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


# --- A run ------------------------------------------------------------------------------------


def _run(study, study_dir, means, claimed: Claim, setting: dict[str, Any], seed: int) -> Run | None:
    """Trains and scores one run in a process of its own, until it is done or fails.

    Returns:
      The run; None where the trial was lost to another worker.
    """
    folder = os.path.join(claimed.folder, f"seed{seed}")
    how = {
        "model_dir": folder,
        "name": os.path.relpath(folder, os.path.join(study_dir, "runs")),
        "variant": claimed.cell.variant,
        "setting": setting,
        "task": study.task(claimed.cell),
        "rule": {
            name: getattr(study.plan, name)
            for name in ("metric", "select_on", "report_on", "checkpoint")
        },
    }
    command = _command(study, study_dir, means, claimed, setting, seed, folder)
    os.makedirs(folder, exist_ok=True)
    asked, deaths, before = os.path.join(claimed.folder, f"seed{seed}.json"), 0, None
    files.write_text(asked, json.dumps(how))
    while True:
        code = _process(command, folder, asked, means, claimed)
        if code is None:
            return None
        if code == 0:
            return _read_record(folder)
        if code > 0:
            return _failed(how, seed, _last_line(folder))
        # A signal ended it, such as that of the kernel where memory is short: it goes on from its
        # last checkpoint.
        progress = _progress(folder)
        deaths, before = (deaths + 1 if progress == before else 1), progress
        if deaths >= _MOST_DEATHS:
            name = signal.Signals(-code).name
            return _failed(how, seed, f"ended by {name} {deaths} times at one step")


def _command(study, study_dir, means, claimed, setting, seed, folder) -> list[str]:
    """As one would type it."""
    plan = study.plan
    bindings = [
        *([f"evaluate.select_by = {plan.metric!r}"] if plan.metric != "fid" else []),
        *plan.bindings,
        *claimed.cell.bindings_of(setting),
        f"train.seed = {seed}",
    ]
    return [
        "compare-gan",
        "train",
        f"--gin_config={os.path.join(study_dir, BASE)}",
        f"--model_dir={folder}",
        "--schedule=eval_after_train",
        *(f"--gin_bindings={one}" for one in bindings),
        *(f"--allow_imports={one}" for one in means.allow_imports),
    ]


def _process(command, folder, asked, means: Means, claimed: Claim) -> int | None:
    """The exit code of a command, negative for a signal; None where the trial was lost."""
    started = [sys.executable, "-m", "compare_gan_tf.bin.study.child", str(os.getpid())]
    with open(os.path.join(folder, LOG), "ab") as log:
        process = subprocess.Popen(
            [*started, f"--record={asked}", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=means.environment(),
        )
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(_LOOK)
            if claimed.lost.is_set():
                return None
    finally:
        if process.poll() is None:
            process.terminate()  # it writes a checkpoint
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            process.wait()


def _read_record(folder: str) -> Run:
    with open(os.path.join(folder, RECORD), encoding="utf-8") as file:
        return Run.from_json(json.load(file))


def _last_line(folder: str) -> str:
    """The last line of a run's log: what the verb said when it failed."""
    with open(os.path.join(folder, LOG), "rb") as log:
        log.seek(max(os.path.getsize(log.name) - 2**16, 0))
        lines = log.read().decode(errors="replace").strip().splitlines()
    return (lines[-1] if lines else "no reason").removeprefix("compare-gan train: ")[:_LONGEST]


def _progress(folder: str) -> list[tuple[str, int]]:
    """What grows while a run goes on: its checkpoints, and its files of scores."""
    found = []
    for place in (folder, os.path.join(folder, "checkpoints")):
        with contextlib.suppress(FileNotFoundError), os.scandir(place) as entries:
            names = (one for one in entries if one.name.endswith((".index", ".jsonl")))
            found += [(one.name, one.stat().st_size) for one in names]
    return sorted(found)


def _failed(how: dict, seed: int, reason: str) -> Run:
    return Run(
        name=how["name"],
        variant=how["variant"],
        setting=how["setting"],
        seed=seed,
        task=how["task"],
        status=FAILED,
        reason=reason,
        scores={},
        steps=0,
        images=0,
        seconds=None,
        multiply_adds=None,
        folder=how["model_dir"],
    )


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
