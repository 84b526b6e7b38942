"""The table of public sets, and what is made of tfds' files; the files are small ones of tfds."""

import dataclasses
import re

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from compare_gan_tf import data
from compare_gan_tf.data import resizing, tfds_reader
from compare_gan_tf.data.lazy_images import LazyImages
from compare_gan_tf.data.own_images import Settings
from compare_gan_tf.data.specs import SPECS
from compare_gan_tf.errors import UserError

SMALLER = 1_000  # times fewer images than the sets have


def indices(counts, part):
    """(split of the source, the indices) of a slice, as tfds reads it."""
    source = re.match(r"\w+", part)[0]
    template = tfds.core.ShardedFileTemplate(
        data_dir="/none", dataset_name="x", split=source, filetype_suffix="tfrecord"
    )
    info = tfds.core.splits.SplitInfo(
        name=source, shard_lengths=[counts[source]], num_bytes=0, filename_template=template
    )
    instructions = tfds.core.splits.SplitDict([info])[part].file_instructions
    return [(source, range(each.skip, each.skip + each.take)) for each in instructions]


def share(first, second):
    """Whether two slices have an image in common."""
    return any(
        source == other and max(a.start, b.start) < min(a.stop, b.stop)
        for source, a in first
        for other, b in second
    )


def number(part):
    return sum(len(indices) for _, indices in part)


@pytest.mark.parametrize("name", SPECS)
def test_no_image_is_in_two_splits_and_the_counts_are_those_reported(name, golden):
    spec, numbers = SPECS[name], golden("data")
    counts = numbers["counts"][spec.source]
    train, validation, test = (
        indices(counts, part) for part in (spec.train, spec.validation, spec.test)
    )
    assert share(train, train) and not share(train, validation)
    assert not share(train, test) and not share(validation, test)
    assert number(train) >= number(validation) > 0
    if name in numbers["evaluated"]:
        assert number(test) == numbers["evaluated"][name]
    # What hold_out = False trains on is not what is reported.
    everything = indices(counts, spec.all_train)
    assert not share(everything, test) and number(everything) >= number(train)


def test_hold_out_false_trains_on_all_that_papers_train_on(golden):
    for name, published in {
        "cifar10": 50_000,
        "imagenet_128": 1_281_167,
        "celeb_a_hq_128": 27_000,
    }.items():
        spec = SPECS[name]
        assert number(indices(golden("data")["counts"][spec.source], spec.all_train)) == published
    assert SPECS["celeb_a"].all_train == SPECS["celeb_a"].train == "train"


def make_example(features, split, number):
    """One example of tfds features: random images, labels in turn, named by split and number."""
    made = {}
    for name, feature in features.items():
        if isinstance(feature, tfds.features.Image):
            height, width, channels = feature.shape
            rng = np.random.default_rng([number, *split.encode()])
            # Smooth, for decoders of JPEG differ by more on noise.
            coarse = rng.integers(256, size=(4, 4, 3), dtype=np.uint8)
            image = Image.fromarray(coarse).resize((width or 20, height or 20))
            made[name] = np.asarray(image)[..., : channels or 3]
        elif isinstance(feature, tfds.features.ClassLabel):
            known = feature.num_classes and split != "unlabelled"
            made[name] = number % feature.num_classes if known else -1
        elif isinstance(feature, tfds.features.FeaturesDict):
            made[name] = {key: 0 for key in feature}
        else:
            made[name] = f"{split}_{number}"
    return made


