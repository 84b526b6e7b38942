"""Progress of scoring: a forecast from the first batches, then a bar with the remaining time."""

import os
import resource
import sys
import time
from typing import NamedTuple

from tqdm import tqdm

from compare_gan_tf.evaluation.sides import Method
from compare_gan_tf.metrics.base import UndefinedScore
from compare_gan_tf.metrics.rows import MEMORY

WORTH_A_FORECAST = 40  # batches; with fewer, the forecast would take a large part of the time
_SIDES = 2


class Forecast(NamedTuple):
    """Expected cost of scoring.

    Attributes:
      seconds: time to generate samples and extract features; the metrics' own time is not included.
      samples: number of samples of all sides.
      memory: peak memory of the whole process in bytes.
      disk: bytes of temporary files.
    """

    seconds: float
    samples: int
    memory: int
    disk: int

    def __str__(self):
        rate = self.samples / max(self.seconds, 1e-9)
        return (
            f"about {duration(self.seconds)} for {self.samples:,} samples ({rate:,.0f} a second), "
            f"{self.memory / 2**20:,.0f} MiB of memory, {self.disk / 2**20:,.0f} MiB of temporary "
            "files; the metrics come on top"
        )


def duration(seconds: float) -> str:
    """In words: "42 s", "3 min 20 s", "2 h 5 min"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (seconds if not hours else 0, "s")]
    return " ".join(f"{value} {unit}" for value, unit in parts if value) or "1 s"


def forecast(jobs, method: Method) -> Forecast | None:
    """Measures the second batch of each side; returns None if there are few batches.

    Args:
      jobs: triples (side, number of its samples, whether its images are kept).
      method: how samples are processed.
    """
    jobs = [job for job in jobs if job[1] >= WORTH_A_FORECAST * method.batch_size]
    seconds = disk = widest = 0
    for side, number, keeps_images in jobs:
        try:
            elapsed, row, width = _one_batch(side, method, keeps_images)
        except UndefinedScore:
            continue  # the scores will have this error as their reason
        seconds += elapsed * number / method.batch_size
        disk += max(0, row * number - MEMORY)
        widest = max(widest, width)
    if not seconds:
        return None
    moments = 6 * widest**2 * 8  # float64 covariances of both sides, factors and their product
    return Forecast(
        seconds, sum(job[1] for job in jobs), used_memory() + _SIDES * MEMORY + moments, disk
    )


def _one_batch(side, method: Method, keeps_images: bool):
    """(seconds per batch, bytes that are kept per sample, dimension of the features)."""
    row, width, size = 0, 0, method.batch_size
    for _ in range(2):
        start = time.perf_counter()
        for batch in side.batches(size, size, method.seed):
            if method.extractor is not None:
                features, logits = method.extractor(batch.samples)
                width = features.shape[1]
                row = features[0].nbytes + (0 if logits is None else logits[0].nbytes)
        elapsed = time.perf_counter() - start
    return elapsed, row + (batch.samples[0].nbytes if keeps_images else 0), width


def used_memory() -> int:
    """Memory of the process in bytes now; its peak on systems that do not report the former."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Progress:
    """A progress bar over samples on stderr.

    Args:
      total: number of samples.
      shown: whether to show the bar.
    """

    def __init__(self, total: int, *, shown: bool = True):
        self._bar = tqdm(
            total=total, unit="sample", desc="evaluate", disable=not shown, dynamic_ncols=True
        )
        self._shown = shown

    def update(self, number: int) -> None:
        """Advances the bar by `number` samples."""
        self._bar.update(number)

    def working(self, name: str) -> None:
        """Shows which metric is being computed, which may take longer than the samples."""
        self._bar.set_description(f"evaluate: {name}")

    def say(self, text: str) -> None:
        """Writes a line above the bar."""
        if self._shown:
            tqdm.write(text, file=sys.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._bar.close()
