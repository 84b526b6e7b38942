import json
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[1] / "helpers" / "fit_replicas.py"


@pytest.mark.slow
def test_two_replicas_fit_tf_data_as_one_does():
    """In a process of its own: devices are made before TensorFlow starts."""
    run = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found.pop("refused") == [
        f"{name} = 7 does not divide among 2 replicas: use 8"
        for name in ("the batch size of the data given to fit", "batch_size")
    ]
    assert len(found) == 4
    for form, change in found.items():
        assert change["largest"] < 1e-5 < 0.1 < change["moved"], form
