"""The studies that ship: their headers and numbers of runs, and that gin takes what they bind."""

import pathlib
import re

import pytest

from compare_gan_tf.config import gin_files
from compare_gan_tf.errors import UserError
from compare_gan_tf.study import cells, check, reading

STUDIES = [name for name in gin_files.packaged_configs() if name.startswith("study/")]
DOCS = pathlib.Path(__file__).parents[2] / "docs" / "studies.md"
# Kurach et al. (2018), Tables 1 and 2: 24 settings of 5 seeds, and 12 rounds of 10; Lucic et al.
# (2018): 100 settings. Ours: three losses by two normalisations by three seeds.
RUNS = {
    "study/are_gans_equal.gin": 6 * 4 * 100,
    "study/digits.gin": 3 * 2 * 3,
    "study/digits_landscape.gin": 20 * 4 * 3,
    "study/digits_san_r1.gin": 2 * 2 * 3,
    "study/fashion_mnist.gin": 13 * 2 * 4,
    "study/fashion_mnist_resnets.gin": 5 * 4,
    "study/fashion_mnist_san_r1.gin": 3 * 3,
    "study/landscape_bandit.gin": 102 * 120,
    "study/landscape_fixed.gin": 54 * 24 * 5 + 48 * 12 * 5,
}


def test_every_study_is_here_and_in_the_docs():
    assert sorted(RUNS) == STUDIES
    assert set(re.findall(r"\| `(study/\S+)` \|", DOCS.read_text())) == set(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_has_a_header_and_so_many_runs(name):
    text = pathlib.Path(gin_files.find_config(name)).read_text()
    for field in ("Paper", "Published", "Protocol", "Hardware", "Steps"):
        assert re.search(rf"^# {field}: ", text, re.MULTILINE), field
    plan, _ = reading.read(name)
    slots = [len(list(cells.slots(plan, cell))) for cell in cells.cells(plan)]
    assert sum(slots) * len(plan.seeds) == RUNS[name]


def test_a_variant_with_a_penalty_has_the_24_settings_of_table_1():
    plan, _ = reading.read("study/landscape_fixed.gin")
    numbers = {cell.variant["penalty"]: len(cell.grid()) for cell in cells.cells(plan)}
    assert numbers == {"none": 12, "gradient penalty": 24, "DRAGAN": 24, "L2": 24}


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_gin_takes_what_every_cell_binds(name):
    plan, texts = reading.read(name)
    assert check.check(plan, texts, cells.cells(plan))["fid"] is False


@pytest.mark.slow
@pytest.mark.parametrize(
    "bindings, message",
    [
        (['study.metric = "recall"'], "study.metric is 'recall', and the runs score fid"),
        (
            ['study.metric = "recal"'],
            r"must be a score with a better direction; did you mean recall",
        ),
        (
            ["study.bindings = [\"evaluate.splits = ('test',)\"]"],
            r"needs scores on the split 'validation', and the runs have evaluate.splits = \('test'",
        ),
        (['study.bindings = ["adam.beta = 0.5"]'], "doesn't have a parameter named 'beta'"),
    ],
)
def test_a_study_that_would_come_to_nothing_is_refused_at_once(bindings, message):
    plan, texts = reading.read("study/digits.gin", bindings)
    with pytest.raises(UserError, match=message):
        check.check(plan, texts, cells.cells(plan))
