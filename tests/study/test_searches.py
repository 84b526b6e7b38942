"""How settings are chosen: the grid, random search, TPE, and the two by a Gaussian process."""

import importlib.util
import itertools
import math
import pathlib
import statistics
import sys
import threading
import time

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from compare_gan_tf.errors import UserError
from compare_gan_tf.study import cells, reading, samplers
from compare_gan_tf.study.cells import Cell
from compare_gan_tf.study.plan import SEARCHES, Choice, Search, Span

BENCHMARK = pathlib.Path(__file__).parents[2] / "benchmarks" / "searches.py"
LEARNING = ["tpe", "gp_ei", "gp_ucb"]
MIXED = {
    "norm": {"none": Choice(()), "spectral": Choice(()), "layer": Choice(())},
    "lr": Span(1e-6, 1e-1, log=True),
    "beta_1": Span(0.0, 1.0),
    "d_steps": Span(1, 5, whole=True),
    "width": Span(8, 512, log=True, whole=True),
}
NUMBERS = {f"x{i}": Span(1e-5, 1e-1, log=True) for i in range(4)}

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def sampler(name: str, **options):
    if name.startswith("gp"):
        pytest.importorskip("torch", reason="a Gaussian process needs torch")
    if name == "gp_ucb":
        pytest.importorskip("botorch", reason="GP-UCB needs BoTorch")
    return samplers.sampler(Search(name, SEARCHES[name] | options))


def in_memory(name: str = "study/000 hinge", direction: str = "minimize") -> optuna.Study:
    storage = optuna.storages.InMemoryStorage()
    return optuna.create_study(study_name=name, storage=storage, direction=direction)


def begin(study: optuna.Study, settings: dict, slot: int) -> tuple[optuna.Trial, dict]:
    """A running trial of a slot, as a worker begins it, and its settings."""
    study.enqueue_trial({}, user_attrs={"slot": slot})
    trial = study.ask()
    return trial, samplers.suggest(trial, Cell(0, {}, "", (), settings))


def fill(study: optuna.Study, settings: dict, number: int, value) -> list[dict]:
    """Trials of the slots from 0, one after another, told `value(setting)`; their settings."""
    found = []
    for slot in range(number):
        trial, setting = begin(study, settings, slot)
        study.tell(trial, value(setting))
        found.append(setting)
    return found


def with_noise(function, deviation: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    return lambda setting: function(setting) + deviation * rng.standard_normal()


def learning_rate_error(setting: dict) -> float:
    """How far a learning rate lies from 1e-4, in decades; a wrong norm is worth one more."""
    return abs(math.log10(setting["lr"]) + 4) + (setting["norm"] != "spectral")


# --- The grid ---------------------------------------------------------------------------------

TABLE_1 = """
study.base = "base.gin"
study.axes = {"penalty": {"GP": ["GAN.objectives = [@Adversarial(), @GradientPenalty()]"]}}
study.settings = {
    "adam.learning_rate": [2e-4, 1e-4, 1e-3],
    "GradientPenalty.weight": [1.0, 10.0],
    "optimiser": {
        ".5 .9 5": ["adam.beta_1 = 0.5", "adam.beta_2 = 0.9", "GAN.d_steps = 5"],
        ".5 .999 1": ["adam.beta_1 = 0.5", "adam.beta_2 = 0.999", "GAN.d_steps = 1"],
        ".5 .999 5": ["adam.beta_1 = 0.5", "adam.beta_2 = 0.999", "GAN.d_steps = 5"],
        ".9 .999 5": ["adam.beta_1 = 0.9", "adam.beta_2 = 0.999", "GAN.d_steps = 5"],
    },
}
"""


def test_the_grid_of_kurach_et_al_has_24_settings(tmp_path):
    """Table 1 of "A Large-Scale Study on Regularization and Normalization in GANs"."""
    (tmp_path / "base.gin").write_text("train.training_steps = 1\n")
    (tmp_path / "table1.gin").write_text(TABLE_1)
    plan, _ = reading.read(str(tmp_path / "table1.gin"))
    (cell,) = cells.cells(plan)
    found = [tuple(cell.bindings_of(setting)[1:]) for setting in cell.grid()]
    wanted = {
        (
            f"adam.learning_rate = {rate}",
            f"GradientPenalty.weight = {weight}",
            f"adam.beta_1 = {beta_1}",
            f"adam.beta_2 = {beta_2}",
            f"GAN.d_steps = {steps}",
        )
        for rate, weight, (beta_1, beta_2, steps) in itertools.product(
            (0.0002, 0.0001, 0.001),
            (1.0, 10.0),
            ((0.5, 0.9, 5), (0.5, 0.999, 1), (0.5, 0.999, 5), (0.9, 0.999, 5)),
        )
    }
    assert len(found) == 24
    assert set(found) == wanted


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("tpe.startup = 2.5", r"tpe.startup is 2.5: it must be a whole number above 0"),
        ("tpe.startup = 0", r"tpe.startup is 0: it must be a whole number above 0"),
        ("tpe.beta = 1.0", r"@tpe\(\), which has no tpe.beta: remove it"),
        ('study.settings = {"a.b": ("whole", 1.5, 3)}', "1.5.*it must be a whole number"),
        ('study.settings = {"a.b": ("uniform", 1.0, 1e999)}', "inf.*it must be a number"),
    ],
)
def test_options_and_ranges_that_a_search_cannot_heed_are_refused(statement, message):
    text = TABLE_1 + f"study.search = @tpe()\nstudy.trials = 3\n{statement}\n"
    with pytest.raises(UserError, match=message):
        reading.parse(text, "study")


