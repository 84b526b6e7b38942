"""Modules, ONNX files and GANs as sides: what makes samples."""

import os

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import openings

pytestmark = pytest.mark.usefixtures("trusting")


class Sampler(tf.Module):
    """Image i of a seed has the value of a hash of (seed, i); `labels` add a tenth each."""

    def __init__(self, conditional=False):
        super().__init__()
        num = tf.TensorSpec([], tf.int32)
        self.weight = tf.Variable(1.0)
        specs = [num, tf.TensorSpec([2], tf.int32), tf.TensorSpec([], tf.float32)]
        if conditional:
            specs.append(tf.TensorSpec([None], tf.int32))
        self.sample = tf.function(self._sample, input_signature=specs)

    def _sample(self, num, seed, truncation, labels=None):
        shift = 0.0 if labels is None else 0.1 * tf.cast(labels, tf.float32)[:, None]
        noise = tf.random.stateless_uniform([64, 4], seed)[:num]
        return tf.reshape(self.weight * (noise + shift), [-1, 2, 2, 1])


@pytest.mark.parametrize("conditional", [False, True])
def test_a_module_is_sampled_and_the_batch_size_changes_nothing(tmp_path, conditional):
    path = str(tmp_path / "generator")
    tf.saved_model.save(Sampler(conditional), path)
    if conditional:
        os.makedirs(f"{path}/assets.extra")
        with open(f"{path}/assets.extra/metadata.json", "w") as file:
            file.write('{"conditional": true, "num_classes": 3, "ema": true}')
    side = openings.side(path, openings.How(truncation=0.5))
    assert side.available is None and side.sample_shape == (2, 2, 1)
    labels = {"labels": "uniform"} if conditional else {}
    assert side.facts == {"truncation": 0.5, "ema": True if conditional else None} | labels
    first, second = (np.concatenate([b.samples for b in side.batches(150, n, 0)]) for n in (7, 99))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.uint8 and len(np.unique(first)) > 100
    if conditional:
        labels = np.concatenate([batch.labels for batch in side.batches(150, 64, 0)])
        assert np.bincount(labels, minlength=3).min() > 25
    hashed = side.sha256()
    assert hashed == openings.side(path).sha256()
    module = Sampler(conditional)
    module.weight.assign(0.5)
    tf.saved_model.save(module, path)
    assert openings.side(path).sha256() != hashed


def test_a_module_without_samples_is_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "empty"))
    with pytest.raises(UserError, match=r"has no endpoint sample\(num, seed, truncation\)"):
        openings.side(str(tmp_path / "empty"))


@pytest.fixture
def onnx_generator(tmp_path):
    """A function (channels first, name of the output's range) -> path of z [n, 3] -> images."""
    onnx = pytest.importorskip("onnx")
    helper, real = onnx.helper, onnx.TensorProto.FLOAT

    def save(channels_first=False, inputs=("z",), classes=None):
        shape = [-1, 1, 4, 5] if channels_first else [-1, 4, 5, 1]
        weights = np.random.default_rng(0).normal(size=(3, 20)).astype(np.float32)
        tensors = {"w": weights, "shape": np.array(shape, np.int64)}
        nodes = [
            helper.make_node("MatMul", ["z", "w"], ["flat"]),
            helper.make_node("Sigmoid", ["flat"], ["unit"]),
            helper.make_node("Reshape", ["unit", "shape"], ["generated"]),
        ]
        types = {"z": (real, ["n", 3]), "y": (onnx.TensorProto.INT64, ["n"]), "u": (real, ["n", 3])}
        graph = helper.make_graph(
            nodes,
            "generator",
            [helper.make_tensor_value_info(name, *types[name]) for name in inputs],
            [helper.make_tensor_value_info("generated", real, [None] * 4)],
            [onnx.numpy_helper.from_array(value, name) for name, value in tensors.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        if classes:
            helper.set_model_props(model, {"num_classes": classes})
        path = tmp_path / "generator.onnx"
        path.write_bytes(model.SerializeToString())
        return str(path)

    return save


@pytest.mark.parametrize("channels_first", [False, True])
def test_an_onnx_generator_is_a_side(onnx_generator, channels_first):
    side = openings.side(onnx_generator(channels_first))
    assert side.sample_shape == (4, 5, 1) and side.facts == {"truncation": 0.0}
    first, second = (np.concatenate([b.samples for b in side.batches(30, n, 0)]) for n in (7, 30))
    assert first.dtype == np.uint8 and first.shape == (30, 4, 5, 1)
    assert np.abs(first.astype(int) - second).max() <= 1 and first.std() > 30
    assert len(side.sha256()) == 64


def test_an_onnx_generator_of_labels_says_how_many(onnx_generator):
    with pytest.raises(UserError, match="takes labels: add the metadata entry num_classes"):
        openings.side(onnx_generator(inputs=("z", "y")))
    side = openings.side(onnx_generator(inputs=("z", "y"), classes="4"))
    (batch,) = side.batches(200, 200, 0)
    assert np.bincount(batch.labels, minlength=4).min() > 25
    with pytest.raises(UserError, match=r"has inputs z \[.*3\], u"):
        openings.side(onnx_generator(inputs=("z", "u")))


def test_a_broken_onnx_file_is_one_line(tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "g.onnx").write_bytes(b"no graph")
    with pytest.raises(UserError, match="g.onnx cannot be read as an ONNX file") as caught:
        openings.side(str(tmp_path / "g.onnx"))
    assert "\n" not in str(caught.value)


def test_a_gan_is_a_side(gan):
    side = openings.side(gan)
    assert side.available is None and {"generate", "latents", "kernels"} <= side.offers
    assert side.facts["ema"] is False
    first, second = (np.concatenate([b.samples for b in side.batches(40, n, 0)]) for n in (7, 40))
    assert (first != second).mean() < 0.01  # a rounding where float32 products differ
