"""`load`: the options that hold for all sets, and those that a set does not have."""

import numpy as np
import pytest

from compare_gan_tf import config, data
from compare_gan_tf.config import configurables
from compare_gan_tf.data import labels, resizing, stacked, views
from compare_gan_tf.errors import UserError


def test_a_view_changes_every_split():
    plain, seen = data.load("digits"), data.load("digits", view=views.binarised)
    for name, split in seen.splits.items():
        assert np.unique(split.images).tolist() == [0, 255]
        np.testing.assert_array_equal(split.images == 255, plain.splits[name].images > 127)


@pytest.mark.parametrize(
    ("levels", "values"), [(2, [0, 255]), (4, [0, 85, 170, 255]), (6, [0, 51, 102, 153, 204, 255])]
)
def test_quantised_takes_the_nearest_of_even_levels(levels, values):
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    found = views.quantised(every, levels=levels)
    assert np.unique(found).tolist() == values
    nearest = np.array(values)[np.abs(every[..., None].astype(int) - values).argmin(-1)]
    assert np.abs(found.astype(int) - every).max() <= np.abs(nearest - every).max() + 1
    assert (np.abs(found.astype(int) - every) <= np.abs(nearest - every.astype(int)) + 0).all()
    np.testing.assert_array_equal(views.quantised(every, levels=256), every)


@pytest.mark.parametrize("bad", [1, 257])
def test_levels_that_cannot_be_are_refused(bad):
    with pytest.raises(UserError, match=f"quantised.levels is {bad}"):
        views.quantised(np.zeros((1, 1, 1, 1), np.uint8), levels=bad)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("digits", {"image_size": 16}),
        ("digits", {"data_dir": "/data"}),
        ("digits", {"hold_out": False}),
        ("gaussian_ring", {"channels": 3}),
        ("stacked_mnist", {"resize": resizing.area}),
        ("npz:x.npz", {"crop": resizing.whole}),
        ("text:x.txt", {"broken": lambda *problems: ""}),
    ],
)
def test_an_option_that_a_set_does_not_heed_is_refused(name, option):
    with pytest.raises(UserError, match=f"data.load.{next(iter(option))} = .* does not depend on"):
        data.load(name, **option)


@pytest.mark.parametrize(
    ("option", "part"),
    [
        ({"image_size": 0}, r"data.load.image_size is 0: .*, 1 or more"),
        ({"channels": 4}, "channels is 4: it must be one of 1, 3"),
        ({"memory_budget": -1}, "memory_budget is -1: .*, 0 or more"),
        ({"disk_budget": -1}, "disk_budget is -1"),
        ({"min_crop_area": 0.0}, r"min_crop_area is 0.0: .* in \(0, 1\]"),
        ({"min_crop_area": 1.5}, "min_crop_area is 1.5"),
        ({"background": (0, 0)}, r"background is \(0, 0\): it must be a list of 3"),
        ({"background": (0, 0, 256)}, r"background: one is 256: .* in \[0, 255\]"),
        ({"background": 0}, r"background is 0: it must be a list"),
        ({"crop": "middle"}, "crop is 'middle': .* such as @middle_square"),
        ({"resize": resizing.whole}, "resize is @whole: .* such as @lanczos"),
        ({"broken": 3}, "broken is 3: .* such as @skip_broken"),
        ({"labels": str.upper}, "labels is @upper: .* such as @partial_labels"),
    ],
)
def test_values_that_cannot_be_are_refused(option, part, folder):
    with pytest.raises(UserError, match=part):
        data.load(f"folder:{folder}", **option)


def test_points_have_no_flips_and_no_views():
    with pytest.raises(UserError, match="gaussian_ring has none"):
        data.load("gaussian_ring", flip=True)
    with pytest.raises(UserError, match="gaussian_ring has none"):
        data.load("gaussian_ring", view=views.binarised)


def test_flips_are_for_training_only():
    dataset = data.load("digits", flip=True)
    assert dataset.splits["train"].augmentation.flip
    assert not dataset.splits["validation"].augmentation.draws


def test_labels_are_replaced_in_every_split():
    dataset = data.load("digits", labels=labels.single_label)
    assert dataset.num_classes == 1
    assert all(not split.labels.any() for split in dataset.splits.values())
    assert data.load("digits", labels=labels.no_labels).num_classes is None


def test_labelled_only_leaves_out_what_has_no_label():
    def partial(split, name, num_classes):
        return labels.partial_labels(split, name, num_classes, fraction=0.1)

    dataset = data.load("digits", labels=partial, labelled_only=True)
    whole = data.load("digits", labels=partial).splits["train"]
    train = dataset.splits["train"]
    np.testing.assert_array_equal(train.images, whole.images[whole.labels >= 0])
    assert train.labels.min() == 0 and 110 < len(train) < 130
    assert f"{1197 - len(train)} training samples without a label" in dataset.notes[0]
    with pytest.raises(UserError, match="labelled_only needs labels that are whole numbers"):
        data.load("swiss_roll", labelled_only=True)


