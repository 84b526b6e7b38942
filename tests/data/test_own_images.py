"""Folders, zip files and TFRecords of one's own images."""

import os
import zipfile

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.data import broken_files, own_images, resizing
from compare_gan_tf.errors import UserError


def zipped(folder, path, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name in sorted(folder.rglob("*.png")):
            archive.write(name, name.relative_to(folder))
    return path


def recorded(folder, made, path):
    examples = [
        made.example(image=name.read_bytes(), label=int(name.parent.name == "bee"))
        for name in sorted(folder.rglob("*.png"))
    ]
    made.write_tfrecord(path, examples)
    return path


def names_of(dataset):
    return {name: [s.name(i) for i in range(len(s))] for name, s in dataset.splits.items()}


def test_a_folder_of_classes(folder, made):
    dataset = data.load(f"folder:{folder}")
    assert dataset.sample_shape == (8, 8, 3) and dataset.is_images and dataset.num_classes == 2
    assert {name: len(split) for name, split in dataset.splits.items()} == {
        "train": 16,
        "validation": 2,
        "test": 2,
    }
    seen = []
    for split in dataset.splits.values():
        for i in range(len(split)):
            kind, number = split.name(i).removesuffix(".png").split("/")
            np.testing.assert_array_equal(split.images[i], made.picture(int(number)))
            assert split.labels[i] == ["ant", "bee"].index(kind)
            seen.append(int(number))
    assert sorted(seen) == list(range(20))


def test_zip_and_tfrecord_hold_the_same_as_the_folder(folder, made, tmp_path):
    whole = data.load(f"folder:{folder}")
    others = [
        data.load(f"zip:{zipped(folder, tmp_path / 'a.zip')}"),
        data.load(f"zip:{zipped(folder, tmp_path / 'b.zip', zipfile.ZIP_STORED)}"),
        data.load(f"tfrecord:{recorded(folder, made, tmp_path / 'photos.tfrecord')}"),
    ]
    for other in others:
        assert other.num_classes == 2
        for name, split in whole.splits.items():
            np.testing.assert_array_equal(other.splits[name].images[:], split.images[:])
            np.testing.assert_array_equal(other.splits[name].labels, split.labels)


def test_folders_of_splits_are_the_splits(made, tmp_path):
    for number in range(12):
        split = ("train", "val", "test")[number % 3]
        kind = "even" if number % 2 == 0 else "odd"
        made.write(
            tmp_path / split / kind / "images" / f"{number}.png", made.encoded(made.picture(number))
        )
    dataset = data.load(f"folder:{tmp_path}")
    assert dataset.num_classes == 2
    for split, remainder in (("train", 0), ("validation", 1), ("test", 2)):
        numbers = [int(os.path.basename(name)[:-4]) for name in names_of(dataset)[split]]
        assert sorted(numbers) == [n for n in range(12) if n % 3 == remainder]
        assert dataset.splits[split].labels.tolist() == [n % 2 for n in numbers]


def test_a_flat_folder_and_numbered_folders_have_no_labels(made, tmp_path):
    for number in range(6):
        made.write(
            tmp_path / f"0{number % 2}000" / f"{number}.png", made.encoded(made.picture(number))
        )
    assert data.load(f"folder:{tmp_path}").num_classes == 2
    from compare_gan_tf.data import folders

    found = folders.find(str(tmp_path), class_folders=False)
    assert found.labels is None and len(found.records) == 6
    made.write(tmp_path / "beside.png", made.encoded(made.picture(9)))
    with pytest.raises(UserError, match="set folder.class_folders"):
        data.load(f"folder:{tmp_path}")
    assert folders.find(str(tmp_path), class_folders=True).labels.tolist().count(-1) == 1


def test_any_size_in_one_size_out(made, tmp_path):
    from PIL import Image

    sizes = [(8, 8), (20, 30), (5, 40), (64, 64), (9, 4)]
    for number, (height, width) in enumerate(sizes):
        pixels = made.picture(number, height, width)
        made.write(tmp_path / f"{number}.png", made.encoded(pixels))
    with pytest.raises(UserError, match="differ in size: 0.png has 8 x 8.*data.load.image_size"):
        data.load(f"folder:{tmp_path}")
    dataset = data.load(f"folder:{tmp_path}", image_size=16)
    assert dataset.sample_shape == (16, 16, 3)
    wide = data.load(
        f"folder:{tmp_path}", image_size=16, crop=resizing.whole, resize=resizing.lanczos
    )
    for split, names in names_of(dataset).items():
        for i, name in enumerate(names):
            image = Image.fromarray(made.picture(int(name[0]), *sizes[int(name[0])]))
            box = resizing.middle_square(*image.size)
            expected = resizing.area(image, box, (16, 16))
            np.testing.assert_array_equal(dataset.splits[split].images[i], expected)
            expected = image.resize((16, 16), Image.Resampling.LANCZOS)
            np.testing.assert_array_equal(wide.splits[split].images[i], expected)


def test_the_budget_decides_whether_images_are_decoded_once(folder):
    small = data.load(f"folder:{folder}", memory_budget=20 * 8 * 8 * 3 - 1)
    large = data.load(f"folder:{folder}", memory_budget=20 * 8 * 8 * 3)
    assert small.splits["train"].images.in_memory() is None
    np.testing.assert_array_equal(
        large.splits["train"].images.in_memory(), small.splits["train"].images[:]
    )


def test_crops_of_the_source_are_for_training_only(made, tmp_path):
    for number in range(10):
        made.write(tmp_path / f"{number}.png", made.encoded(made.picture(number, 24, 24)))
    dataset = data.load(f"folder:{tmp_path}", image_size=8, min_crop_area=0.3, flip=True)
    assert dataset.splits["train"].augmentation.crops and dataset.splits["train"].augmentation.flip
    assert not dataset.splits["test"].augmentation.draws


def test_hidden_files_and_other_files_are_no_images(folder, made):
    made.write(folder / ".trash" / "x.png", b"no image")
    made.write(folder / "ant" / "._01.png", b"no image")
    made.write(folder / "ant" / "notes.txt", b"no image")
    assert sum(len(split) for split in data.load(f"folder:{folder}").splits.values()) == 20


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="there is no folder"):
        data.load(f"folder:{tmp_path}/none")
    with pytest.raises(UserError, match="there are no images in the folder"):
        data.load(f"folder:{tmp_path}")
    with pytest.raises(UserError, match="the zip file .*none.zip cannot be read: No such file"):
        data.load(f"zip:{tmp_path}/none.zip")
    with pytest.raises(UserError, match="there are no TFRecord files"):
        data.load(f"tfrecord:{tmp_path}/none")


