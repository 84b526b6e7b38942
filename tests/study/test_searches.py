"""How settings are chosen: the grid, random search, TPE, and the two by a Gaussian process."""

import itertools
import math
import statistics
import sys
import threading
import time

import numpy as np
import pytest
from optuna.trial import TrialState
from searching import (
    MIXED,
    NUMBERS,
    begin,
    fill,
    in_memory,
    learning_rate_error,
    sampler,
    with_noise,
)

from compare_gan_tf.errors import UserError
from compare_gan_tf.study import cells, claims, connection, reading, samplers, storage
from compare_gan_tf.study.cells import Cell
from compare_gan_tf.study.plan import SEARCHES, Search

LEARNING = ["tpe", "gp_ei", "gp_ucb"]
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


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_workers_of_a_stored_study_propose_by_cell_and_slot(tmp_path):
    """Each claim is made by a worker that has just begun, on a storage that it has just opened."""
    text = TABLE_1 + "study.search = @random_search()\nstudy.trials = 2\n"
    text = text.replace("[2e-4, 1e-4, 1e-3]", '("log", 1e-5, 1e-2)').replace(
        '"penalty": {', '"penalty": {"none": [], '
    )
    texts, url = reading.Texts(text, "train.training_steps = 1\n"), f"sqlite:///{tmp_path}/s.db"
    plan = reading.parse(text, "landscape")
    storage.create(connection.connect(url), plan, texts, directions={"fid": False}, command="")
    found = {}
    for _ in range(4):
        study = storage.load(connection.connect(url), "landscape")
        for one in study.studies:
            one.sampler = samplers.sampler(study.plan.search)
        with claims.claim(study, str(tmp_path)) as claimed:
            setting = samplers.suggest(claims.begin(study, claimed), claimed.cell)
            found[claimed.cell.number, claimed.slot] = setting
            claims.complete(study, claimed, 1.0)
    assert found.keys() == set(itertools.product((0, 1), (0, 1)))
    for (number, slot), setting in found.items():
        again = in_memory(study.studies[number].study_name)
        again.sampler = samplers.sampler(plan.search)
        assert begin(again, study.cells[number].settings, slot)[1] == setting
    assert len({setting["adam.learning_rate"] for setting in found.values()}) == 4


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


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("name", LEARNING)
def test_a_setting_that_failed_counts_as_the_worst_at_the_time_of_the_proposal(name, direction):
    """Also as worse than scores that come after it: the first one fails before there is any."""
    sign = 1.0 if direction == "minimize" else -1.0
    scores = [None, 40.0, 30.0, None, 5000.0, 6000.0, 20.0, 35.0]  # by slot
    proposals = []
    for failed in (math.inf, 6000.0 if name.startswith("gp") else 1e9):
        study = in_memory(direction=direction)
        study.sampler = sampler(name, startup=8)
        values = iter([sign * (failed if one is None else one) for one in scores])
        fill(study, MIXED, 8, lambda _, values=values: next(values))
        proposals.append([begin(study, MIXED, slot)[1] for slot in (8, 9)])
    assert proposals[0] == proposals[1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", LEARNING)
def test_a_search_goes_on_where_all_settings_failed(name):
    study = in_memory()
    study.sampler = sampler(name, startup=2)
    found = fill(study, MIXED, 6, lambda _: math.inf)
    assert len({tuple(one.values()) for one in found}) == 6


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNING)
def test_keeps_away_from_where_settings_fail(name):
    """High learning rates fail; the others score in the thousands."""
    study = in_memory()
    study.sampler = sampler(name)

    def value(setting):
        return math.inf if setting["lr"] > 1e-4 else 5000.0 + 1000.0 * learning_rate_error(setting)

    found = fill(study, MIXED, 30, value)[-12:]
    assert sum(one["lr"] > 1e-4 for one in found) <= 4  # 7 of 12 at random


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
    study.sampler = sampler(name, startup=8)
    fill(study, NUMBERS, 8, lambda one: sum(math.log10(x + 1e-3) for x in one.values()))
    batch = [begin(study, NUMBERS, slot)[1] for slot in range(8, 14)]
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
    found = fill(study, MIXED, 30, with_noise(learning_rate_error, 0.05))[-12:]
    assert sum(one["norm"] == "spectral" for one in found) >= 8
    # A random learning rate is 1.3 decades away in the median.
    assert statistics.median(abs(math.log10(one["lr"]) + 4) for one in found) < 0.6


@pytest.mark.parametrize("name", ["gp_ei", "gp_ucb"])
def test_names_the_extra_that_is_missing(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "compare_gan_tf.study.gp_ucb", raising=False)
    monkeypatch.delattr("compare_gan_tf.study.gp_ucb", raising=False)
    with pytest.raises(UserError, match=r"pip install 'compare_gan_tf\[bandit\]'"):
        samplers.sampler(Search(name, SEARCHES[name]))
