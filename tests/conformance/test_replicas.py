"""One replica == two replicas, for every loss and penalty, and for both kinds of optimiser."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).parent / "replicas.py"
CASES = (
    "non_saturating minimax wasserstein least_squares least_squares_on_probabilities hinge "
    "between around_real at_real at_fake together adam"
).split()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """{replicas: {case: {variable: value}}}"""
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
def test_two_replicas_train_as_one(runs, case):
    one, two = runs[1][case], runs[2][case]
    assert len(one) > 20
    np.testing.assert_allclose(two["logs"], one["logs"], rtol=2e-4, atol=2e-6)
    for name in one.keys() - {"logs"}:
        np.testing.assert_allclose(two[name], one[name], rtol=2e-4, atol=5e-6, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_training_moves_every_weight_and_every_state(runs, case):
    """Were a player not trained, the equality above would say nothing."""
    other = CASES[CASES.index(case) - 1]
    logs = runs[1][case]["logs"]
    assert np.all(np.isfinite(logs))
    assert np.all(np.ptp(logs, axis=0) > 0)
    moved = [
        not np.array_equal(runs[1][case][name], runs[1][other][name])
        for name in runs[1][case].keys() - {"logs"}
        if "bias" not in name
    ]
    assert np.mean(moved) > 0.9
