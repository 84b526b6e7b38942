"""Counts the multiply-adds of a network for one image, layer by layer.

One multiply-add is one product of two numbers that enters a sum. Convolutions, dense layers and
matrix products, such as those of attention, count; biases, normalisations, activations, pooling and
look-ups do not. The network is traced for one image, and the shapes of the operations that depend
on the image give the counts. Operations that depend on weights alone, such as the power iteration
of spectral normalisation, run once per batch and do not count. A new layer is counted without any
code of its own.

As usual, products with the zeros of a padding count. A convolution has

  out_height out_width kernel_height kernel_width (in_channels / groups) out_channels

multiply-adds, and a transposed convolution, including products that fall outside of the image, has

  in_height in_width kernel_height kernel_width in_channels out_channels.

A dilated convolution counts as TensorFlow computes it, on images padded to a multiple of its rate.
A convolution beside a resizing counts as it is written, not as `ResizedConv2D` computes it.
Products inside of `tf.while_loop` and `tf.cond` are not counted.
"""

import contextlib
import math
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from compare_gan_tf.layers import plain_forms
from compare_gan_tf.settings import keras_insides


class Row(NamedTuple):
    """One layer, or one bare operation, of a network, in the order of the calls."""

    layer: Any
    output_shape: Any  # (...) without the batch, or a list of them
    multiply_adds: int  # of one image, over all calls of the layer


def of_sample(network: keras.Model) -> int | None:
    """Multiply-adds of one sample; None of a model that is not built by the functional API."""
    if not getattr(network, "inputs", None):
        return None
    return sum(row.multiply_adds for row in rows(network))


def rows(network: keras.Model, *, computed: bool = False) -> list[Row]:
    """Traces a functional model for one image, without training.

    Args:
      network: built of layers by the functional API.
      computed: whether convolutions beside a resizing count as this device computes them.

    Returns:
      A row for every layer that is called, inputs included.
    """
    calls = []  # (layer, output shape, number of the graph's operations after it)
    names = set()  # of the inputs

    def record(layer):
        def call(*inputs, **settings):
            outputs = layer(*inputs, **settings)
            number = len(tf.compat.v1.get_default_graph().get_operations())
            calls.append((layer, _shape(outputs), number))
            return outputs

        return call

    def forward(*images):
        names.update(image.name for image in images)
        for symbol, image in zip(network.inputs, images, strict=True):
            calls.append((keras_insides.origin(symbol)[0], _shape(image), 0))
        return keras_insides.run_through(network, list(images), record)

    inputs = [tf.TensorSpec([1, *tensor.shape[1:]], tensor.dtype) for tensor in network.inputs]
    eager = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)  # inlines Keras' grouped convolution into this graph
    try:
        with contextlib.nullcontext() if computed else plain_forms():
            graph = tf.function(forward, autograph=False).get_concrete_function(*inputs).graph
    finally:
        tf.config.run_functions_eagerly(eager)
    return _by_layer(calls, _products(graph, names))


def _by_layer(calls, products: list[int]) -> list[Row]:
    found, start = {}, 0
    for layer, shape, stop in calls:
        before = found[id(layer)].multiply_adds if id(layer) in found else 0
        found[id(layer)] = Row(layer, shape, before + sum(products[start:stop]))
        start = max(start, stop)
    return list(found.values())


def _shape(outputs):
    flat = tf.nest.flatten(outputs)
    shapes = [tuple(output.shape[1:]) for output in flat]
    return shapes[0] if len(shapes) == 1 else shapes


def _products(graph, inputs: set[str]) -> list[int]:
    """Multiply-adds of each operation of a graph that depends on the named inputs."""
    dependent, products = set(inputs), []
    for operation in graph.get_operations():
        depends = any(tensor.name in dependent for tensor in operation.inputs)
        if depends:
            dependent |= {tensor.name for tensor in operation.outputs}
        count = COUNTS.get(operation.type)
        products.append(count(operation) if depends and count else 0)
    return products


def _size(tensor) -> int:
    return math.prod(tensor.shape)


def _of_convolution(operation) -> int:
    """Every output is a sum over the kernel [..., in / groups, out]."""
    return _size(operation.outputs[0]) * math.prod(operation.inputs[1].shape[:-1])


def _of_transposed_convolution(operation) -> int:
    """Every input is multiplied by each entry of the kernel [..., out, in] that belongs to it."""
    return _size(operation.inputs[2]) * math.prod(operation.inputs[1].shape[:-1])


def _of_depthwise_convolution(operation) -> int:
    """Every output is a sum over the height and width of the kernel [h, w, in, multiplier]."""
    return _size(operation.outputs[0]) * math.prod(operation.inputs[1].shape[:-2])


def _of_kernel_gradient(operation) -> int:
    """As the convolution: every output of that meets the kernel [..., in / groups, out] once."""
    return _size(operation.inputs[2]) * math.prod(operation.outputs[0].shape[:-1])


def _of_depthwise_input_gradient(operation) -> int:
    return _size(operation.inputs[2]) * math.prod(operation.inputs[1].shape[:-2])


def _of_depthwise_kernel_gradient(operation) -> int:
    return _size(operation.inputs[2]) * math.prod(operation.outputs[0].shape[:-2])


def _of_matrix_product(operation) -> int:
    transposed = any(
        operation.get_attr(name)
        for name in ("transpose_a", "adj_x")
        if name in operation.node_def.attr
    )
    return _size(operation.outputs[0]) * operation.inputs[0].shape[-2 if transposed else -1]


def _of_einsum(operation) -> int:
    """The product of the sizes of all its indices."""
    left, _ = operation.get_attr("equation").decode().split("->")
    sizes = {}
    for indices, tensor in zip(left.split(","), operation.inputs, strict=True):
        sizes |= _sizes(indices, tensor.shape)
    return math.prod(sizes.values()) if len(operation.inputs) > 1 else 0


def _sizes(indices: str, shape) -> dict:
    """{index: size}; dimensions under "..." are named by their positions from the right."""
    before, dots, after = indices.partition("...")
    if not dots:
        return dict(zip(indices, shape, strict=True))
    middle = shape[len(before) : len(shape) - len(after)]
    named = {(len(middle) - place): size for place, size in enumerate(middle)}
    return (
        dict(zip(before, shape, strict=False))
        | named
        | dict(zip(after, shape[len(shape) - len(after) :], strict=True))
    )


# {type of an operation: its count}, with the gradients of convolutions.
COUNTS = {
    "Conv2D": _of_convolution,
    "Conv3D": _of_convolution,
    "Conv2DBackpropInput": _of_transposed_convolution,
    "Conv3DBackpropInputV2": _of_transposed_convolution,
    "Conv2DBackpropFilter": _of_kernel_gradient,
    "Conv3DBackpropFilterV2": _of_kernel_gradient,
    "DepthwiseConv2dNative": _of_depthwise_convolution,
    "DepthwiseConv2dNativeBackpropInput": _of_depthwise_input_gradient,
    "DepthwiseConv2dNativeBackpropFilter": _of_depthwise_kernel_gradient,
    "MatMul": _of_matrix_product,
    "BatchMatMul": _of_matrix_product,
    "BatchMatMulV2": _of_matrix_product,
    "BatchMatMulV3": _of_matrix_product,
    "Einsum": _of_einsum,
}
