import json
import pathlib
import shutil
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parent / "replicated.py"


@pytest.mark.slow
def test_two_replicas_score_what_one_scores(tmp_path, gan, save):
    save(gan, tmp_path / "one", 1)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    found = []
    for replicas, folder in ((1, "one"), (2, "two")):
        command = [sys.executable, str(SCRIPT), str(replicas), str(tmp_path / folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        found.append(json.loads(done.stdout.splitlines()[-1]))
    one, two = found
    assert len(one) == 8 and all(value is not None for value in one.values())
    assert two == pytest.approx(one, rel=1e-4)  # a pixel in some thousand is rounded otherwise
