import dataclasses
import hashlib
import io
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import classifiers, features, train_classifier
from compare_gan_tf.metrics.classifiers import DIGITS
from compare_gan_tf.metrics.train_classifier import RECIPES


@pytest.fixture(scope="module")
def train_split():
    return data.load("digits").splits["train"]


def test_each_network_has_its_recipe():
    assert RECIPES.keys() == classifiers.NETWORKS.keys()


@pytest.mark.slow
def test_the_same_command_gives_the_same_bytes(train_split):
    images, labels = train_split.images[:128], train_split.labels[:128]
    recipe = dataclasses.replace(RECIPES["digits"], epochs=1, mirror=True, storage=np.float16)
    models = [train_classifier.train(DIGITS, recipe, images, labels) for _ in range(2)]
    contents = [train_classifier.npz_bytes(model, recipe, images) for model in models]
    assert contents[0] == contents[1]
    with np.load(io.BytesIO(contents[0])) as arrays:
        for variable in models[0].trainable_variables:
            assert arrays[variable.path].dtype == np.float16
            # What is reported of the model is true of the file.
            np.testing.assert_array_equal(arrays[variable.path], variable.numpy())


def test_the_file_names_the_images(train_split):
    content = train_classifier.npz_bytes(
        classifiers.build(DIGITS), RECIPES["digits"], train_split.images
    )
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        expected = hashlib.sha256(train_split.images.tobytes()).hexdigest()
        assert arrays["train_images_sha256"] == expected


def test_an_output_that_cannot_be_written_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(
        train_classifier, "train", lambda network, *others: classifiers.build(network)
    )
    monkeypatch.setattr("tensorflow.config.experimental.enable_op_determinism", lambda: None)
    (tmp_path / "file").write_text("")
    output = tmp_path / "file" / "weights.npz"
    with pytest.raises(UserError, match="cannot write .*choose a writable folder"):
        train_classifier.main(["--dataset=digits", f"--output={output}"])


@pytest.mark.slow
def test_the_command_trains_a_classifier_as_good_as_the_shipped_one(tmp_path):
    """Half a minute. Where this processor rounds as ours did, the very same file."""
    output = tmp_path / "weights.npz"
    module = "compare_gan_tf.metrics.train_classifier"
    subprocess.run(
        [sys.executable, "-m", module, "--dataset=digits", f"--output={output}"],
        check=True,
        cwd=pathlib.Path(__file__).parents[2],
    )
    sha256 = hashlib.sha256(output.read_bytes()).hexdigest()
    model = classifiers.build(DIGITS)
    classifiers.assign(model, classifiers.load_arrays(output, sha256))
    test = data.load("digits").splits["test"]
    found = features.Classifier(model, DIGITS, sha256).classify(test.images).argmax(axis=1)
    assert np.mean(found == test.labels) >= 0.975
