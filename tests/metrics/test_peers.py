"""The numbers of torch-fidelity, clean-fid and prdc on the same features."""

import json
import pathlib

import numpy as np
import pytest

from compare_gan_tf.metrics.base import Collected, Rows
from compare_gan_tf.metrics.fid import Fid
from compare_gan_tf.metrics.inception_score import InceptionScore
from compare_gan_tf.metrics.kernel import Kid, unbiased_discrepancy
from compare_gan_tf.metrics.prdc import Prdc, PrecisionRecall

GOLDENS = json.loads((pathlib.Path(__file__).parents[1] / "goldens" / "metrics.json").read_text())
SUBSETS, SUBSET_SIZE, SEED = 20, 80, 2020
RELATIVE = 1e-5  # what is asked for; float64 does better, torch's shares are float32


@pytest.fixture(params=GOLDENS["cases"])
def case(request):
    """(scores of the peers, reals, fakes)."""
    golden = GOLDENS["cases"][request.param]
    reals, fakes, columns = golden["sizes"]
    rng = np.random.RandomState(0)
    mixing = rng.randn(columns, columns) / np.sqrt(columns)
    real = np.abs(rng.randn(reals, columns) @ mixing)
    fake = np.abs(rng.randn(fakes, columns) @ mixing * 1.1 + 0.1)
    return golden, real, fake


def values(metric, real, fake):
    sides = (Collected(features=Rows.of(rows), logits=Rows.of(3 * rows)) for rows in (real, fake))
    return {name: score.value for name, score in metric(*sides).items()}


def test_fid(case):
    golden, real, fake = case
    found = values(Fid(), real, fake)["fid"]
    expected = golden["torch-fidelity"]["fid"]["frechet_inception_distance"]
    # Theirs have the roots of rounding errors, 1e-8 each, where the covariances are singular.
    assert found == pytest.approx(expected, rel=1e-7)
    assert found == pytest.approx(golden["clean-fid"]["fid"], rel=1e-7)


def test_kid_of_torch_fidelity_with_its_subsets(case):
    golden, real, fake = case
    metric = Kid(subsets=SUBSETS, subset_size=SUBSET_SIZE, seed=SEED)
    expected = golden["torch-fidelity"]["kid"]
    assert values(metric, real, fake)["kid"] == pytest.approx(
        expected["kernel_inception_distance_mean"], rel=1e-9
    )
    sides = (Collected(features=Rows.of(rows)) for rows in (real, fake))
    spread = np.std([sums.estimate() for sums in metric.sums(*sides)])
    assert spread == pytest.approx(expected["kernel_inception_distance_std"], rel=1e-9)


def test_kid_of_clean_fid_with_its_subsets(case):
    golden, real, fake = case
    rng, found = np.random.RandomState(SEED), []
    for _ in range(SUBSETS):
        x, y = (rows[rng.choice(len(rows), SUBSET_SIZE, replace=False)] for rows in (real, fake))
        found.append(unbiased_discrepancy(x, y))
    assert np.mean(found) == pytest.approx(golden["clean-fid"]["kid"], rel=1e-9)


@pytest.mark.parametrize(
    "name, settings",
    [
        ("isc 1", {"splits": 1, "shuffle_seed": 2020}),
        ("isc 10", {"splits": 10}),
        ("isc 10 shuffled", {"splits": 10, "shuffle_seed": 2020}),
    ],
)
def test_inception_score(case, name, settings):
    golden, real, fake = case
    expected = golden["torch-fidelity"][name]
    metric = InceptionScore(**settings)
    assert values(metric, real, fake)["inception_score"] == pytest.approx(
        expected["inception_score_mean"], rel=1e-12
    )
    spread = np.std(metric.split_scores(Collected(logits=Rows.of(3 * fake))))
    assert spread == pytest.approx(expected["inception_score_std"], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("k", [3, 5])
def test_precision_and_recall_of_torch_fidelity(case, k):
    golden, real, fake = case
    expected = golden["torch-fidelity"]["prc"][str(k)]
    expected = {name: expected[name] for name in ("precision", "recall")}
    found = values(PrecisionRecall(k=k), real, fake)
    assert found == pytest.approx(expected, rel=RELATIVE)


@pytest.mark.parametrize("k", [3, 5])
def test_prdc(case, k):
    golden, real, fake = case
    found = values(Prdc(k=k), real, fake)
    expected = golden["prdc"][str(k)]
    assert list(found.values()) == pytest.approx(list(expected.values()), rel=1e-12)
