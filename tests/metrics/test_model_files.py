import builtins
import hashlib

import keras
import networks
import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import downloads, model_files
from compare_gan_tf.metrics.model_files import Outlets

pytestmark = pytest.mark.usefixtures("trusting")

BOTH = Outlets("pooled", "scores")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    networks.keras_model().save(folder / "tiny.keras")
    networks.write_saved_model(folder / "tiny")
    networks.write_saved_model(folder / "channels_first", channels_first=True)
    networks.write_onnx(folder / "tiny.onnx")
    return folder


@pytest.fixture(scope="module")
def inputs():
    size = networks.SIZE
    return np.random.default_rng(2).normal(size=[7, size, size, 3]).astype(np.float32)


@pytest.mark.parametrize("name", ["tiny.keras", "tiny", "channels_first", "tiny.onnx"])
def test_every_kind_of_file_gives_the_same_numbers(folder, inputs, name):
    network = model_files.open_model(folder / name, BOTH)
    features, logits = network.forward(inputs)
    expected = networks.expected(inputs)
    np.testing.assert_allclose(features, expected[0], atol=1e-5)
    np.testing.assert_allclose(logits, expected[1], atol=1e-5)
    assert network.shape[2] == 3
    assert network.batch is None
    assert network.forward(inputs[:1])[0].shape == (1, 4)


def test_sizes_and_bias_are_known_where_the_file_tells(folder):
    size = networks.SIZE
    opened = {name: model_files.open_model(folder / name, BOTH) for name in ("tiny.keras", "tiny")}
    for network in opened.values():
        assert network.shape == (size, size, 3)
    np.testing.assert_array_equal(opened["tiny.keras"].logit_bias, networks.BIAS)
    assert model_files.open_model(folder / "tiny.onnx", BOTH).shape == (None, None, 3)


def test_files_are_known_by_their_sha256(folder):
    found = model_files.open_model(folder / "tiny.onnx", BOTH).weights_sha256
    assert found == hashlib.sha256((folder / "tiny.onnx").read_bytes()).hexdigest()
    found = model_files.open_model(folder / "tiny", BOTH).weights_sha256
    assert found == downloads.tree_digest(folder / "tiny")


def test_the_weights_beside_an_onnx_file_count(tmp_path):
    networks.write_onnx(tmp_path / "tiny.onnx")
    alone = model_files.open_model(tmp_path / "tiny.onnx", BOTH).weights_sha256
    (tmp_path / "tiny.onnx_data").write_bytes(b"weights")
    beside = model_files.open_model(tmp_path / "tiny.onnx", BOTH).weights_sha256
    (tmp_path / "tiny.onnx_data").write_bytes(b"others")
    assert len({alone, beside, model_files.open_model(tmp_path / "tiny.onnx", BOTH)[2]}) == 3


def test_without_logits_there_are_none(folder, inputs):
    for name in ("tiny.keras", "tiny", "tiny.onnx"):
        network = model_files.open_model(folder / name, Outlets("pooled"))
        assert network.forward(inputs)[1] is None
        assert network.logit_bias is None


def test_the_only_output_needs_no_name(folder, inputs):
    features, _ = model_files.open_model(folder / "tiny.keras", Outlets()).forward(inputs)
    np.testing.assert_allclose(features, networks.expected(inputs)[1], atol=1e-5)


def test_a_sequential_model_is_cut_at_any_layer(tmp_path):
    layers = [keras.Input([2, 2, 1]), keras.layers.Flatten(name="flat"), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    model.save(tmp_path / "sequential.keras")
    images = np.arange(8, dtype=np.float32).reshape(2, 2, 2, 1)
    for outlets, expected in ((Outlets(), model(images)), (Outlets("flat"), images.reshape(2, 4))):
        features, _ = model_files.open_model(tmp_path / "sequential.keras", outlets).forward(images)
        np.testing.assert_allclose(features, expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["tiny", "tiny.onnx"])
def test_of_several_outputs_one_must_be_named_or_usual(folder, inputs, name):
    with pytest.raises(UserError, match="has the outputs pooled, scores: set features"):
        model_files.open_model(folder / name, Outlets())
    usual = model_files.open_model(folder / name, Outlets(usual=("absent", "scores")))
    np.testing.assert_allclose(usual.forward(inputs)[0], networks.expected(inputs)[1], atol=1e-5)


@pytest.mark.parametrize("name", ["tiny.keras", "tiny", "tiny.onnx"])
@pytest.mark.parametrize("outlets", [Outlets("absent"), Outlets("pooled", "absent")])
def test_an_output_that_is_not_there_is_named(folder, name, outlets):
    with pytest.raises(UserError, match="has no output 'absent', only .*scores"):
        model_files.open_model(folder / name, outlets)


def test_what_is_no_network_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="there is no network at .*none.onnx"):
        model_files.open_model(tmp_path / "none.onnx", Outlets())
    for name in ("bad.onnx", "bad.keras", "bad.h5", "bad.pt"):
        (tmp_path / name).write_bytes(b"not a network")
        with pytest.raises(UserError, match="bad.*(cannot be read|must end in)") as caught:
            model_files.open_model(tmp_path / name, Outlets())
        assert "\n" not in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="there is no .*empty/saved_model.pb"):
        model_files.open_model(tmp_path / "empty", Outlets())


def test_onnxruntime_is_asked_for_where_it_is_not_installed(folder, monkeypatch):
    load = builtins.__import__

    def without(name, *arguments, **options):
        if name == "onnxruntime":
            raise ImportError(name)
        return load(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"tiny.onnx needs onnxruntime: pip install .*\[onnx\]"):
        model_files.open_model(folder / "tiny.onnx", BOTH)
