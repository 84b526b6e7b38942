"""kill -9 between and within metrics, then the same call again: nothing is lost or cut off."""

import collections
import json
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from compare_gan_tf.runs import best, results

SCRIPT = pathlib.Path(__file__).parents[1] / "helpers" / "killed.py"
SCORES = ["authenticity", "fid", "kid_full", "precision", "recall"]


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def killed_and_repeated(kind, folder, kills, seed):
    """Starts it until it ends by itself; kills it so often, each a while after a metric ended."""
    rng = random.Random(seed)
    ended = folder / "ended"
    for attempt in range(kills + 1):
        before = len(lines(ended))
        process = subprocess.Popen([sys.executable, str(SCRIPT), kind, str(folder)])
        while attempt < kills and len(lines(ended)) < before + rng.choice((1, 2)):
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.001)
        if attempt < kills:
            time.sleep(rng.uniform(0, 0.35))
            process.send_signal(signal.SIGKILL)
        assert process.wait(300) == (-signal.SIGKILL if attempt < kills else 0)
    return collections.Counter(lines(ended))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_two_sides(tmp_path, seed):
    counts = killed_and_repeated("pair", tmp_path, kills=2, seed=seed)
    content = json.loads((tmp_path / "scores.json").read_text())
    assert content["complete"] and sorted(r["metric"] for r in content["scores"]) == SCORES
    # Only the metric that was being written when the process died may have run twice.
    assert counts.total() <= 4 + 2 and set(counts) == {
        "fid", "kid_full", "precision_recall", "authenticity",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_run(tmp_path, gan, save, seed):
    run = tmp_path / "run"
    for step in (1, 2):
        save(gan, run, step)
    counts = killed_and_repeated("run", tmp_path, kills=3, seed=seed)
    rows = results.read(results.path(run))
    assert len({results.key(row) for row in rows}) == len(rows) == 2 * 2 * len(SCORES)
    assert all(row["value"] is not None for row in rows)
    assert not results.read(results.partial_path(run))
    assert best.read(run)["step"] in (1, 2)
    floors = results.read(results.floor_path(run))
    assert len({results.key(row) for row in floors}) == 2 * len(SCORES)
    assert counts.total() <= 2 * 2 * 4 + 2 * 4 + 3  # two checkpoints and the floor, on two splits
