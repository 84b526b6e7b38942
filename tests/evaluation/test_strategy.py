import json
import pathlib
import shutil
import subprocess
import sys

import keras
import pytest

SCRIPT = pathlib.Path(__file__).parents[1] / "helpers" / "replicated.py"


@pytest.mark.slow
def test_two_replicas_score_what_one_scores(tmp_path, gan, save):
    save(gan, tmp_path / "1", 1)
    keras.utils.set_random_seed(0)
    layers = [keras.Input([8, 8, 1]), keras.layers.Conv2D(8, 5), keras.layers.Flatten()]
    keras.Sequential(layers).save(tmp_path / "1" / "network.keras")
    shutil.copytree(tmp_path / "1", tmp_path / "2")
    command = [sys.executable, str(SCRIPT), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = map(json.loads, done.stdout.splitlines()[-2:])
    assert len(one) == 9 and all(value is not None for value in one.values())
    assert two == pytest.approx(one, rel=1e-4)  # a pixel in some thousand is rounded otherwise
