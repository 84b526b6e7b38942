"""The verb that shows a data set."""

import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from compare_gan_tf.bin import data
from compare_gan_tf.data import summary


@pytest.fixture(autouse=True)
def short(monkeypatch):
    rate = summary.rate
    monkeypatch.setattr(summary, "rate", lambda split: rate(split, seconds=0.05))


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    for number in range(30):
        path = root / ("cat" if number % 3 else "dog") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), 8 * number, np.uint8)).save(path)
    return root


def test_a_spec_in_numbers_and_a_grid(run_verb, tmp_path):
    code, out, err = run_verb(data, "--dataset=digits", f"--output={tmp_path}/digits.png")
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == "digits: samples of shape 8 x 8 x 1, 10 classes"
    assert any(
        line.startswith("train: 1,197 samples, values 0 to 255, mean 0.30") for line in lines
    )
    assert sum("#" in line for line in lines) == 30
    assert any(re.fullmatch(r"     3 3       123 #+", line) for line in lines), out
    assert any(line.endswith(" samples a second in training, held in memory") for line in lines)
    grid = np.asarray(Image.open(tmp_path / "digits.png"))
    assert grid.shape == (512, 512, 3) and len(np.unique(grid)) > 10


def test_own_images_with_what_was_skipped(run_verb, photos):
    (photos / "cat" / "1.png").write_bytes(b"")
    code, _, err = run_verb(data, f"--dataset=folder:{photos}")
    assert code == 1
    assert err.count("\n") == 1 and "cat/1.png: the file is empty" in err
    code, out, err = run_verb(
        data, f"--dataset=folder:{photos}", "--gin_bindings=data.load.broken = @skip_broken"
    )
    assert code == 0, err
    assert "1 of 30 images in the folder" in out
    assert "in training, decoded once and held in memory" in out


def test_a_warning_is_a_line_without_a_file_name(photos):
    """In a process of its own: absl writes to the first stderr that it saw."""
    (photos / "cat" / "1.png").write_bytes(b"")
    command = ["data", f"--dataset=folder:{photos}", "--gin_bindings=data.load.broken=@skip_broken"]
    whole = [sys.executable, "-m", "compare_gan_tf.bin.main", *command]
    said = subprocess.run(whole, capture_output=True, text=True, check=True).stderr.splitlines()
    assert any(line.startswith("compare-gan data: 1 of 30 images in the") for line in said), said


def test_classes_by_name_and_what_is_passed_over(run_verb, photos):
    (photos / "cat" / "notes.heic").write_bytes(b"")
    code, out, err = run_verb(data, f"--dataset=folder:{photos}")
    assert code == 0, err
    assert "  files passed over, for they are no images: 1 .heic" in out.splitlines()
    assert re.search(r"^     0 cat +\d+ #+$", out, re.M) and re.search(
        r"^     1 dog +\d+ #", out, re.M
    )


def test_many_classes_are_summed_up_by_name(run_verb, tmp_path):
    for number in range(60):
        path = tmp_path / "photos" / f"kind{number // 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(path)
    code, out, err = run_verb(data, f"--dataset=folder:{tmp_path / 'photos'}")
    assert code == 0, err
    assert re.search(r"^  30 classes of \d \(\d+ kind\d+\) to 2 \(\d+ kind\d+\) samples", out, re.M)


def test_a_path_of_any_bytes(run_verb, photos):
    strange = photos.parent / "{a} 'b\"\n\udcff"
    photos.rename(strange)
    code, out, err = run_verb(data, f"--dataset=folder:{strange}")
    assert code == 0 and "cat" in out, err


def test_a_set_beyond_the_memory_is_decoded_once_to_a_disk(run_verb, photos, tmp_path):
    bindings = [
        "--gin_bindings=data.load.memory_budget = 0",
        f"--gin_bindings=data.load.cache_folder = '{tmp_path}/cache'",
    ]
    code, out, err = run_verb(data, f"--dataset=folder:{photos}", *bindings)
    assert code == 0, err
    (path,) = (tmp_path / "cache").glob("*.uint8")
    assert f"decoded once, then read from {path}" in out
    bindings.append("--gin_bindings=data.load.min_crop_area = 0.5")
    bindings.append("--gin_bindings=data.load.image_size = 8")
    code, out, err = run_verb(data, f"--dataset=folder:{photos}", *bindings)
    assert code == 0 and "decoded anew each time, for random crops" in out


def test_points_have_a_range_and_no_grid(run_verb, tmp_path):
    code, out, _ = run_verb(data, "--dataset=gaussian_grid")
    assert code == 0 and "25 classes of " in out and "samples of shape 2" in out
    code, _, err = run_verb(data, "--dataset=gaussian_grid", f"--output={tmp_path}/x.png")
    assert code == 1 and "has no images to show" in err
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "--dataset is missing"),
        (("--dataset=digit",), "the nearest names are digits"),
        (("--dataset=digits", "--data_dir=/data"), "does not depend on it"),
        (("--dataset=digits", "--gin_bindings=central.side = 3"), "central.side"),
    ],
)
def test_mistakes_are_one_line(run_verb, arguments, part):
    code, _, err = run_verb(data, *arguments)
    assert code == 1
    assert err.count("\n") == 1 and part in err


def test_partial_labels_are_counted(run_verb):
    code, out, _ = run_verb(
        data,
        "--dataset=digits",
        "--gin_bindings=data.load.labels = @partial_labels",
        "--gin_bindings=partial_labels.fraction = 0.1",
    )
    assert code == 0 and "without a label" in out
