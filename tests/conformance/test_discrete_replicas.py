"""One replica == two replicas, for every estimator of discrete generators and every alphabet."""

import discrete_replicas
import numpy as np
import pytest
import strategies

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """{replicas: {case: {variable: value}}}"""
    output = tmp_path_factory.mktemp("replicas") / "trained.npz"
    strategies.run("discrete_replicas.py", output)
    return strategies.read(output)


@pytest.mark.parametrize("case", discrete_replicas.CASES)
def test_two_replicas_train_a_discrete_generator_as_one(runs, case):
    one, two = runs[1][case], runs[2][case]
    assert one.keys() == two.keys() and len(one) > 15
    np.testing.assert_array_equal(one["names"], two["names"])
    assert np.all(np.isfinite(one["logs"]))
    for name in one.keys() - {"names"}:
        np.testing.assert_allclose(two[name], one[name], rtol=2e-4, atol=5e-6, err_msg=name)


@pytest.mark.parametrize("case", discrete_replicas.CASES)
def test_every_term_moves(runs, case):
    """Were something not trained, the equality above would say nothing."""
    run = runs[1][case]
    still = run["names"][np.ptp(run["logs"], axis=0) == 0]
    assert not len(still)
    assert float(next(value for name, value in run.items() if name.endswith("log_z"))) != 0.0
