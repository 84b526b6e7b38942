"""Keras' networks of ImageNet: with random weights, and with real ones where they are at hand."""

import os

import keras
import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import downloads, image_networks, resize, scalings
from compare_gan_tf.metrics.image_networks import keras_inception_v3, keras_resnet50

RESNET50_WEIGHTS = os.environ.get("COMPARE_GAN_RESNET50_WEIGHTS")
DATA_DIR = os.environ.get("COMPARE_GAN_DATA_DIR")


def test_weights_that_are_not_there_say_what_to_put_where(tmp_path):
    path = tmp_path / "none.weights.h5"
    with pytest.raises(UserError, match=r"put https://.*resnet50.*\(MD5 2cb95161.*\) there"):
        keras_resnet50(path)
    with pytest.raises(UserError, match=r"put https://.*inception_v3.*\(MD5 9a0d5805.*\) there"):
        keras_inception_v3(path)


def test_without_a_network_the_message_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv(downloads.CACHE, str(tmp_path))
    remote = downloads.Remote(name="resnet50.h5", url="http://127.0.0.1:1/resnet50.h5")
    monkeypatch.setattr(image_networks, "RESNET50", remote)
    with pytest.raises(UserError, match=f"put it here as {tmp_path}/resnet50.h5"):
        keras_resnet50()


def test_the_checksums_are_those_of_keras():
    from keras.src.applications import resnet

    assert image_networks.RESNET50.checksum == resnet.WEIGHTS_HASHES["resnet50"][0]
    assert image_networks.RESNET50.url.startswith(resnet.BASE_WEIGHTS_PATH)


@pytest.mark.slow
def test_resnet50_with_random_weights_is_that_of_keras(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.applications.ResNet50(weights=None, classifier_activation=None)
    path = tmp_path / "random.weights.h5"
    model.save_weights(path)
    extractor = keras_resnet50(path, size=64)
    images = np.random.default_rng(0).integers(0, 256, [3, 32, 32, 3], np.uint8)
    found = extractor(images)
    resized = resize.Resize(size=64, rule=resize.antialiased_bicubic)(images)
    small = keras.applications.ResNet50(
        weights=None, input_shape=(64, 64, 3), classifier_activation=None
    )
    small.load_weights(path)
    expected = small(keras.applications.resnet50.preprocess_input(resized.copy())).numpy()
    np.testing.assert_allclose(found.logits, expected, rtol=1e-4, atol=1e-4)
    assert found.features.shape == (3, 2048)
    assert extractor.logit_bias.shape == (1000,)
    assert extractor.resize == "antialiased_bicubic-64"
    assert extractor.scaling == scalings.caffe_scaling().formula
    with pytest.raises(UserError, match="not weights of InceptionV3"):
        keras_inception_v3(path)


@pytest.mark.slow
@pytest.mark.skipif(
    not (RESNET50_WEIGHTS and DATA_DIR),
    reason="COMPARE_GAN_RESNET50_WEIGHTS names no file of weights of keras.applications, or"
    " COMPARE_GAN_DATA_DIR no folder with CIFAR-10",
)
def test_real_weights_tell_photographs_apart():
    """10 nearest neighbours: their features know the classes of CIFAR-10, pixels hardly do."""
    extractor = keras_resnet50(RESNET50_WEIGHTS, size=96)
    splits = data.load("cifar10", DATA_DIR).splits
    train, test = splits["train"], splits["test"]

    def accuracy(features):
        reals, others = (
            features / np.linalg.norm(features, axis=1, keepdims=True)
            for features in (features(train.images[:500]), features(test.images[:150]))
        )
        nearest = np.argsort(-others @ reals.T, axis=1)[:, :10]
        votes = [np.bincount(row).argmax() for row in train.labels[:500][nearest]]
        return np.mean(votes == test.labels[:150])

    pixels = accuracy(lambda images: images.reshape(len(images), -1).astype(np.float32))
    assert accuracy(lambda images: extractor(images).features) > pixels + 0.2