# --- What holds of every search ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["random_search", *LEARNING])
def test_proposals_lie_in_their_ranges(name):
    study = in_memory()
    study.sampler = sampler(name, startup=6) if name in LEARNING else sampler(name)
    for setting in fill(study, MIXED, 12, learning_rate_error):
        assert list(setting) == list(MIXED)
        assert setting["norm"] in MIXED["norm"]
        for name in ("lr", "beta_1", "d_steps", "width"):
            assert MIXED[name].low <= setting[name] <= MIXED[name].high
        assert isinstance(setting["d_steps"], int)
        assert isinstance(setting["width"], int)


def test_random_search_draws_logarithmic_ranges_on_their_scale():
    study = in_memory()
    study.sampler = sampler("random_search")
    drawn = [begin(study, MIXED, slot)[1] for slot in range(400)]
    # Of 400 draws a share of one half has a standard deviation of 0.025.
    assert np.mean([one["lr"] < 10**-3.5 for one in drawn]) == pytest.approx(0.5, abs=0.1)
    assert np.mean([one["width"] < 64 for one in drawn]) == pytest.approx(0.5, abs=0.1)
    assert np.mean([one["beta_1"] < 0.5 for one in drawn]) == pytest.approx(0.5, abs=0.1)
    # Settings are drawn independently of each other.
    table = np.array([(math.log(one["lr"]), one["beta_1"], one["d_steps"]) for one in drawn])
    assert np.abs(np.corrcoef(table.T) - np.eye(3)).max() < 0.2


@pytest.mark.parametrize("name", ["random_search", *LEARNING])
def test_a_worker_that_starts_anew_goes_on_as_the_old_one_would_have(name):
    options = {"startup": 4} if name in LEARNING else {}
    whole, parts = in_memory(), in_memory()
    whole.sampler = sampler(name, **options)
    expected = fill(whole, MIXED, 7, learning_rate_error)
    found = []
    for slot in range(7):
        parts.sampler = sampler(name, **options)
        trial, setting = begin(parts, MIXED, slot)
        parts.tell(trial, learning_rate_error(setting))
        found.append(setting)
    assert found == expected
    assert len({setting["lr"] for setting in found}) == 7


@pytest.mark.parametrize("name", ["random_search", "tpe"])
def test_each_cell_and_each_slot_has_proposals_of_its_own(name):
    drawn = set()
    for cell in ("study/000 hinge", "study/001 Wasserstein", "other/000 hinge"):
        study = in_memory(cell)
        study.sampler = sampler(name)
        drawn |= {begin(study, MIXED, slot)[1]["lr"] for slot in (0, 1, 2)}
    assert len(drawn) == 9
    study = in_memory()
    study.sampler = sampler(name)
    assert begin(study, MIXED, 5)[1] == begin(study, MIXED, 5)[1]  # of a trial and its successor


