"""A run of a trial: an ordinary training and its evaluation, in a process of its own."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from typing import Any

from compare_gan_tf.comparison.records import FAILED, Run
from compare_gan_tf.storage import files
from compare_gan_tf.study import folder as folder_of_study
from compare_gan_tf.study.claims import Claim
from compare_gan_tf.study.storage import Study

LOG, RECORD, SAMPLES = "log.txt", "record.json", "samples.png"  # in the folder of a run
_LOOK = 2.0  # seconds between two looks at whether a trial was lost
_MOST_DEATHS = 5  # of a run's process in a row, by a signal, without progress in between
_SIGNALLED = 128  # exit code of a verb that a signal has ended, less the signal
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


def run(
    study: Study,
    study_dir: str,
    means: Means,
    claimed: Claim,
    setting: dict[str, Any],
    seed: int,
) -> Run | None:
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
    if os.path.isfile(os.path.join(folder, RECORD)) and files.read_text(asked) == json.dumps(how):
        return _read_record(folder)  # an earlier worker died before it had told the storage
    files.write_text(asked, json.dumps(how))
    while True:
        code = _process(command, folder, asked, means, claimed)
        if code is None:
            return None
        if code == 0:
            return _read_record(folder)
        if 0 < code < _SIGNALLED:
            return _failed(how, seed, _last_line(folder))
        # A signal ended it, such as that of the kernel where memory is short: it goes on from its
        # last checkpoint.
        progress = _progress(folder)
        deaths, before = (deaths + 1 if progress == before else 1), progress
        if deaths >= _MOST_DEATHS:
            name = signal.Signals(-code if code < 0 else code - _SIGNALLED).name
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
        f"--gin_config={os.path.join(study_dir, folder_of_study.BASE)}",
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