def test_skipped_files_are_counted_in_the_notes(folder):
    (folder / "ant" / "01.png").write_bytes(b"")
    (folder / "bee" / "02.png").write_bytes(b"hello")
    with pytest.raises(UserError) as refused:
        data.load(f"folder:{folder}")
    for part in ("2 of 20", "ant/01.png: the file is empty", "bee/02.png: not an image"):
        assert part in str(refused.value)
    dataset = data.load(f"folder:{folder}", broken=broken_files.skip_broken)
    assert sum(len(split) for split in dataset.splits.values()) == 18
    assert dataset.notes[0].startswith("2 of 20 images in the folder")
    assert "ant/01.png" in dataset.notes[0]
    with pytest.raises(UserError, match="more than skip_broken.max_fraction = 0.1"):
        (folder / "bee" / "04.png").write_bytes(b"")
        data.load(f"folder:{folder}", broken=broken_files.skip_broken)


def test_a_large_folder_is_looked_at_once(folder, made, caches, monkeypatch):
    name, skip = f"folder:{folder}", broken_files.skip_broken
    monkeypatch.setattr(own_images, "_LOOK_KEPT_FROM", 20)
    made.write(folder / "ant" / "03.png", b"")
    first = data.load(name, broken=skip)
    assert len(list(caches.glob("look-*.npz"))) == 1
    with monkeypatch.context() as patch:
        patch.setattr(own_images, "_look_at", None)  # would fail if it were called
        patch.setattr(own_images, "_LAST", {})  # as in another process
        again = data.load(name, broken=skip)
    assert again.notes == first.notes and "03.png: the file is empty" in again.notes[0]
    for split in first.splits:
        np.testing.assert_array_equal(again.splits[split].images[:], first.splits[split].images[:])
    made.write(folder / "ant" / "03.png", made.encoded(made.picture(3)))
    assert not data.load(name).notes
