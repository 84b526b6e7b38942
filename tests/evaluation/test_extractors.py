"""Which extractor looks at samples where none is named: chosen by the data."""

import functools
import os

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from compare_gan_tf import data, evaluation
from compare_gan_tf.data import labels as label_rules
from compare_gan_tf.data import views
from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.evaluation import extractors, openings, pairs
from compare_gan_tf.metrics import downloads, features, image_networks, presets, registry

FID = (registry.find("fid")(),)
PLAIN = presets.plain()


def chosen(shape, images_of, given=None, preset=PLAIN, metrics=FID):
    return extractors.choose(given, preset, metrics, shape, images_of)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """Neither cache has weights, and a download is an error of the test's."""
    monkeypatch.setenv("COMPARE_GAN_CACHE", str(tmp_path / "ours"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(downloads, "_download", lambda *_: pytest.fail("downloads"))
    return tmp_path


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory):
    """A file of ResNet50's random weights, with its MD5."""
    keras.utils.set_random_seed(0)
    model = keras.applications.ResNet50(weights=None, classifier_activation=None)
    path = tmp_path_factory.mktemp("weights") / image_networks.RESNET50.name
    with h5py.File(path, "w") as file:  # the format of the file that Keras names
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path


@pytest.fixture
def stand_in(nowhere, random_weights, monkeypatch):
    """Takes the random weights for those of Keras; returns a function that puts them somewhere."""
    remote = downloads.Remote(
        name=image_networks.RESNET50.name,
        url=image_networks.RESNET50.url,
        algorithm="md5",
        checksum=downloads.digest(random_weights, "md5"),
    )
    monkeypatch.setattr(image_networks, "RESNET50", remote)

    def put(folder):
        os.makedirs(folder, exist_ok=True)
        os.link(random_weights, os.path.join(folder, remote.name))

    return put


@pytest.mark.parametrize(
    ("name", "shape", "extractor"),
    [
        ("digits", (8, 8, 1), "digits-cnn"),
        ("mnist", (28, 28, 1), "mnist-cnn"),
        ("fashion_mnist", (28, 28, 1), "fashion-mnist-cnn"),
        (None, (2,), "raw"),
        (None, (24,), "raw"),  # lines of text
    ],
)
def test_small_sets_have_their_classifier_and_points_their_space(name, shape, extractor):
    assert chosen(shape, name).name == extractor


@pytest.mark.parametrize("name", ["kmnist", "cifar10", "celeb_a", None])
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (8, 8, 1)])
def test_all_other_images_need_the_weights_of_resnet50(nowhere, name, shape):
    with pytest.raises(UserError) as caught:
        chosen(shape, name)
    text = str(caught.value)
    assert "\n" not in text
    assert "--extractor=keras_resnet50" in text and "--extractor=raw_features" in text
    assert str(nowhere / "ours" / image_networks.RESNET50.name) in text


@pytest.mark.parametrize("folder", ["ours", "keras/models"])
@pytest.mark.slow
def test_the_weights_are_found_in_either_cache(nowhere, stand_in, folder):
    stand_in(nowhere / folder)
    assert chosen((28, 28, 1), None).name == "keras-resnet50"


def test_a_damaged_file_of_weights_is_none(nowhere):
    os.makedirs(nowhere / "ours")
    (nowhere / "ours" / image_networks.RESNET50.name).write_bytes(b"half")
    with pytest.raises(UserError, match="are not on this machine"):
        chosen((8, 8, 3), None)


def test_an_extractor_of_other_images_is_refused_if_named_and_passed_over_if_not(nowhere):
    with pytest.raises(UserError, match="digits-cnn"):
        chosen((16, 16, 1), "digits", features.digits_classifier())
    with pytest.raises(UserError, match="--extractor=keras_resnet50"):
        chosen((16, 16, 1), "digits")  # as of a view


def test_what_is_given_and_presets_win(nowhere):
    assert chosen((8, 8, 1), None, features.raw_features()).name == "raw"
    preset = presets.Preset(extractor=features.raw_features)
    assert chosen((8, 8, 1), None, preset=preset).name == "raw"
    assert chosen((8, 8, 1), None, metrics=(registry.find("ms_ssim")(),)) is None


# --- Which data are which ---------------------------------------------------------------------


def test_a_view_or_a_size_makes_other_images_and_labels_do_not():
    changed = {
        "view": functools.partial(data.load, "digits", view=views.binarised),
        "labels": functools.partial(data.load, "digits", labels=label_rules.partial_labels),
        "nothing": functools.partial(data.load, "digits"),
        "given": lambda: data.from_arrays(np.zeros((40, 8, 8, 1), np.uint8), name="digits"),
    }
    found = {name: openings.images_of(load()) for name, load in changed.items()}
    assert found == {"view": None, "labels": "digits", "nothing": "digits", "given": None}


def test_own_images_that_happen_to_have_the_size_of_digits_are_no_digits(nowhere):
    images = np.zeros((9, 8, 8, 1), np.uint8)
    with pytest.raises(UserError, match="keras_resnet50"):
        pairs.evaluate(images, images, metrics="fid")
    found = pairs.evaluate("digits/test", images, metrics="ms_ssim")
    assert found.rows[0]["metric"] == "ms_ssim"


def test_it_is_told_before_hours_of_training(nowhere, gan, digits):
    """`--schedule=eval_after_train` asks for no steps first."""
    own = data.from_arrays(np.zeros((60, 8, 8, 1), np.uint8))
    with pytest.raises(UserError, match="weights are not on this machine") as caught:
        evaluation.plan(nowhere / "none", gan, own)
    assert "raw_features" in first_line(caught.value)
    assert not os.path.exists(nowhere / "none")
    binarised = data.load("digits", view=views.binarised)  # as the classifier knows them, nearly
    for known in (digits, binarised):
        evaluation.plan(nowhere / "none", gan, known)


@pytest.mark.slow
def test_grey_images_of_28_pixels_go_through_resnet50(nowhere, stand_in):
    stand_in(nowhere / "ours")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 28, 28, 1), dtype=np.uint8)
    extractor = chosen((28, 28, 1), None)
    found = extractor(images)
    assert found.features.shape == (6, 2048) and found.logits.shape == (6, 1000)
    colour = extractor(np.repeat(images, 3, axis=3))
    np.testing.assert_allclose(found.features, colour.features, rtol=1e-4, atol=1e-4)
    assert extractor.resize.endswith("-224")
    scored = pairs.evaluate(images, images[::-1], metrics="kid_full")
    assert scored.rows[0]["protocol"]["extractor"] == "keras-resnet50"


def test_an_extractor_is_taken_by_its_name_and_others_are_refused_with_the_nearest():
    metrics = [registry.find("fid")()]
    found = extractors.choose("raw_features", presets.plain(), metrics, (8, 8, 1), None)
    assert found.name == features.raw_features().name
    for name, words in (("raw_feature", "nearest names are raw_features"), ("model_file", "more")):
        with pytest.raises(UserError, match=words):
            extractors.choose(name, presets.plain(), metrics, (8, 8, 1), None)
