"""One replica == two replicas, for every objective, augmentation and both kinds of optimiser."""

import functools

import catalogue
import numpy as np
import pytest
import replicas
import strategies

FAST = [("fast", case) for case in replicas.FAST]
SLOW = [("kinds", case) for case in catalogue.KINDS]
SLOW += [("all", case) for case in (*catalogue.GROUPS, "lazy")]
CASES = [*FAST, *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A function ("fast", "kinds" or "all") -> {replicas: {case: {variable: value}}}."""

    @functools.cache
    def trained(which):
        output = tmp_path_factory.mktemp("replicas") / "trained.npz"
        strategies.run("replicas.py", which, output)
        return strategies.read(output)

    trained("fast")  # in the time of the fixture
    return trained


@pytest.mark.parametrize(("which", "case"), CASES)
def test_two_replicas_train_as_one(runs, which, case):
    one, two = (runs(which)[number][case] for number in (1, 2))
    assert len(one) > 20
    for name, a, b in zip(one["names"], two["logs"].T, one["logs"].T, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6, err_msg=name)
    for name in one.keys() - {"logs", "names"}:
        np.testing.assert_allclose(two[name], one[name], rtol=2e-4, atol=5e-6, err_msg=name)


@pytest.mark.parametrize(("which", "case"), CASES)
def test_every_term_is_logged_and_every_weight_moves(runs, which, case):
    """Were something not trained, the equality above would say nothing."""
    found = runs(which)[1]
    names, logs = found[case]["names"], found[case]["logs"]
    assert np.all(np.isfinite(logs))
    still = names[np.ptp(logs, axis=0) == 0]
    assert not len(still)
    groups = catalogue.KINDS if which != "all" else catalogue.GROUPS | {"lazy": catalogue.LAZY}
    expected = {*groups.get(case, ()), "non_saturating"} - {"weight_clipping"}
    assert {name.split("/")[1] for name in names} >= expected
    other = [*found][[*found].index(case) - 1]
    weights = [key for key in found[case].keys() & found[other].keys() if "kernel" in key]
    assert len(weights) >= 4
    for key in weights:
        assert not np.array_equal(found[case][key], found[other][key]), key
