"""Samples as files."""

import dataclasses
import os
import tracemalloc
import zipfile

import numpy as np
import pytest
from few_samples import images, points, text, write
from PIL import Image

from compare_gan_tf import data, sampling
from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import openings

NAMES = ("cat", "dog", "bird")


def levels(path, columns, rows, size=64):
    """The grey level in the middle of each cell of a grid."""
    picture = np.asarray(Image.open(path))
    assert picture.shape == (rows * (size + 4) - 4, columns * (size + 4) - 4, 3)
    middles = (size + 4) * np.arange(max(rows, columns)) + size // 2
    return picture[np.ix_(middles[:rows], middles[:columns], [0])][..., 0].tolist()


# --- Grids ------------------------------------------------------------------------------------


def test_a_grid_is_row_by_row(tmp_path):
    said = write(images(), tmp_path / "grid.png")
    assert said == "a grid of 10 images of the test"
    assert levels(tmp_path / "grid.png", 8, 2) == [
        list(range(8)), [8, 9, *[40] * 6]
    ]  # fmt: skip
    write(images(), tmp_path / "three.png", columns=3)
    assert levels(tmp_path / "three.png", 3, 4)[1] == [3, 4, 5]
    write(images(), tmp_path / "few.png", number=2)
    assert levels(tmp_path / "few.png", 2, 1) == [[0, 1]]


