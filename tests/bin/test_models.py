"""The list of the models that ship, and samples of them."""

import json

import numpy as np
import pytest
from PIL import Image

from compare_gan_tf import pretrained
from compare_gan_tf.bin import models, sample


def test_the_table_has_each_model_with_its_score(run_verb):
    code, out, err = run_verb(models)
    assert (code, err) == (0, "")
    header, *rows = out.splitlines()
    assert header.split()[:3] == ["model", "data", "samples"]
    assert [row.split()[0] for row in rows] == pretrained.names()
    digits = next(row for row in rows if row.startswith("digits "))
    assert "images 8 x 8 x 1" in digits and " fid " in digits and "[" in digits


def test_json_has_all_facts(run_verb):
    code, out, _ = run_verb(models, "--json")
    assert code == 0
    assert [facts["name"] for facts in json.loads(out)] == pretrained.names()


def test_a_model_is_sampled_by_name_as_in_python(run_verb, tmp_path):
    output = tmp_path / "few.npz"
    code, out, err = run_verb(
        sample, "--model=digits", "--num=3", "--classes=2,5", f"--output={output}"
    )
    assert (code, err) == (0, "") and "3 images of the model digits" in out
    with np.load(output) as found:
        assert found["images"].shape == (3, 8, 8, 1)
        np.testing.assert_array_equal(found["labels"], [2, 5, 2])
        assert found["class_names"].tolist() == [str(i) for i in range(10)]


def test_wrong_names_and_flags_are_one_line(run_verb, tmp_path):
    output = f"--output={tmp_path}/a.npz"
    code, _, err = run_verb(sample, "--model=digit", output)
    assert code == 1 and "no model 'digit'; did you mean digits" in err
    code, _, err = run_verb(sample, "--model=digits", "--module=x", output)
    assert code == 1 and "one of the three" in err
    code, _, err = run_verb(sample, "--model=digits", "--checkpoint=best", output)
    assert code == 1 and "checkpoint" in err and "leave it out" in err


def test_ways_sheets_and_films_of_a_model(run_verb, tmp_path):
    model = "--model=digits"
    grid = tmp_path / "ways.png"
    assert run_verb(sample, model, "--interpolate=5", "--num=15", f"--output={grid}")[0] == 0
    assert Image.open(grid).size == (5 * 68 - 4, 3 * 68 - 4)
    sheet = tmp_path / "sheet.png"
    code, _, _ = run_verb(sample, model, "--truncations=0.5,1,0", "--num=6", f"--output={sheet}")
    assert code == 0 and Image.open(sheet).size == (3 * 68 - 4, 2 * 68 - 4)
    film = tmp_path / "film.gif"
    assert run_verb(sample, model, "--num=2", "--interpolate=3", f"--output={film}")[0] == 0
    assert Image.open(film).n_frames == 6


@pytest.mark.parametrize("given", ["x,1", "1", "nan,1", "-1,0"])
def test_wrong_truncations_are_one_line(run_verb, tmp_path, given):
    output = f"--output={tmp_path}/a.png"
    code, _, err = run_verb(sample, "--model=digits", f"--truncations={given}", output)
    assert code == 1 and "two or more numbers" in err and len(err.splitlines()) == 1
    code, _, err = run_verb(
        sample, "--model=digits", "--truncations=0,1", "--interpolate=3", output
    )
    assert code == 1 and "drop one" in err
