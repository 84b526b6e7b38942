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
from compare_gan_tf.settings import memory
from compare_gan_tf.storage import locks
from compare_gan_tf.study import collect
from compare_gan_tf.study.storage import Study

_LOOK = 1.0  # seconds between two looks at the workers
_SHARE = 0.005  # of the time, at most, that is spent in looking at the storage
_MEMORY = 2.0e9  # bytes of a run of a small GAN, TensorFlow included
_PATIENCE = 60  # seconds for a worker to have its run write a checkpoint
_LONG_LIFE = 60  # seconds after which a worker's end is not that of its start
_MOST_FAILURES = 3  # of a worker in a row that ends by itself with an error
_MOST_DEATHS = 50  # of a worker in a row, by a signal


def room(devices: list[str] | None) -> int:
    """How many workers there is room for: one a device, else one a core, if memory allows."""
    if devices:
        return len(devices)
    cores = len(os.sched_getaffinity(0))
    return max(min(cores, int(memory.available() / _MEMORY)), 1)


def run(
    study: Study,
    study_dir: str,
    command: list[str],
    devices: list[str | None],
    environment: dict[str, str] | None = None,
) -> None:
    """Has workers run the trials until none is left, or the budget is spent.

    Args:
      study: from `storage.create` or `storage.load`.
      study_dir: where the runs lie.
      command: of a worker, to which `--devices` is added.
      devices: one entry for each worker: its device, or None.
      environment: variables of the workers, beside those of this process.

    Raises:
      UserError: another process drives the study here, or the workers cannot work.
      Stopped: by SIGTERM or SIGINT; the trials are given back.
    """
    with locks.sole_writer(study_dir, "study"), _stopping() as stopped:
        workers = [
            _Worker(study_dir, number, command, device, environment or {})
            for number, device in enumerate(devices)
        ]
        try:
            with _bar(study) as bar:
                _watch(study, workers, bar, stopped)
        finally:
            for one in workers:
                one.process.terminate()
            for one in workers:
                _end(one.process)
    failed = [one for one in workers if one.process.returncode]
    if failed:
        raise UserError(f"a worker failed: {failed[0].last_line()}")


def _watch(study: Study, workers: list["_Worker"], bar: tqdm, stopped: list[int]) -> None:
    """Until every worker has ended by itself."""
    shown = 0.0
    while any([one.goes_on() for one in workers]):  # of every one: it starts the dead anew
        if stopped:
            raise Stopped(stopped[0])
        if time.monotonic() >= shown:
            began = time.process_time()
            _show(bar, study)
            shown = time.monotonic() + (time.process_time() - began) / _SHARE
        time.sleep(_LOOK)
    _show(bar, study)


def _end(process: subprocess.Popen) -> None:
    """Waits until a process that was told to end has done so, and not for ever."""
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Worker:
    """A worker, which dies with this process."""

    def __init__(self, study_dir, number: int, command, device, environment):
        os.makedirs(os.path.join(study_dir, "logs"), exist_ok=True)
        self._log = os.path.join(study_dir, "logs", f"worker{number}.txt")
        chosen = [f"--devices={device}"] if device is not None else []
        started = [sys.executable, "-m", "compare_gan_tf.bin.study.child", str(os.getpid())]
        self._command, self._environment = [*started, *command, *chosen], os.environ | environment
        self._failures = 0
        self._start()

    def _start(self) -> None:
        self._started = time.monotonic()
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )

    def goes_on(self) -> bool:
        """Whether it runs; one that died is started anew, unless it dies again and again."""
        code = self.process.poll()
        if code == 0:
            return False
        if code is not None:
            lived = time.monotonic() - self._started
            self._failures = 1 if lived > _LONG_LIFE else self._failures + 1
            if self._failures > (_MOST_FAILURES if code > 0 else _MOST_DEATHS):
                return False
            self._start()
        return True

    def last_line(self) -> str:
        """What it said last."""
        with open(self._log, encoding="utf-8", errors="replace") as file:
            lines = file.read().strip().splitlines()
        code = self.process.returncode
        said = lines[-1] if lines and code > 0 else f"exit code {code}"
        return said.removeprefix("compare-gan study work: ")


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