def test_classes_are_columns_and_with_columns_given_rows(tmp_path):
    source = images(num_classes=3, class_names=NAMES)
    said = write(source, tmp_path / "grid.png", number=6)
    assert said == "a grid of 6 images of the test; classes by column: cat, dog, bird"
    assert levels(tmp_path / "grid.png", 3, 2) == [[0, 100, 200], [1, 101, 201]]
    write(source, tmp_path / "rows.png", number=6, columns=2)
    assert levels(tmp_path / "rows.png", 2, 3) == [[0, 1], [100, 101], [200, 201]]
    said = write(source, tmp_path / "two.png", number=4, classes=["bird", "0"])
    assert said.endswith("classes by column: bird, cat")
    assert [row[0] // 100 for row in levels(tmp_path / "two.png", 2, 2)] == [2, 2]


def test_two_classes_of_many_samples_are_no_ribbon(tmp_path):
    """64 samples of two classes would be 32 rows."""
    write(images(num_classes=2), tmp_path / "grid.png", number=64)
    assert len(levels(tmp_path / "grid.png", 8, 8)) == 8


def test_many_classes_are_in_order(tmp_path):
    source = images(num_classes=20)
    write(source, tmp_path / "grid.png", number=40)
    picture = levels(tmp_path / "grid.png", 8, 5)
    labels = [(index // 2) * 100 % 256 for index in range(40)]  # two of each class, side by side
    found = np.array(picture).reshape(-1)
    first = np.arange(40) // 2 + 20 * (np.arange(40) % 2)  # the number of the sample
    np.testing.assert_array_equal(found, (np.array(labels) + first // 3) % 256)


def test_points_are_a_diagram(tmp_path):
    for dim in (1, 2, 3):
        assert write(points(dim), tmp_path / f"{dim}.png") == "a diagram of 10 points of the test"
        assert Image.open(tmp_path / f"{dim}.png").format == "PNG"


# --- Folders ----------------------------------------------------------------------------------


def test_a_folder_has_a_png_for_each_and_reads_back(tmp_path):
    source = images((4, 4, 3), num_classes=3)
    assert write(source, f"{tmp_path}/folder/", 70) == "70 PNG files of the test"
    names = sorted(os.listdir(tmp_path / "folder"))
    assert names[:2] == ["0000000_0.png", "0000001_1.png"] and len(names) == 70
    side = openings.side(str(tmp_path / "folder"))
    found = np.concatenate([batch.samples for batch in side.batches(70, 70, 0)])
    wanted = sampling.wanted(source, 70)
    expected = np.concatenate([made for made, _ in sampling.sources.batches(source, wanted)])
    np.testing.assert_array_equal(found, expected)


def test_grey_files_stay_grey(tmp_path):
    write(images((4, 4, 1)), tmp_path / "folder", format_="png")
    assert Image.open(tmp_path / "folder/0000007.png").mode == "L"


def test_only_our_own_files_are_overwritten(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()  # an empty one may be filled
    write(images((4, 4, 1)), folder, 3)
    with pytest.raises(UserError, match="folder is not empty: .*--overwrite"):
        write(images((4, 4, 1)), folder, 2)
    write(images((4, 4, 1)), folder, 2, overwrite=True)
    assert sorted(os.listdir(folder)) == ["0000000.png", "0000001.png"]
    (folder / "thesis.txt").write_text("years")
    with pytest.raises(UserError, match=r"thesis\.txt is in the way"):
        write(images((4, 4, 1)), folder, 1, overwrite=True)
    assert (folder / "thesis.txt").read_text() == "years" and len(os.listdir(folder)) == 3


def test_samples_of_another_that_came_meanwhile_are_kept(tmp_path):
    folder, source = tmp_path / "folder", images((4, 4, 1))

    def make(*arguments):
        folder.mkdir()
        (folder / "0000000.png").write_text("another's")
        return source.make(*arguments)

    with pytest.raises(UserError, match=r"0000000\.png is in the way"):
        write(dataclasses.replace(source, make=make), folder, 2, format_="png")
    assert (folder / "0000000.png").read_text() == "another's" and os.listdir(tmp_path) == [
        "folder"
    ]


def test_a_link_with_the_name_of_a_sample_is_none_of_ours(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "mine").write_text("mine")
    (folder / "0000000.png").symlink_to(tmp_path / "mine")
    with pytest.raises(UserError, match=r"0000000\.png is in the way"):
        write(images((4, 4, 1)), folder, 2, overwrite=True)
    assert (folder / "0000000.png").is_symlink() and (tmp_path / "mine").read_text() == "mine"


# --- Arrays and text --------------------------------------------------------------------------


def test_arrays_read_back_as_a_data_set_and_as_a_side(tmp_path):
    source = images((4, 4, 3), num_classes=3, class_names=NAMES)
    write(source, tmp_path / "samples.npz", 150)
    with np.load(tmp_path / "samples.npz") as arrays:
        found = dict(arrays)
    assert found["images"].shape == (150, 4, 4, 3) and found["images"].dtype == np.uint8
    np.testing.assert_array_equal(found["labels"], np.arange(150) % 3)
    assert found["labels"].dtype == np.int32 and tuple(found["class_names"]) == NAMES
    dataset = data.load(f"npz:{tmp_path / 'samples.npz'}")
    assert dataset.num_classes == 3 and sum(map(len, dataset.splits.values())) == 150
    side = openings.side(str(tmp_path / "samples.npz"))
    (batch,) = side.batches(150, 150, 0)
    np.testing.assert_array_equal(batch.samples, found["images"])
    np.testing.assert_array_equal(batch.labels, found["labels"])


def test_arrays_of_points_are_points(tmp_path):
    write(points(), tmp_path / "points.npz", 100)
    dataset = data.load(f"npz:{tmp_path / 'points.npz'}")
    assert dataset.sample_shape == (2,) and not dataset.is_images
    with np.load(tmp_path / "points.npz") as arrays:
        assert arrays["images"].dtype == np.float32 and "labels" not in arrays


def test_text_is_lines(tmp_path):
    write(text(), tmp_path / "text.txt", 70)
    lines = (tmp_path / "text.txt").read_bytes().decode("utf-8").split("\n")
    assert len(lines) == 71 and lines[-1] == ""
    assert {len(line) for line in lines[:-1]} == {5} and set("".join(lines)) == set("abé ")
    write(text(), tmp_path / "text.npz", 70)
    with np.load(tmp_path / "text.npz") as arrays:
        assert arrays["lines"].tolist() == [line for line in lines[:-1]]


def test_many_samples_take_no_more_memory(tmp_path):
    tracemalloc.start()
    try:
        write(images((64, 64, 1)), tmp_path / "samples.npz", 20_000)  # 82 MB
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10e6
    with np.load(tmp_path / "samples.npz") as arrays:
        assert arrays["images"].shape == (20_000, 64, 64, 1)


def test_the_same_samples_are_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        write(images((4, 4, 1), num_classes=3), tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:  # an unzipped one can be read by all
        assert {member.external_attr >> 16 for member in archive.infolist()} == {0o644}
