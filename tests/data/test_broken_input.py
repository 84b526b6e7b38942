"""Ten kinds of broken input: each is refused in a line that names it, or handled and counted."""

import os
import pickle
import zipfile

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.data import broken_files
from compare_gan_tf.errors import UserError


def refused(name, **options) -> str:
    with pytest.raises(UserError) as error:
        data.load(name, **options)
    return str(error.value)


def number_of(dataset):
    return sum(len(split) for split in dataset.splits.values())


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_1_a_truncated_image(folder, made, kind):
    whole = made.encoded(made.picture(1, 64, 64), kind)
    for share in (0.3, 0.6, 0.9):
        made.write(folder / "ant" / "cut.jpg", whole[: int(len(whole) * share)])
        assert "1 of 21 images" in refused(f"folder:{folder}", image_size=8)
        assert "ant/cut.jpg" in refused(f"folder:{folder}", image_size=8)
    skipped = data.load(f"folder:{folder}", image_size=8, broken=broken_files.skip_broken)
    assert number_of(skipped) == 20 and "1 of 21" in skipped.notes[0]


def test_2_a_file_of_no_bytes(folder, made, tmp_path):
    made.write(folder / "bee" / "zero.png", b"")
    assert "bee/zero.png: the file is empty" in refused(f"folder:{folder}")
    for name in ("zero.zip", "zero.npz"):
        made.write(tmp_path / name, b"")
        assert name in refused(f"{name[-3:]}:{tmp_path / name}")
    made.write(tmp_path / "zero.tfrecord", b"")
    assert "there are no images" in refused(f"tfrecord:{tmp_path / 'zero.tfrecord'}")


@pytest.mark.parametrize(
    ("shape", "part"),
    [
        ((10, 8), "uint8 of shape [10, 8]"),
        ((10, 3, 8, 8), "C = 1, 3 or 4"),
        ((10, 8, 8, 2), "uint8 of shape [10, 8, 8, 2]"),
        ((2, 10, 8, 8, 3), "of shape [2, 10, 8, 8, 3]"),
        ((0, 8, 8, 3), "uint8 of shape [0, 8, 8, 3]"),
    ],
)
def test_3_wrong_shapes_in_npz(tmp_path, shape, part):
    path = tmp_path / "images.npz"
    np.savez(path, images=np.zeros(shape, np.uint8))
    assert part in refused(f"npz:{path}")


def test_3_labels_or_splits_that_do_not_fit(tmp_path):
    path = tmp_path / "images.npz"
    images = np.zeros((10, 8, 8, 3), np.uint8)
    np.savez(path, images=images, labels=np.zeros(9, np.int64))
    assert "10 images and 9 labels" in refused(f"npz:{path}")
    np.savez(path, train_images=images, test_images=images[:, :4])
    assert "differ in shape" in refused(f"npz:{path}")
    np.savez(path, pictures=images)
    assert "has the arrays pictures" in refused(f"npz:{path}")
    np.savez(path, images=np.zeros((10, 8, 8), np.int64))
    assert "int64 of shape [10, 8, 8]" in refused(f"npz:{path}")


class Bomb:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_4_objects_are_never_unpickled(tmp_path):
    path, trace = tmp_path / "images.npz", tmp_path / "exploded"
    objects = np.empty(2, object)
    objects[:] = [Bomb(str(trace)), 1]
    np.savez(path, images=objects)
    assert "holds Python objects in images, which are never loaded" in refused(f"npz:{path}")
    with open(path, "wb") as file:
        pickle.dump(Bomb(str(trace)), file)
    assert "never loaded" in refused(f"npz:{path}")
    assert not trace.exists()


@pytest.mark.parametrize(
    "name", ["../out.png", "a/../../out.png", "/etc/out.png", "..\\out.png", "C:\\out.png"]
)
def test_5_a_zip_whose_names_lead_out_of_it(made, tmp_path, name):
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fine.png", made.encoded(made.picture(0)))
        archive.writestr(name, made.encoded(made.picture(1)))
    assert "which leads out of it" in refused(f"zip:{path}")
    assert not (tmp_path / "out.png").exists() and not (tmp_path.parent / "out.png").exists()


def test_5_a_zip_with_a_link_or_damage(made, tmp_path):
    path = tmp_path / "photos.zip"
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "a symbolic link" in refused(f"zip:{path}")
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(4):
            archive.writestr(f"{number}.png", made.encoded(made.picture(number)))
    content = bytearray(path.read_bytes())
    content[60] ^= 255
    path.write_bytes(content)
    assert "0.png: its checksum is wrong" in refused(f"zip:{path}")
    path.write_bytes(content[:200])
    assert "cannot be read" in refused(f"zip:{path}")


