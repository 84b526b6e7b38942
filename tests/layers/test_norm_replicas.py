"""One replica == two replicas, for the norms that look at the whole batch."""

import numpy as np
import pytest
import strategies

CASES = ("batch_norm", "conditional_batch_norm", "self_modulation", "virtual_batch_norm")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """{replicas: {case: {what: value}}}"""
    output = tmp_path_factory.mktemp("replicas") / "found.npz"
    strategies.run("norm_replicas.py", output)
    return strategies.read(output)


@pytest.mark.parametrize("case", CASES)
def test_two_replicas_normalise_as_one(runs, case):
    one, two = runs[1][case], runs[2][case]
    assert one.keys() == two.keys()
    assert {f"y{seed}" for seed in range(3)} < one.keys()
    for name, value in one.items():
        scale = max(np.abs(value).max(), 1e-3)
        np.testing.assert_allclose(two[name], value, rtol=1e-4, atol=1e-5 * scale, err_msg=name)
