"""One replica == two replicas, for the norms that look at the whole batch."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).parents[1] / "helpers" / "norm_replicas.py"
CASES = ("batch_norm", "conditional_batch_norm", "self_modulation", "virtual_batch_norm")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """{replicas: {case: {what: value}}}"""
    folder, found = tmp_path_factory.mktemp("replicas"), {}
    for replicas in (1, 2):
        output = folder / f"{replicas}.npz"
        command = [sys.executable, str(SCRIPT), str(replicas), str(output)]
        subprocess.run(command, check=True, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""})
        found[replicas] = {case: {} for case in CASES}
        for key, value in np.load(output).items():
            case, name = key.split("|")
            found[replicas][case][name] = value
    return found


@pytest.mark.parametrize("case", CASES)
def test_two_replicas_normalise_as_one(runs, case):
    one, two = runs[1][case], runs[2][case]
    assert one.keys() == two.keys()
    assert {f"y{seed}" for seed in range(3)} < one.keys()
    for name, value in one.items():
        scale = max(np.abs(value).max(), 1e-3)
        np.testing.assert_allclose(two[name], value, rtol=1e-4, atol=1e-5 * scale, err_msg=name)