def test_6_a_link_out_of_the_folder(folder, made, tmp_path):
    inside = folder / "ant" / "again.png"
    inside.symlink_to(folder / "ant" / "01.png")
    assert number_of(data.load(f"folder:{folder}")) == 21
    secret = made.write(tmp_path / "secret" / "x.png", made.encoded(made.picture(0)))
    for name, target in (("out.png", secret), ("out", secret.parent)):
        link = folder / "ant" / name
        link.symlink_to(target)
        assert "is a link out of the folder" in refused(f"folder:{folder}")
        link.unlink()


def test_7_a_folder_with_one_image(made, tmp_path):
    made.write(tmp_path / "only.png", made.encoded(made.picture(0)))
    assert "has 1 images that can be used" in refused(f"folder:{tmp_path}")
    assert "3 are the least" in refused(f"folder:{tmp_path}")
    for number in range(2):
        made.write(tmp_path / f"{number}.png", made.encoded(made.picture(number)))
    assert number_of(data.load(f"folder:{tmp_path}")) == 3


def test_8_mixed_channels_become_colour_and_are_counted(folder, made):
    made.write(folder / "ant" / "grey.png", made.encoded(made.picture(50, channels=1)))
    made.write(folder / "ant" / "clear.png", made.encoded(made.picture(51, channels=4)))
    dataset = data.load(f"folder:{folder}")
    assert dataset.sample_shape == (8, 8, 3)
    assert dataset.notes == ("1 images are grey and become three equal channels",)
    grey = data.load(f"folder:{folder}", channels=1)
    assert grey.sample_shape == (8, 8, 1)
    assert grey.notes == ("21 images are in colour and become grey",)


@pytest.mark.parametrize(
    ("labels", "part"),
    [
        ([0, 1, 2, -2, 0], "1 labels of"),
        ([0, 1, 2, 10**9, 0], "say how many there are by npz.classes"),
        ([0.0, 1.5, 1.0, 1.0, 1.0], "float64 of shape [5]"),
        ([[0.2, 0.2]] * 5, "no probabilities: row 0 sums to 0.4"),
        ([[np.nan, 1.0]] * 5, "no probabilities"),
    ],
)
def test_9_labels_out_of_range(tmp_path, labels, part):
    path = tmp_path / "images.npz"
    np.savez(path, images=np.zeros((5, 8, 8, 1), np.uint8), labels=np.array(labels))
    assert part in refused(f"npz:{path}")


def test_9_labels_beyond_the_stated_classes(made, tmp_path):
    from compare_gan_tf.data import record_files

    path = made.write_tfrecord(
        tmp_path / "x.tfrecord",
        [made.example(image=made.encoded(made.picture(i)), label=i) for i in range(5)],
    )
    with pytest.raises(UserError, match=r"2 labels of .* are not in \[0, 3\).*the first is 3"):
        record_files.find(path, classes=3)


def test_10_values_that_are_not_numbers(tmp_path):
    path = tmp_path / "images.npz"
    images = np.random.default_rng(0).uniform(size=(30, 8, 8, 3)).astype(np.float32)
    images[3, 0, 0, 0] = np.nan
    images[7, 1, 1, 1] = np.inf
    np.savez(path, images=images, labels=np.arange(30) % 3)
    message = refused(f"npz:{path}")
    assert "2 of 30" in message and "sample 3: a value is not finite" in message
    dataset = data.load(f"npz:{path}", broken=broken_files.skip_broken)
    assert number_of(dataset) == 28 and "2 of 30" in dataset.notes[0]
    points = np.ones((30, 2))
    points[4, 1] = np.nan
    np.savez(path, images=points)
    assert "sample 4" in refused(f"npz:{path}")


def test_a_tfrecord_that_ends_early_or_is_none(made, tmp_path):
    path = tmp_path / "x.tfrecord"
    made.write_tfrecord(path, [made.example(image=made.encoded(made.picture(0)))] * 3)
    content = path.read_bytes()
    for length in (len(content) - 1, len(content) - 100, 5):
        path.write_bytes(content[:length])
        assert "ends early" in refused(f"tfrecord:{path}")
    made.write_tfrecord(path, [b"no example at all"])
    assert "no tf.train.Example" in refused(f"tfrecord:{path}")
    made.write_tfrecord(path, [made.example(picture=b"abc", label=1)])
    assert "only label, picture: set tfrecord.image_feature" in refused(f"tfrecord:{path}")
