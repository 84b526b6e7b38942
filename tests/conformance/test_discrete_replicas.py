"""One replica == two replicas, for every estimator of discrete generators and every alphabet."""

import os
import pathlib
import subprocess
import sys

import discrete_replicas
import numpy as np
import pytest

pytestmark = pytest.mark.slow

SCRIPT = pathlib.Path(discrete_replicas.__file__)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """{replicas: {"case|variable": value}}"""
    folder, children = tmp_path_factory.mktemp("replicas"), {}
    for replicas in (1, 2):
        command = [sys.executable, str(SCRIPT), str(replicas), str(folder / f"{replicas}.npz")]
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
        children[replicas] = subprocess.Popen(command, env=environment)
    assert [child.wait() for child in children.values()] == [0, 0]
    return {replicas: dict(np.load(folder / f"{replicas}.npz")) for replicas in children}


def of(run: dict, case: str) -> dict:
    return {key.split("|")[1]: value for key, value in run.items() if key.startswith(f"{case}|")}


@pytest.mark.parametrize("case", discrete_replicas.CASES)
def test_two_replicas_train_a_discrete_generator_as_one(runs, case):
    one, two = of(runs[1], case), of(runs[2], case)
    assert one.keys() == two.keys() and len(one) > 15
    np.testing.assert_array_equal(one.pop("names"), two.pop("names"))
    assert np.all(np.isfinite(one["logs"]))
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=2e-4, atol=5e-6, err_msg=name)


@pytest.mark.parametrize("case", discrete_replicas.CASES)
def test_every_term_moves(runs, case):
    """Were something not trained, the equality above would say nothing."""
    run = of(runs[1], case)
    still = run["names"][np.ptp(run["logs"], axis=0) == 0]
    assert not len(still)
    assert float(next(value for name, value in run.items() if name.endswith("log_z"))) != 0.0
