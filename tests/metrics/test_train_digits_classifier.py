import hashlib
import io
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import features, train_digits_classifier


@pytest.fixture(scope="module")
def train_split():
    return data.load("digits").splits["train"]


def test_the_same_command_gives_the_same_bytes(train_split):
    images, labels = train_split.images[:128], train_split.labels[:128]
    contents = [
        train_digits_classifier.npz_bytes(
            train_digits_classifier.train(images, labels, epochs=1), images
        )
        for _ in range(2)
    ]
    assert contents[0] == contents[1]


def test_the_file_holds_the_weights_and_names_the_images(train_split):
    model = features.digits_model()
    content = train_digits_classifier.npz_bytes(model, train_split.images)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        expected = hashlib.sha256(train_split.images.tobytes()).hexdigest()
        assert arrays["train_images_sha256"] == expected
        for variable in model.trainable_variables:
            assert np.array_equal(arrays[variable.path], variable.numpy())


def test_the_shipped_file_has_every_weight_of_the_model():
    arrays = features.load_arrays(features.DIGITS_WEIGHTS, features.DIGITS_SHA256)
    shapes = {variable.path: variable.shape for variable in features.digits_model().variables}
    arrays.pop("train_images_sha256")
    assert {name: array.shape for name, array in arrays.items()} == shapes


def test_an_output_that_cannot_be_written_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(
        train_digits_classifier, "train", lambda images, labels: features.digits_model()
    )
    monkeypatch.setattr("tensorflow.config.experimental.enable_op_determinism", lambda: None)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write .*choose a writable folder"):
        train_digits_classifier.main([f"--output={tmp_path / 'file' / 'weights.npz'}"])


@pytest.mark.slow
def test_the_command_trains_a_classifier_as_good_as_the_shipped_one(tmp_path):
    """Half a minute. Where this processor rounds as ours did, the very same file."""
    output = tmp_path / "weights.npz"
    module = "compare_gan_tf.metrics.train_digits_classifier"
    subprocess.run(
        [sys.executable, "-m", module, f"--output={output}"],
        check=True,
        cwd=pathlib.Path(__file__).parents[2],
    )
    found = features.load_arrays(output, hashlib.sha256(output.read_bytes()).hexdigest())
    model = features.digits_model()
    for variable in model.trainable_variables:
        variable.assign(found[variable.path])
    test = data.load("digits").splits["test"]
    classes = features.DigitsClassifier(model, "").classify(test.images).argmax(axis=1)
    assert np.mean(classes == test.labels) >= 0.975
