r"""What the engine of studies costs beside trainings: CPU-seconds of driver and workers a trial.

    python benchmarks/study_engine.py --cells=100 --settings=100 --trials=8 --seconds=20

The runs only wait, so that all CPU time is the engine's. One line of JSON says:

  create_ms: to make the study, a trial.
  start: CPU-seconds of driver and workers in a study that has nothing left to do, a worker.
  trial: beyond that, a trial.
  share_of_a_minute: of a trial that takes 60 s on one core: the latter alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from compare_gan_tf.comparison.records import COMPLETE, Run, Scored
from compare_gan_tf.study import connection, driver, reading, storage, trials, worker


def make(folder: str, cells: int, settings: int) -> storage.Study:
    """A study with so many trials."""
    with open(f"{folder}/base.gin", "w") as file:
        file.write("load.name = 'digits'\n")
    axes = {"axis": {str(number): [f"a.b = {number}"] for number in range(cells)}}
    with open(f"{folder}/engine.gin", "w") as file:
        file.write(f'study.base = "base.gin"\nstudy.axes = {axes}\n')
        file.write(f'study.settings = {{"c.d": {list(range(settings))}}}\n')
    plan, texts = reading.read(f"{folder}/engine.gin")
    opened = connection.connect(connection.default_url(folder))
    return storage.create(opened, plan, texts, directions={"fid": False}, command="")


def work(folder: str, most: int, seconds: float) -> None:
    """A worker whose runs wait in processes of their own."""
    popen, scored = subprocess.Popen, Scored([(1, 2.0)], 1, 2.0, None, 2.0, None, None, {}, "", [])
    trials.subprocess.Popen = lambda _, **options: popen(["sleep", str(seconds)], **options)
    trials._read_record = lambda place: Run(
        name=place, variant={}, setting={}, seed=0, task="digits", status=COMPLETE, reason=None,
        scores={"fid": scored}, steps=1, images=1, seconds=1.0, multiply_adds=None, folder=place,
    )  # fmt: skip
    opened = connection.connect(connection.default_url(folder))
    study = storage.load(opened, "engine")
    worker.work(study, folder, trials.Means(), max_trials=most)


def drive(study: storage.Study, folder: str, workers: int, most: int, seconds: float) -> float:
    """CPU-seconds of driver and workers for `most` trials of each worker."""
    popen = subprocess.Popen
    command = [sys.executable, __file__, "--work", folder, str(most), str(seconds)]
    driver.subprocess.Popen = lambda _, **options: popen(command, **options)
    before = sum(os.times()[:4])
    driver.run(study, folder, [], [None] * workers)
    driver.subprocess.Popen = popen
    return sum(os.times()[:4]) - before


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=6)
    parser.add_argument("--settings", type=int, default=20)
    parser.add_argument("--trials", type=int, default=4, help="of each worker")
    parser.add_argument("--seconds", type=float, default=10.0, help="that a trial takes")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        study = make(folder, asked.cells, asked.settings)
        created = time.process_time() - began
        start = drive(study, folder, asked.workers, 0, asked.seconds) / asked.workers
        spent = drive(study, folder, asked.workers, asked.trials, asked.seconds)
    number = asked.trials * asked.workers
    trial = (spent - start * asked.workers) / number
    found = {
        "trials_in_study": asked.cells * asked.settings,
        "create_ms": round(1000 * created / (asked.cells * asked.settings), 3),
        "start": round(start, 2),
        "trial": round(trial, 3),
        "seconds_of_a_trial": asked.seconds,
        "share_of_a_minute": round(trial / 60, 4),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    else:
        main()
