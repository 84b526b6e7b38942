"""One replica == two replicas, for every objective, augmentation and both kinds of optimiser."""

import os
import pathlib
import subprocess
import sys

import catalogue
import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).parents[1] / "helpers" / "replicas.py"
CASES = [*catalogue.GROUPS, "lazy", "adam", "clipping", "augmented"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """{replicas: {case: {variable: value}}}"""
    folder, found, children = tmp_path_factory.mktemp("replicas"), {}, {}
    for replicas in (1, 2):  # side by side: most of their time they trace, on one core each
        command = [sys.executable, str(SCRIPT), str(replicas), str(folder / f"{replicas}.npz")]
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
        children[replicas] = subprocess.Popen(command, env=environment)
    codes = [child.wait() for child in children.values()]
    assert codes == [0, 0]
    for replicas in children:
        found[replicas] = {case: {} for case in CASES}
        for key, value in np.load(folder / f"{replicas}.npz").items():
            case, name = key.split("|")
            found[replicas][case][name] = value
    return found


@pytest.mark.parametrize("case", CASES)
def test_two_replicas_train_as_one(runs, case):
    one, two = runs[1][case], runs[2][case]
    assert len(one) > 20
    for name, a, b in zip(one["names"], two["logs"].T, one["logs"].T, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6, err_msg=name)
    for name in one.keys() - {"logs", "names"}:
        np.testing.assert_allclose(two[name], one[name], rtol=2e-4, atol=5e-6, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_every_term_is_logged_and_every_weight_moves(runs, case):
    """Were something not trained, the equality above would say nothing."""
    names, logs = runs[1][case]["names"], runs[1][case]["logs"]
    assert np.all(np.isfinite(logs))
    still = names[np.ptp(logs, axis=0) == 0]
    assert not len(still)
    expected = {*catalogue.GROUPS.get(case, {}), "non_saturating"} - {"weight_clipping"}
    assert {name.split("/")[1] for name in names} >= expected
    other = CASES[CASES.index(case) - 1]
    weights = [key for key in runs[1][case].keys() & runs[1][other].keys() if "kernel" in key]
    assert len(weights) >= 4
    for key in weights:
        assert not np.array_equal(runs[1][case][key], runs[1][other][key]), key
