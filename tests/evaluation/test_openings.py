"""What a side may be, and what is refused in one line."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from compare_gan_tf import data
from compare_gan_tf.data import npz, views
from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import openings, pairs
from compare_gan_tf.evaluation.sides import Samples
from compare_gan_tf.metrics.features import raw_features

pytestmark = pytest.mark.usefixtures("trusting")

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), dtype=np.uint8)


def all_of(side, size=5, number=None):
    batches = list(side.batches(number or side.available, size, 0))
    assert all(len(batch.samples) <= size for batch in batches)
    return np.concatenate([batch.samples for batch in batches])


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "photos"
    path.mkdir()
    for number, image in enumerate(IMAGES):
        Image.fromarray(image[..., 0]).save(path / f"{number:02d}.png")
    return path


def save(path, compressed=False, **arrays):
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return str(path)


# --- What it may be ---------------------------------------------------------------------------


def test_a_folder_a_zip_and_arrays_hold_the_same_images(folder, tmp_path):
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.iterdir()):
            file.write(path, path.name)
    sources = [
        str(folder),
        folder,
        str(archive),
        save(tmp_path / "plain.npz", images=IMAGES),
        save(tmp_path / "compressed.npz", compressed=True, images=IMAGES),
        save(tmp_path / "grey.npz", arr_0=IMAGES[..., 0]),
        IMAGES,
        {"images": IMAGES, "labels": np.zeros(12, int)},
    ]
    hashes = set()
    for source in sources:
        side = openings.side(source)
        np.testing.assert_array_equal(all_of(side), IMAGES)
        assert side.is_images and side.sample_shape == (8, 8, 1)
        hashes.add(side.sha256())
    assert len(hashes) == 1  # of the pixels, whatever holds them


def test_arrays_of_a_file_are_mapped_not_read(tmp_path):
    path = save(tmp_path / "a.npz", images=IMAGES, features=np.ones((3, 2)))
    found = npz.read(path, ("images", "labels"), mapped=True)
    assert list(found) == ["images"] and isinstance(found["images"], np.memmap)
    np.testing.assert_array_equal(found["images"], IMAGES)
    assert npz.names(path) == ["images", "features"]
    fortran = save(tmp_path / "f.npz", images=np.asfortranarray(IMAGES))
    np.testing.assert_array_equal(npz.read(fortran, ("images",), mapped=True)["images"], IMAGES)


def test_folders_of_classes_are_labels(tmp_path):
    for label, name in enumerate(("ants", "bees")):
        (tmp_path / name).mkdir()
        Image.fromarray(IMAGES[label, ..., 0]).save(tmp_path / name / "1.png")
    side = openings.side(str(tmp_path))
    (batch,) = side.batches(2, 10, 0)
    assert batch.labels.tolist() == [0, 1] and "labels" in side.offers


def test_a_data_set_is_named_with_its_split(digits):
    side = openings.side("digits/validation")
    assert (side.name, side.split, side.available) == ("digits", "validation", 300)
    np.testing.assert_array_equal(all_of(side, 128), digits.splits["validation"].images)
    assert openings.side("digits").split == "test"
    assert openings.side("digits", openings.How(split="train")).split == "train"
    points = openings.side("gaussian_ring/test")
    assert not points.is_images and points.sample_shape == (2,)


def test_the_name_of_a_set_stands_for_it_only_as_it_is_published():
    plain, binary = (data.load("digits", view=view) for view in (None, views.binarised))
    assert openings.of_split(plain, "test").is_public
    altered = openings.of_split(binary, "test")
    assert not altered.is_public
    assert altered.sha256() != openings.of_split(plain, "test").sha256()
    assert not openings.of_split(data.load("gaussian_ring"), "test").is_public


def test_features_and_statistics_are_told_by_their_names(tmp_path):
    features = np.random.default_rng(0).normal(size=(20, 3))
    side = openings.side(save(tmp_path / "f.npz", features=features))
    assert side.offers == {"features"} and side.features.shape[1] == 3
    moments = {"mu": features.mean(0), "sigma": np.cov(features, rowvar=False)}
    side = openings.side(save(tmp_path / "s.npz", **moments))  # pytorch-fid's: without n
    assert side.offers == {"statistics"} and side.available is None
    assert openings.side(save(tmp_path / "n.npz", n=20, **moments)).available == 20


# --- What is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES.astype(np.float32)}, r"float32 of shape \[12, 8, 8, 1\]: they must be"),
        (
            {"images": np.zeros((3, 8, 8, 2), np.uint8)},
            r"shape \[3, 8, 8, 2\]: they must be .* C = 1 or 3",
        ),
        ({"images": np.zeros((0, 8, 8, 1), np.uint8)}, r"shape \[0, 8, 8, 1\]: .* one or more"),
        ({"images": np.zeros((5, 5), np.uint8)}, r"uint8 of shape \[5, 5\]"),
        ({"images": IMAGES, "labels": np.zeros(11, int)}, r"integers \[12\], one for each image"),
        ({"images": IMAGES, "labels": np.zeros(12)}, r"labels of .* are float64"),
        ({"images": IMAGES, "features": np.ones((3, 2))}, "both images and features"),
        ({"features": np.full((4, 2), np.nan)}, "4 of 4 rows of features of .* are not finite"),
        ({"features": np.ones(4)}, r"float64 of shape \[4\]"),
        ({"features": np.zeros((0, 4))}, r"shape \[0, 4\]: they must be numbers"),
        ({"features": np.array(["a"])[:, None]}, "must be numbers"),
        ({"features": np.array([[{}]])}, "Python objects in features.*never loaded"),
        ({"pictures": IMAGES}, "has the arrays pictures: name them images or features"),
        ({"mu": np.zeros(3)}, "has no mu and sigma, only mu"),
        ({"mu": np.zeros(3), "sigma": np.eye(2)}, r"must be \[d\] and \[d, d\]"),
        ({"mu": np.zeros(2), "sigma": np.triu(np.ones((2, 2)))}, "not symmetric"),
        ({"mu": np.zeros(2), "sigma": np.full((2, 2), np.inf)}, "not finite"),
    ],
)
def test_arrays_that_cannot_be_used_are_one_line(tmp_path, arrays, message):
    path = save(tmp_path / "file.npz", **arrays)
    with pytest.raises(UserError, match=message) as caught:
        openings.side(path)
    assert "\n" not in str(caught.value) and "file.npz" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cifar", "'cifar' is no file, no folder and no data set; did you mean cifar10"),
        ("digits/holdout", "digits has no split 'holdout', only train, validation, test"),
        ("missing.npz", "'missing.npz' is no file, no folder and no data set"),
        ("missing.zip", "'missing.zip' is no file, no folder"),
        ("/nowhere/at/all", "is no file, no folder and no data set"),
    ],
)
def test_what_is_not_there_is_one_line(source, message):
    with pytest.raises(UserError, match=message) as caught:
        openings.side(source)
    assert "\n" not in str(caught.value).split("\n  In call to configurable")[0]  # gin's


def test_files_of_other_kinds_and_empty_folders_are_one_line(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    (tmp_path / "empty").mkdir()
    cut = tmp_path / "cut.npz"
    cut.write_bytes(open(save(tmp_path / "whole.npz", images=IMAGES), "rb").read()[:300])
    for source, message in (
        (text, "neither a folder nor a regular file of the kinds .npz, .zip, .onnx"),
        (tmp_path / "empty", "there are no images"),
        (cut, "cut.npz is no .npz file: it is no zip file, or is cut off"),
    ):
        with pytest.raises(UserError, match=message):
            openings.side(str(source))


def test_images_of_several_sizes_in_a_folder_are_named(folder):
    Image.fromarray(np.zeros((9, 8), np.uint8)).save(folder / "odd.png")
    with pytest.raises(UserError, match="differ in size: 00.png has 8 x 8 .* odd.png has 8 x 9"):
        openings.side(str(folder))


def test_a_folder_of_splits_is_not_one_set(tmp_path):
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
        Image.fromarray(IMAGES[0, ..., 0]).save(tmp_path / name / "1.png")
    with pytest.raises(UserError, match="has the splits test, train: name the folder of one"):
        openings.side(str(tmp_path))
    assert openings.side(str(tmp_path / "test")).available == 1


def test_a_run_is_refused_where_it_cannot_be_built(tmp_path):
    (tmp_path / "config.gin").write_text("")
    with pytest.raises(UserError, match="is the folder of a run"):
        openings.side(str(tmp_path))


LARGE = np.zeros((12, 9, 9, 1), np.uint8)
COLOUR = np.zeros((12, 8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (IMAGES, LARGE, "are 8 x 8 pixels, grey, those of .* are 9 x 9 pixels, grey"),
        (IMAGES, COLOUR, "8 x 8 pixels, grey, those of .* 8 x 8 pixels, in colour"),
        (np.ones((9, 3)), np.ones((9, 4)), "differ in length, 3 and 4"),
        ("digits/test", np.ones((9, 4)), "differ in length, 64 and 4"),
        (np.array([[np.nan, 1.0]]), np.ones((9, 2)), "1 of 1 rows of features .* not finite"),
        (IMAGES, IMAGES.astype(float), "float64"),
        ("gaussian_ring/test", IMAGES, "points of 2 coordinates, those of .* 8 x 8 pixels"),
    ],
)
def test_sides_that_do_not_go_together_are_one_line(real, fake, message):
    with pytest.raises(UserError, match=message) as caught:
        pairs.evaluate(real, fake, metrics="fid")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_samples": 13}, "evaluate.num_samples is 13, and .* has 12 samples"),
        ({"num_real": 0}, "evaluate.num_real is 0"),
        ({"batch_size": 0}, "evaluate.batch_size is 0"),
        ({"metrics": "fdi"}, "no metric 'fdi': the nearest names are fid"),
        ({"preset": "clen"}, "no preset 'clen': the nearest names are clean"),
    ],
)
def test_bad_settings_are_one_line(options, message):
    with pytest.raises(UserError, match=message):
        pairs.evaluate(IMAGES, IMAGES, **{"extractor": raw_features()} | options)


def test_two_generators_need_a_number(gan):
    with pytest.raises(UserError, match="makes as many samples as it is asked for: set evaluate"):
        pairs.evaluate(gan, gan, extractor=raw_features())


def test_a_side_may_be_made_by_hand():
    side = Samples("mine", IMAGES)
    assert openings.side(side) is side
