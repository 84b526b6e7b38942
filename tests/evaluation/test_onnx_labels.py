"""Labels of a generator in ONNX: drawn by the mix of the reals, each for its own image."""

import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import openings, pairs
from compare_gan_tf.evaluation.label_mix import LabelMix, labelled_sides
from compare_gan_tf.evaluation.sides import Samples
from compare_gan_tf.metrics import registry
from compare_gan_tf.metrics.features import raw_features

pytestmark = pytest.mark.usefixtures("trusting")

onnx = pytest.importorskip("onnx", reason="the package onnx writes the generators")
pytest.importorskip("onnxruntime", reason="onnxruntime runs them")

SHARES = (0.1, 0.7, 0.2)
IMAGES = np.random.default_rng(0).integers(4, size=(100, 2, 2, 1), dtype=np.uint8)
LABELS = np.repeat([0, 1, 2], [10, 70, 20])


@pytest.fixture
def generator(tmp_path):
    """A function (type of the labels, num_classes) -> path of z [n, 1], y [n] -> images 2 x 2.

    The upper row is y / 255, the lower one whether z is positive, 0 or 1.
    """
    helper, types = onnx.helper, onnx.TensorProto

    def write(kind="INT64", classes="3"):
        tensors = {"pixel": np.array([-1, 1, 1, 1]), "row": np.array([1, 1, 2, 1]),
                   "white": np.float32(255), "zero": np.float32(0)}  # fmt: skip
        nodes = [
            helper.make_node("Cast", ["y"], ["floats"], to=types.FLOAT),
            helper.make_node("Div", ["floats", "white"], ["shade"]),
            helper.make_node("Greater", ["z", "zero"], ["positive"]),
            helper.make_node("Cast", ["positive"], ["sign"], to=types.FLOAT),
        ]
        for name in ("shade", "sign"):
            nodes += [
                helper.make_node("Reshape", [name, "pixel"], [f"{name}_pixel"]),
                helper.make_node("Tile", [f"{name}_pixel", "row"], [f"{name}_row"]),
            ]
        nodes.append(helper.make_node("Concat", ["shade_row", "sign_row"], ["images"], axis=1))
        graph = helper.make_graph(
            nodes,
            "generator",
            [helper.make_tensor_value_info("z", types.FLOAT, ["n", 1]),
             helper.make_tensor_value_info("y", getattr(types, kind), ["n"])],
            [helper.make_tensor_value_info("images", types.FLOAT, ["n", 2, 2, 1])],
            [onnx.numpy_helper.from_array(np.asarray(one), name) for name, one in tensors.items()],
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model)
        helper.set_model_props(model, {"num_classes": classes})
        onnx.save(model, str(tmp_path / "generator.onnx"))
        return str(tmp_path / "generator.onnx")

    return write


@pytest.mark.parametrize("kind", ["INT32", "INT64"])
def test_labels_are_drawn_by_the_mix_and_each_makes_its_image(generator, kind):
    side, metric = openings.side(generator(kind)), registry.find("fid")()
    assert side.classes == 3 and side.facts["labels"] == "uniform"
    mixed = labelled_sides(side, (metric,), Samples("mine", IMAGES, LABELS), None, 42)[metric]
    assert mixed.facts["labels"] == LabelMix(SHARES).name
    for one, expected in ((side, [1 / 3] * 3), (mixed, SHARES)):
        batches = list(one.batches(1000, 7, 3))
        images = np.concatenate([batch.samples for batch in batches])
        labels = np.concatenate([batch.labels for batch in batches])
        np.testing.assert_array_equal(images[:, 0, 0, 0], labels)
        np.testing.assert_allclose(np.bincount(labels) / 1000, expected, atol=0.06)
        assert abs((images[:, 1, 0, 0] == 255).mean() - 0.5) < 0.06
        (first,) = one.batches(300, 300, 3)  # as of many, in batches of any size
        np.testing.assert_array_equal(first.samples, images[:300])
        np.testing.assert_array_equal(first.labels, labels[:300])


def test_scores_tell_the_mix(generator):
    options = {"metrics": "fid", "extractor": raw_features(), "num_samples": 200}
    real = {"images": IMAGES, "labels": LABELS}
    mixed = pairs.evaluate(real, generator(), **options).rows[0]
    plain = pairs.evaluate({"images": IMAGES}, generator(), **options).rows[0]
    assert mixed["protocol"]["labels"] == LabelMix(SHARES).name
    assert plain["protocol"]["labels"] == "uniform" and plain["value"] != mixed["value"]


@pytest.mark.parametrize("classes", ["0", "three", "-1", "9" * 5000, ""])
def test_no_number_of_labels_is_one_line(generator, classes):
    with pytest.raises(UserError, match="add the metadata entry num_classes") as caught:
        openings.side(generator(classes=classes))
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)