@pytest.mark.parametrize("name", LEARNING)
def test_trials_that_failed_teach_nothing(name):
    """They count neither for the start nor for what follows; a bad run completes with a value."""
    settings, proposals = MIXED, []
    for failures in (0, 5):
        study = in_memory()
        study.sampler = sampler(name, startup=6)
        for slot in range(100, 100 + failures):
            study.tell(begin(study, settings, slot)[0], state=TrialState.FAIL)
        fill(study, settings, 6, learning_rate_error)
        proposals.append(begin(study, settings, 6)[1])
    assert proposals[0] == proposals[1]


@pytest.mark.parametrize("name", LEARNING)
def test_higher_is_better_is_the_mirror_of_lower_is_better(name):
    low, high = in_memory(), in_memory(direction="maximize")
    low.sampler, high.sampler = sampler(name, startup=8), sampler(name, startup=8)
    fill(low, MIXED, 9, learning_rate_error)
    fill(high, MIXED, 9, lambda setting: -learning_rate_error(setting))
    assert begin(low, MIXED, 9)[1] == begin(high, MIXED, 9)[1]


@pytest.mark.parametrize("name", LEARNING)
def test_a_batch_of_running_trials_spreads_out(name):
    study = in_memory()
    study.sampler = sampler(name, startup=10)
    fill(study, NUMBERS, 12, lambda one: sum(math.log10(x + 1e-3) for x in one.values()))
    batch = [begin(study, NUMBERS, slot)[1] for slot in range(12, 18)]
    points = np.array([[math.log10(x) / 4 for x in one.values()] for one in batch])
    apart = [np.linalg.norm(a - b) for a, b in itertools.combinations(points, 2)]
    assert min(apart) > 0.02  # in the unit cube


@pytest.mark.parametrize("name", LEARNING)
def test_a_trial_waits_for_the_proposals_of_trials_that_began_earlier(name):
    study = in_memory()
    study.sampler = sampler(name, startup=2)
    fill(study, NUMBERS, 3, lambda one: math.log10(one["x0"]))
    first, second = study.ask(), study.ask()
    cell, found = Cell(0, {}, "", (), NUMBERS), []
    other = threading.Thread(target=lambda: found.append(samplers.suggest(second, cell)))
    other.start()
    time.sleep(0.5)
    assert not found
    samplers.suggest(first, cell)
    other.join(30)
    assert len(found) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNING)
def test_learns_a_category_and_a_logarithmic_range(name):
    study = in_memory()
    study.sampler = sampler(name)
    found = fill(study, MIXED, 40, with_noise(learning_rate_error, 0.05))[-15:]
    assert sum(one["norm"] == "spectral" for one in found) >= 10
    # A random learning rate is 1.3 decades away in the median.
    assert statistics.median(abs(math.log10(one["lr"]) + 4) for one in found) < 0.6


@pytest.mark.parametrize("name", ["gp_ei", "gp_ucb"])
def test_names_the_extra_that_is_missing(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "compare_gan_tf.study.gp_ucb", raising=False)
    monkeypatch.delattr("compare_gan_tf.study.gp_ucb", raising=False)
    with pytest.raises(UserError, match=r"pip install 'compare_gan_tf\[bandit\]'"):
        samplers.sampler(Search(name, SEARCHES[name]))


# --- GP-UCB -----------------------------------------------------------------------------------


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

    found = fill(study, settings, 24, value)
    assert min(abs(math.log10(one["lr"]) + 4) for one in found[10:]) < 0.1
    assert sum(one["lr"] > 1e-2 for one in found[10:]) <= 4


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


@pytest.mark.slow
@pytest.mark.parametrize("surface", ["Hartmann-4", "Branin and bowl"])
def test_gp_ucb_comes_nearer_than_random_search(gp_ucb, surface):
    """60 noisy trials in batches of six; regrets in standard deviations of the surface."""
    spec = importlib.util.spec_from_file_location("searches", BENCHMARK)
    searches = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(searches)
    seeds = range(3)
    bandit = statistics.median(searches.regret("gp_ucb", surface, seed)[0] for seed in seeds)
    random = statistics.median(
        searches.regret("random_search", surface, seed)[0] for seed in range(20)
    )
    assert bandit < random / 2
