"""Where no samples are written, and what is left then: nothing."""

import os
import re

import pytest
from few_samples import images, points, text, write

from compare_gan_tf import sampling
from compare_gan_tf.errors import UserError
from compare_gan_tf.sampling import arrays


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        (
            "grid.jpg",
            None,
            "must end in .png (a grid), / (a folder of PNG files), .npz (arrays), .txt",
        ),
        ("grid", None, ".gif (a film), .webp (a film) or .mp4 (a film)"),
        ("grid.png", "npz", "must end in .npz for --format=npz"),
        ("grid.npz", "grid", "must end in .png for --format=grid"),
        ("grid.jpg", "grid", "must end in .png for --format=grid"),
        ("grid.npz", "png", "must end in / for --format=png"),
        ("folder/", "txt", "must end in .txt for --format=txt"),
    ],
)
def test_names_that_say_no_format_are_refused(name, asked, message):
    with pytest.raises(UserError, match=re.escape(message)):
        sampling.format_of(name, asked)


def test_names_say_the_format():
    said = {"a.png": "grid", "a.PNG": "grid", "a/": "png", "a.npz/": "png", "a.txt": "txt"}
    assert {name: sampling.format_of(name, None) for name in said} == said
    assert sampling.format_of("a", "png") == "png"


@pytest.mark.parametrize(
    ("source", "name", "options", "message"),
    [
        (points(), "folder/", {}, "are points, which are not written as png: .*grid|npz"),
        (text(), "grid.png", {}, "are text, which are not written as grid: .*txt|npz"),
        (images(), "lines.txt", {}, "are images, which are not written as txt"),
        (text(vocabulary=None), "lines.txt", {}, "no metadata that tells its characters"),
        (images((8, 8, 2)), "grid.png", {}, "images of 2 channels have no PNG: .*npz"),
        (images((8, 8, 2)), "folder/", {}, "images of 2 channels have no PNG"),
        (images(), "arrays.npz", {"columns": 3}, "--columns=3 is for a grid"),
        (points(), "points.png", {"columns": 3}, "--columns=3 is for a grid"),
        (images((512, 512, 3)), "grid.png", {"number": 9999}, "is too large: at most --num=33"),
        (points(), "points.png", {"number": 200_000}, "too full: at most --num=100000"),
    ],
)
def test_samples_that_a_format_cannot_hold_are_one_line(source, name, options, message, tmp_path):
    with pytest.raises(UserError, match=message) as caught:
        write(source, f"{tmp_path}/{name}", **options)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_arrays_that_the_disk_has_no_room_for_are_not_begun(tmp_path, monkeypatch):
    usage = arrays.shutil._ntuple_diskusage(1000, 900, 100)
    monkeypatch.setattr(arrays.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match="10 samples take 40,960 bytes, and 100 are free there"):
        write(images(), tmp_path / "samples.npz")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["grid.png", "folder/", "samples.npz"])
def test_a_disk_that_fills_up_leaves_nothing(name, tmp_path):
    def make(*arguments):
        if arguments[1][0] > 0:
            raise OSError(28, "No space left on device")
        return images().make(*arguments)

    source = sampling.Source("the test", make, (64, 64, 1), "images")
    with pytest.raises(UserError, match=f"cannot write .*{name}: No space left on device; free"):
        write(source, f"{tmp_path}/{name}", 100)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no such device")
def test_no_device_is_written():
    with pytest.raises(UserError, match="--output=/dev/full|/dev/full"):
        write(images(), "/dev/full", format_="npz")


def test_nothing_is_written_through_a_link_or_into_a_file(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "file").write_text("old")
    for output in (f"{tmp_path}/link/", f"{tmp_path}/file/", f"{tmp_path}/file/grid.png"):
        with pytest.raises(UserError):
            write(images(), output, overwrite=True)
    assert os.listdir(tmp_path / "target") == [] and (tmp_path / "file").read_text() == "old"
    with pytest.raises(UserError, match="local files"):
        write(images(), "gs://bucket/grid.png")


@pytest.mark.parametrize(
    "name", ["x[1]", "*", "a b", "%s{x}", "-", "日本", "two\nlines", "n" * 250]
)
def test_any_name_will_do(name, tmp_path):
    folder = tmp_path / name[:200]
    write(images(), folder / f"{name[:251]}.png")
    write(images(), folder / "in" / name, format_="png")
    assert len(os.listdir(folder / "in" / name)) == 10


def test_a_name_that_is_not_utf_8_will_do(tmp_path):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/x\xff.png")
    write(images(), name)
    assert os.path.getsize(name) > 0
