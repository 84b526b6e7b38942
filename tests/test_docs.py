"""The pages that scripts write are as the scripts write them."""

import pathlib
import runpy

import pytest

from compare_gan_tf.config import gin_files
from compare_gan_tf.errors import UserError

DOCS = pathlib.Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "configs.md").read_text()


@pytest.fixture(scope="module")
def make():
    return runpy.run_path(str(DOCS / "make_configs.py"))


def test_the_rows_of_configs_are_those_of_their_headers(make):
    assert make["page"](PAGE) == PAGE, "docs/configs.md is stale: run make docs"


def test_a_config_without_a_row_gets_one_below_its_folders_and_one_that_is_gone_loses_its(make):
    lines = PAGE.splitlines()
    (at,) = [i for i, line in enumerate(lines) if line.startswith("| `r3gan/ffhq64.gin` |")]
    row = lines.pop(at)
    changed = "\n".join([*lines, "| `r3gan/gone.gin` | x |"])
    made = make["page"](changed).splitlines()
    folder = [line for line in made if line.startswith("| `r3gan/")]
    assert folder[-1] == row and len(folder) == 5
    assert "`folder:ffhq`, 64 px" in row


def test_a_row_says_how_the_data_set_is_bound(make):
    assert make["data_set"]("loss_sensitive/clsgan_cifar10.gin") == (
        "`cifar10`, `partial_labels(fraction=0.08)`"
    )
    assert make["data_set"]("bgan/mnist.gin") == "`mnist`, `binarised`"


@pytest.mark.parametrize(
    "text", ["train.seed = 1\n", "# Paper: one.\n# Steps: 3.\n", "# Something else.\n"]
)
def test_a_header_without_its_fields_is_refused(make, text, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.gin").write_text(text)
    assert gin_files.find_config("mine.gin") == str(tmp_path / "mine.gin")
    with pytest.raises(UserError, match="mine.gin must begin with the comments Paper, Published"):
        make["header"]("mine.gin")