@pytest.fixture
def prepare(tmp_path, monkeypatch, golden):
    """A function name -> (spec with smaller slices, folder), which lets tfds write a small set."""

    def write(name):
        spec = SPECS[name]
        counts = golden("data")["counts"][spec.source]
        builder = tfds.builder(spec.source, data_dir=tmp_path, try_gcs=False)

        def examples(split):
            for number in range(max(1, counts[split] // SMALLER)):
                yield number, make_example(builder.info.features, split, number)

        monkeypatch.setattr(
            type(builder),
            "_split_generators",
            lambda self, manager: {split: examples(split) for split in counts if split != "extra"},
        )
        config = tfds.download.DownloadConfig(try_download_gcs=False)
        builder.download_and_prepare(download_config=config)

        def small(part):
            return re.sub(r"\d{4,}", lambda number: str(int(number[0]) // SMALLER), part)

        slices = {part: small(getattr(spec, part)) for part in ("train", "validation", "test")}
        return dataclasses.replace(spec, **slices), str(tmp_path)

    return write


@pytest.mark.parametrize(
    ("name", "sizes", "shape"),
    [
        ("mnist", (50, 10, 10), (28, 28, 1)),
        ("kmnist", (50, 10, 10), (28, 28, 1)),
        ("cifar100", (45, 5, 10), (32, 32, 3)),
        ("svhn_cropped", (65, 8, 26), (32, 32, 3)),
        ("stl10", (90, 10, 8), (48, 48, 3)),
        ("celeb_a_128", (162, 10, 10), (128, 128, 3)),
        ("celeb_a_hq_128", (24, 3, 3), (128, 128, 3)),
        ("imagenet_32", (1271, 10, 50), (32, 32, 3)),
        ("oxford_flowers102", (6, 1, 1), (64, 64, 3)),
    ],
)
def test_sets_are_read_as_tfds_reads_them(prepare, name, sizes, shape):
    spec, folder = prepare(name)
    dataset = tfds_reader.load(name, spec, Settings(data_dir=folder))
    assert dataset.sample_shape == shape and dataset.num_classes == spec.num_classes
    assert tuple(len(split) for split in dataset.splits.values()) == sizes
    assert spec.note in dataset.notes
    for split, part in zip(
        dataset.splits.values(), (spec.train, spec.validation, spec.test), strict=True
    ):
        theirs = list(tfds.load(spec.source, data_dir=folder, split=part, try_gcs=False).take(5))
        for number, example in enumerate(theirs):
            if spec.num_classes:
                assert split.labels[number] == example["label"]
            if example["image"].shape == shape:
                np.testing.assert_array_equal(split.images[number], example["image"])
        assert split.images[:5].shape == (len(theirs), *shape)
        assert split.images[:5].std() > 10


@pytest.mark.parametrize(
    ("name", "label", "class_name"),
    [("mnist", 3, "3"), ("imagenet_32", 0, "n01440764"), ("oxford_flowers102", 50, "petunia")],
)
def test_classes_are_called_as_tfds_calls_them(prepare, name, label, class_name):
    spec, folder = prepare(name)
    dataset = tfds_reader.load(name, spec, Settings(data_dir=folder))
    assert dataset.class_names[label] == class_name
    found = data.identity(dataset)
    assert re.fullmatch(rf"{spec.source}/[0-9.]+", found["source"])
    assert found["splits"]["train"]["samples"] == len(dataset.splits["train"])


def test_celeb_a_is_cut_and_resized_as_the_ancestor_did(prepare):
    import tensorflow as tf

    spec, folder = prepare("celeb_a")
    dataset = tfds_reader.load("celeb_a", spec, Settings(data_dir=folder))
    raw = {"image": tfds.decode.SkipDecoding()}
    (example,) = tfds.load(
        "celeb_a", data_dir=folder, split="train", try_gcs=False, decoders=raw
    ).take(1)
    # TensorFlow's default is a faster transform, which is off by up to five levels.
    image = tf.io.decode_jpeg(example["image"], dct_method="INTEGER_ACCURATE")
    cut = tf.image.resize_with_crop_or_pad(image, 160, 160)
    expected = tf.compat.v1.image.resize_bilinear(cut[None], (64, 64))[0].numpy()
    found = dataset.splits["train"].images[0]
    np.testing.assert_array_equal(found, np.floor(expected + 0.5))


def test_imagenet_trains_on_random_crops_and_evaluates_middles(prepare):
    spec, folder = prepare("imagenet_32")
    dataset = tfds_reader.load("imagenet_32", spec, Settings(data_dir=folder))
    assert dataset.splits["train"].augmentation.min_area == 0.5
    assert not dataset.splits["test"].augmentation.draws
    assert dataset.splits["test"].images.decoder.crop is resizing.middle_square
    assert dataset.splits["train"].name(0).startswith("train_")
    middle = tfds_reader.load("imagenet_32", spec, Settings(data_dir=folder, min_crop_area=1.0))
    assert not middle.splits["train"].augmentation.draws
    small = dataclasses.replace(spec, min_side=21)
    with pytest.raises(UserError, match="no images of at least 21 pixels"):
        tfds_reader.load("imagenet_32", small, Settings(data_dir=folder))


def test_hold_out_false_gives_the_validation_images_back(prepare):
    spec, folder = prepare("mnist")
    dataset = tfds_reader.load("mnist", spec, Settings(data_dir=folder, hold_out=False))
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 60, "test": 10}
    # What is validated on there is no part of what is trained on.
    spec, folder = prepare("celeb_a")
    sizes = [
        {name: len(split) for name, split in made.splits.items()}
        for hold_out in (True, False)
        for made in [tfds_reader.load("celeb_a", spec, Settings(folder, hold_out=hold_out))]
    ]
    assert sizes[0] == sizes[1] and "validation" in sizes[0]


def test_images_are_references_until_they_are_used(prepare):
    spec, folder = prepare("mnist")
    images = tfds_reader.load("mnist", spec, Settings(data_dir=folder)).splits["train"].images
    assert isinstance(images, LazyImages) and images._decoded is None


def test_what_is_missing_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds_reader, "_unreachable", lambda builder: "example.org")
    with pytest.raises(UserError) as error:
        data.load("cifar100", str(tmp_path))
    for part in ("cifar100 is not in", "example.org is not reached", "tfds build cifar100"):
        assert part in str(error.value)
    for name, file in (("celeb_a_hq_256", "data1024x1024.tar"), ("imagenet_64", "_img_train.tar")):
        with pytest.raises(UserError) as error:
            data.load(name, str(tmp_path))
        assert f"files of your own in {tmp_path}/downloads/manual" in str(error.value)
        assert file in str(error.value)
