"""Metrics of 2023 to 2026 on the features of tests/goldens/frontier.json."""

import json
import pathlib

import numpy as np
import pytest

from compare_gan_tf.metrics import clipped, registry
from compare_gan_tf.metrics.base import Collected, Rows

GOLDENS = json.loads((pathlib.Path(__file__).parents[1] / "goldens" / "frontier.json").read_text())
SETTINGS = {"kid_rbf": {"subsets": 20, "subset_size": 80}}


@pytest.fixture(params=GOLDENS["cases"])
def case(request):
    """(name, its numbers, reals, fakes)."""
    golden = GOLDENS["cases"][request.param]
    reals, fakes, columns = golden["sizes"]
    rng = np.random.RandomState(0)
    mixing = rng.randn(columns, columns) / np.sqrt(columns)
    real = np.abs(rng.randn(reals, columns) @ mixing).astype(np.float32)
    fake = np.abs(rng.randn(fakes, columns) @ mixing * 1.1 + 0.1).astype(np.float32)
    return request.param, golden, real, fake


def values(name, real, fake):
    sides = (Collected(features=Rows.of(rows)) for rows in (real, fake))
    metric = registry.find(name)(**SETTINGS.get(name, {}))
    return {score: found.value for score, found in metric(*sides).items()}


@pytest.mark.parametrize("name", ["cmmd", "kid_rbf", "vendi", "mifid"])
def test_it_is_the_number_of_the_formula(case, name):
    _, golden, real, fake = case
    found = values(name, real, fake)
    expected = {score: golden[score] for score in found if score in golden}
    assert expected and {score: found[score] for score in expected} == pytest.approx(
        expected, rel=1e-8
    )


def test_probabilistic_precision_and_recall(case):
    _, golden, real, fake = case
    found = values("probabilistic_precision_recall", real, fake)
    assert found == pytest.approx(golden["probabilistic"], rel=1e-7)


def test_clipped_density_and_coverage(case):
    name, golden, real, fake = case
    found = values("clipped_density_coverage", real, fake)
    assert found["clipped_density"] == pytest.approx(golden["clipped"]["density"], rel=1e-8)
    sizes = len(real), len(fake), 5
    before = golden["clipped"]["coverage before calibration"]
    good = clipped.share_of_good(before, *sizes)
    assert found["clipped_coverage"] == pytest.approx(good, abs=1e-8)
    # The authors' code rounds up to the next whole number of n fakes, of n + 1.
    theirs = GOLDENS["clipped coverage of the authors' code"][name]
    assert found["clipped_coverage"] == pytest.approx(theirs, abs=1.5 / len(fake))