@pytest.mark.parametrize("name", ["text", "text:", "folder:"])
def test_own_data_without_a_path_are_refused(name):
    hint = f"{name.rstrip(':')}:/path"
    with pytest.raises(UserError, match=f'data.load.name is "{name}": .* as in "{hint}"'):
        data.load(name)


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (views.adaptive_palette, r"@adaptive_palette: it must be @adaptive_palette\(\), with par"),
        (5, "5: it must be"),
        (np.mean, "@mean: it must be .*; it gives the shape"),
    ],
)
def test_a_view_is_a_function_of_images(view, message):
    with pytest.raises(UserError, match=f"data.load.view is {message}"):
        data.load("digits", view=view)


def test_names_of_the_ancestor_and_own_data_are_offered():
    with pytest.raises(UserError, match="own data are folder:path, npz:path, text:path"):
        data.load("photos")
    with pytest.raises(UserError, match="nearest names are celeb_a"):
        data.load("celeba")
    assert {"mnist", "fashion_mnist", "lsun_bedroom", "imagenet_512_hq400"} <= set(data.names())


def test_gin_names_all_of_it(folder):
    configurables.load()
    config.parse(
        [],
        [
            f"data.load.name = 'folder:{folder}'",
            "data.load.image_size = 16",
            "data.load.resize = @lanczos",
            "data.load.crop = @central",
            "central.side = 6",
            "data.load.labels = @partial_labels",
            "partial_labels.fraction = 0.5",
            "data.load.view = @quantised",
            "quantised.levels = 2",
            "data.load.broken = @skip_broken",
            "folder.class_folders = True",
            "held_out.test = 0.25",
            "data.load.background = (0, 0, 0)",
        ],
    )
    try:
        dataset = data.load()
        assert dataset.sample_shape == (16, 16, 3)
        assert len(dataset.splits["test"]) == 5
        assert (dataset.splits["train"].labels == -1).sum() in (6, 7)
        assert np.unique(dataset.splits["test"].images[:]).tolist() == [0, 255]
    finally:
        config.parse([])


def test_stacked_digits_show_every_digit_once_in_each_channel():
    digits = data.load("digits")
    dataset = stacked.stack(digits)
    assert dataset.num_classes == 1000 and dataset.sample_shape == (8, 8, 3)
    for name, split in dataset.splits.items():
        ones = digits.splits[name]
        images = {}
        for image, label in zip(ones.images, ones.labels, strict=True):
            images.setdefault(image.tobytes(), set()).add(int(label))
        assert len(split) == len(ones)
        for channel, scale in enumerate((100, 10, 1)):
            for image, label in zip(split.images, split.labels, strict=True):
                found = images[np.ascontiguousarray(image[..., channel : channel + 1]).tobytes()]
                assert label // scale % 10 in found
            np.testing.assert_array_equal(
                np.sort(split.images[..., channel].reshape(len(split), -1).sum(1)),
                np.sort(ones.images.reshape(len(split), -1).sum(1)),
            )
    train = dataset.splits["train"].images.astype(float).reshape(-1, 64, 3)
    correlation = np.corrcoef(train.mean(axis=1).T) - np.eye(3)
    assert np.abs(correlation).max() < 5 / np.sqrt(1197)


def test_lines_of_text_are_characters(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("the quick brown fox\n\n  jumps  \n" + "over the lazy dog again\n" * 8)
    config.parse([], ["text.length = 10"])
    try:
        dataset = data.load(f"text:{path}")
    finally:
        config.parse([])
    assert dataset.sample_shape == (10,) and not dataset.is_images
    assert dataset.symbols == dataset.vocabulary
    assert dataset.splits["train"].images.dtype == np.uint8
    lines = sorted(
        "".join(dataset.vocabulary[code] for code in sample)
        for split in dataset.splits.values()
        for sample in split.images
    )
    pieces = ["the quick ", "brown fox ", "jumps     "]
    pieces += ["over the l", "azy dog ag", "ain       "] * 8
    assert lines == sorted(pieces)


def test_rare_characters_become_spaces_and_are_counted(tmp_path):
    from compare_gan_tf.data import text

    path = tmp_path / "lines.txt"
    path.write_text("aab\n" * 9 + "aaq\n")
    dataset = text.load("text", str(path), length=3, most_characters=3)
    assert dataset.vocabulary == (" ", "a", "b")
    assert dataset.notes == ("1 characters that are too rare became spaces",)
    with pytest.raises(UserError, match=r"text.most_characters is 300: .* in \[2, 256\]"):
        text.load("text", str(path), most_characters=300)
    with pytest.raises(UserError, match="text.length is 0: it must be a whole number, 1 or more"):
        text.load("text", str(path), length=0)
    with pytest.raises(UserError, match="there are no lines"):
        path.write_text("\n\n")
        text.load("text", str(path))
    with pytest.raises(UserError, match=r"2 lines that can be used.* Add lines"):
        path.write_text("one\ntwo\n")
        text.load("text", str(path))
    with pytest.raises(
        UserError, match="lines.txt cannot be read as UTF-8: .* can.t decode byte 0xe9"
    ):
        path.write_text("café\n" * 9, encoding="latin-1")
        text.load("text", str(path))
