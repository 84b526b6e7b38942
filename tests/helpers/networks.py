"""Tiny networks in files of every kind: features are 4 means over the image, logits linear."""

import keras
import numpy as np
import tensorflow as tf

SIZE = 12
MATRIX = np.random.default_rng(0).normal(size=[3, 4]).astype(np.float32)
LOGITS = np.random.default_rng(1).normal(size=[4, 5]).astype(np.float32)
BIAS = np.arange(5, dtype=np.float32)


def expected(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(features [n, 4], logits [n, 5]) of scaled images [n, 12, 12, 3]."""
    features = inputs.astype(np.float64).mean(axis=(1, 2)) @ MATRIX
    return features, features @ LOGITS + BIAS


def keras_model() -> keras.Model:
    """The network with the layers "pooled" and "scores", and one output, "scores"."""
    images = keras.Input([SIZE, SIZE, 3])
    x = keras.layers.GlobalAveragePooling2D()(images)
    x = keras.layers.Dense(4, use_bias=False, name="pooled")(x)
    x = keras.layers.Dense(5, name="scores")(x)
    model = keras.Model(images, x)
    model.get_layer("pooled").set_weights([MATRIX])
    model.get_layer("scores").set_weights([LOGITS, BIAS])
    return model


def write_saved_model(folder, channels_first: bool = False) -> None:
    """A SavedModel with a signature "serving_default" of outputs "pooled" and "scores"."""
    shape = [None, 3, SIZE, SIZE] if channels_first else [None, SIZE, SIZE, 3]
    axes = [2, 3] if channels_first else [1, 2]
    module = tf.Module()
    module.matrix, module.logits = tf.Variable(MATRIX), tf.Variable(LOGITS)

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="images")])
    def serve(images):
        pooled = tf.reduce_mean(images, axes) @ module.matrix
        return {"pooled": pooled, "scores": pooled @ module.logits + BIAS}

    tf.saved_model.save(module, str(folder), signatures={"serving_default": serve})


def write_onnx(path, batch: int | str = "n", tokens: bool = False) -> None:
    """An ONNX file of outputs "pooled", or "last_hidden_state" [n, 2, 4], and "scores"."""
    import onnx
    from onnx import helper, numpy_helper

    image = helper.make_tensor_value_info(
        "images", onnx.TensorProto.FLOAT, [batch, 3, "height", "width"]
    )
    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "matrix"], ["pooled"]),
        helper.make_node("MatMul", ["pooled", "logits"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["scores"]),
        helper.make_node("Unsqueeze", ["pooled", "one"], ["token"]),
        helper.make_node("Neg", ["token"], ["other"]),
        helper.make_node("Concat", ["token", "other"], ["last_hidden_state"], axis=1),
    ]
    constants = {
        "axes": np.array([2, 3]),
        "one": np.array([1]),
        "matrix": MATRIX,
        "logits": LOGITS,
        "bias": BIAS,
    }
    float_ = onnx.TensorProto.FLOAT
    first = ("last_hidden_state", [batch, 2, 4]) if tokens else ("pooled", [batch, 4])
    outputs = [
        helper.make_tensor_value_info(*first[:1], float_, first[1]),
        helper.make_tensor_value_info("scores", float_, [batch, 5]),
    ]
    weights = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "tiny", [image], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
