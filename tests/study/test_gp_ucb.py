"""GP-UCB: its bound, what it does with bad values, and how near it comes."""

import importlib.util
import math
import pathlib
import statistics

import numpy as np
import optuna
import pytest
from searching import MIXED, fill, in_memory, sampler

from compare_gan_tf.study.plan import Span

BENCHMARK = pathlib.Path(__file__).parents[2] / "benchmarks" / "searches.py"


@pytest.fixture
def gp_ucb():
    pytest.importorskip("botorch", reason="GP-UCB needs BoTorch")
    from compare_gan_tf.study import gp_ucb

    return gp_ucb


def test_a_few_very_bad_values_hide_nothing(gp_ucb):
    import torch

    def clipped(*values):
        return gp_ucb.clipped(torch.tensor(values, dtype=torch.float64)[:, None])[:, 0].tolist()

    # Of -1e6, 1, 2, 3, 4, 5 the median is 2.5, the upper quartile 3.75: the fence is at -2.5.
    assert clipped(-1e6, 1.0, 2.0, -1e6, 3.0, 4.0, 5.0) == [-2.5, 1.0, 2.0, -2.5, 3.0, 4.0, 5.0]
    assert clipped(1.0, 2.0, 3.0, 4.0, 5.0) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert clipped(7.0, 7.0) == [7.0, 7.0]


def test_very_bad_values_do_not_lead_astray(gp_ucb):
    """Runs of learning rates above 1e-2 diverge, as in practice; they score a million."""
    study = in_memory()
    study.sampler = sampler("gp_ucb", startup=10)
    settings = {"lr": Span(1e-6, 1e-1, log=True)}

    def value(setting):
        return 1e6 if setting["lr"] > 1e-2 else 30 + abs(math.log10(setting["lr"]) + 4)

    found = fill(study, settings, 18, value)
    assert min(abs(math.log10(one["lr"]) + 4) for one in found[10:]) < 0.1
    assert sum(one["lr"] > 1e-2 for one in found[10:]) <= 2


def test_categories_alone_are_searched(gp_ucb):
    study = in_memory()
    study.sampler = sampler("gp_ucb", startup=4)
    settings = {name: MIXED["norm"] for name in ("norm", "of_g")}
    found = fill(study, settings, 12, lambda one: sum(x != "spectral" for x in one.values()))
    assert {"norm": "spectral", "of_g": "spectral"} in found[4:]


def test_equal_values_are_no_obstacle(gp_ucb):
    study = in_memory()
    study.sampler = sampler("gp_ucb", startup=1)
    assert len({one["lr"] for one in fill(study, MIXED, 5, lambda _: 1000.0)}) == 5


def test_the_bound_is_that_of_srinivas_et_al(gp_ucb):
    """Where nothing runs, mu + sqrt(beta) sigma is highest at the proposal: their equation 6."""
    import torch

    torch.manual_seed(0)
    x = torch.rand(12, 1, dtype=torch.float64)
    y = torch.sin(6 * x)
    bounds = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    space = {"x": optuna.distributions.FloatDistribution(0.0, 1.0)}
    proposed = gp_ucb.propose(x, y, bounds, x[:0], space, 4.0)
    grid = torch.linspace(0, 1, 2001, dtype=torch.float64)[:, None]
    posterior = gp_ucb.fitted(x, (y - y.mean()) / y.std()).posterior(grid)
    bound = posterior.mean + 2.0 * posterior.variance.sqrt()
    assert float(proposed) == pytest.approx(float(grid[bound.argmax()]), abs=1e-3)


def test_points_are_moved_to_what_trials_can_have(gp_ucb):
    import torch
    from optuna import distributions

    space = {
        "norm": distributions.CategoricalDistribution(["a", "b"]),
        "steps": distributions.IntDistribution(1, 5),
        "width": distributions.IntDistribution(8, 512, log=True),
        "lr": distributions.FloatDistribution(1e-5, 1e-1, log=True),
    }
    points = torch.tensor(
        [
            [0.2, 0.9, 2.6, math.log(100.4), -7.0],
            [0.6, 0.1, 5.5, math.log(7.5), -3.0],
        ],
        dtype=torch.float64,
    )
    wanted = [[0.0, 1.0, 3.0, math.log(100), -7.0], [1.0, 0.0, 5.0, math.log(8), -3.0]]
    assert gp_ucb.possible(points, space).tolist() == [pytest.approx(one) for one in wanted]


def test_a_proposal_takes_one_thread(gp_ucb, monkeypatch):
    import torch

    threads = []
    propose = gp_ucb.propose
    monkeypatch.setattr(
        gp_ucb,
        "propose",
        lambda *args: threads.append(torch.get_num_threads()) or propose(*args),
    )
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        study = in_memory()
        study.sampler = sampler("gp_ucb", startup=2)
        fill(study, {"lr": MIXED["lr"]}, 3, lambda one: one["lr"])
        assert threads == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


# --- How near it comes ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def searches():
    spec = importlib.util.spec_from_file_location("searches", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_surfaces_have_the_minima_of_the_literature(searches):
    """Hartmann's at the point that Picheny et al. (2013) give, Branin's at (pi, 2.275)."""
    lowest = np.array([0.1873, 0.1906, 0.5566, 0.2647])
    assert searches.hartmann(lowest) == pytest.approx(-3.1345, abs=1e-3)
    lowest = np.array([(math.pi + 5) / 15, 2.275 / 15, 0.5, 0.5])
    assert searches.branin_and_bowl(lowest) * 51.95 == pytest.approx(0.397887, abs=1e-5)
    draws = np.random.default_rng(0).random((20_000, 4))
    for function, minimum, _ in searches.SURFACES.values():
        values = [function(one) for one in draws]
        assert min(values) > minimum
        assert np.std(values) == pytest.approx(1.0, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("surface", ["Hartmann-4", "Branin and bowl"])
def test_gp_ucb_comes_nearer_than_random_search(gp_ucb, searches, surface):
    """60 noisy trials in batches of six; regrets in standard deviations of the surface."""
    bandit, random = (
        statistics.median(searches.regret(name, surface, seed)[0] for seed in range(seeds))
        for name, seeds in (("gp_ucb", 2), ("random_search", 20))
    )
    assert bandit < random / 2
