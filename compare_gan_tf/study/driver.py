"""Works a study off on this machine: starts workers, replaces dead ones, shows how far they are."""

import contextlib
import os
import signal
import subprocess
import sys
import time

from tqdm import tqdm

from compare_gan_tf.comparison.records import COMPLETE, FAILED, PRUNED, RUNNING
from compare_gan_tf.errors import Stopped, UserError
from compare_gan_tf.storage import locks
from compare_gan_tf.study import collect
from compare_gan_tf.study.storage import Study

_LOOK = 1.0  # seconds between two looks at the workers
_SHARE = 0.005  # of the time, at most, that is spent in looking at the storage
_MEMORY = 2.0e9  # bytes of a run of a small GAN, TensorFlow included
_MOST_FAILURES = 3  # of workers in a row that end by themselves with an error


def room(devices: list[str] | None) -> int:
    """How many workers there is room for: one a device, else one a core, if memory allows."""
    if devices:
        return len(devices)
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError), open("/proc/meminfo", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
        available = int(lines["MemAvailable"].split()[0]) * 1024
    cores = len(os.sched_getaffinity(0))
    return max(min(cores, int(available / _MEMORY)), 1)


def run(study: Study, study_dir: str, command: list[str], devices: list[str | None]) -> None:
    """Has workers run the trials until none is left, or the budget is spent.

    Args:
      study: from `storage.create` or `storage.load`.
      study_dir: where the runs lie.
      command: of a worker, to which `--devices` is added.
      devices: one entry for each worker: its device, or None.

    Raises:
      UserError: another process drives the study here, or the workers cannot work.
      Stopped: by SIGTERM or SIGINT; the trials are given back.
    """
    with locks.sole_writer(study_dir, "study"), _stopping() as stopped:
        workers = [_start(study_dir, command, device, i) for i, device in enumerate(devices)]
        failures = 0
        try:
            with _bar(study) as bar:
                shown = 0.0
                while any(process.poll() is None for process in workers):
                    if stopped:
                        raise Stopped(stopped[0], 0)
                    failures = _replace(workers, study_dir, command, devices, failures)
                    if time.monotonic() >= shown:
                        began = time.process_time()
                        _show(bar, study)
                        shown = time.monotonic() + (time.process_time() - began) / _SHARE
                    time.sleep(_LOOK)
                _show(bar, study)
        finally:
            for process in workers:
                process.terminate()
            for process in workers:
                process.wait()
    codes = [process.returncode for process in workers]
    if any(codes):
        raise UserError(f"a worker failed: {_last_line(study_dir, codes)}")


def _start(study_dir: str, command: list[str], device: str | None, number: int):
    """A worker, which dies with this process."""
    os.makedirs(os.path.join(study_dir, "logs"), exist_ok=True)
    chosen = [f"--devices={device}"] if device is not None else []
    started = [sys.executable, "-m", "compare_gan_tf.bin.study.child", str(os.getpid())]
    with open(_log(study_dir, number), "ab") as log:
        return subprocess.Popen(
            [*started, *command, *chosen], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )


def _replace(workers, study_dir, command, devices, failures: int) -> int:
    """Starts another in the place of each that was killed; returns failures in a row."""
    for i, process in enumerate(workers):
        code = process.poll()
        if code is None or code == 0:
            continue
        if code > 0 and failures >= _MOST_FAILURES:
            continue
        failures = failures + 1 if code > 0 else 0
        workers[i] = _start(study_dir, command, devices[i], i)
    return failures


def _log(study_dir: str, number: int) -> str:
    return os.path.join(study_dir, "logs", f"worker{number}.txt")


def _last_line(study_dir: str, codes: list[int]) -> str:
    number = next(i for i, code in enumerate(codes) if code)
    with open(_log(study_dir, number), encoding="utf-8", errors="replace") as file:
        lines = file.read().strip().splitlines()
    return (lines[-1] if lines else f"exit code {codes[number]}").removeprefix(
        "compare-gan study work: "
    )


def _bar(study: Study) -> tqdm:
    counts = collect.counts(study)
    total, done = sum(counts.values()), counts[COMPLETE] + counts[FAILED] + counts[PRUNED]
    return tqdm(total=total, initial=done, desc=study.plan.name, unit="run", dynamic_ncols=True)


def _show(bar: tqdm, study: Study) -> None:
    counts = collect.counts(study)
    done = counts[COMPLETE] + counts[FAILED] + counts[PRUNED]
    bar.set_postfix_str(f"{counts[RUNNING]} running, {counts[FAILED]} failed", refresh=False)
    bar.update(done - bar.n)
    bar.refresh()


@contextlib.contextmanager
def _stopping():
    """Yields a list that a SIGTERM or SIGINT is put into."""
    found: list[int] = []
    kept = {
        number: signal.signal(number, lambda number, _: found.append(number))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield found
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
