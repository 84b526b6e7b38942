"""The last layers of a Keras model: its final activation, and the features before it."""

import keras

from compare_gan_tf.settings import keras_insides

_SHAPING = (keras.layers.Reshape, keras.layers.Flatten, keras.layers.Identity)


def end(model) -> str | None:
    """The name of a model's final activation, such as "sigmoid".

    None if the output is a weighted sum, or if the model does not tell.
    """
    for operation in _last(model):
        if isinstance(operation, keras.Model):
            return end(operation)
        operation = getattr(operation, "layer", operation)  # unwraps spectral normalisation
        if isinstance(operation, _SHAPING):
            continue
        activation = getattr(operation, "activation", None)
        name = getattr(activation, "__name__", type(operation).__name__.lower())
        if name != "linear" or operation.weights:
            return name
    return None


def _last(model):
    """The operations of a model from its output backwards; for a subclass, its last layer only."""
    if not getattr(model, "outputs", None):
        yield from model.layers[-1:]
        return
    tensor = model.outputs[0]
    while tensor is not None:
        operation, node = keras_insides.origin(tensor)
        if isinstance(operation, keras.layers.InputLayer):
            return
        yield operation
        tensor = _only_input(operation, node)


def _only_input(operation, node: int):
    """The only input of an operation; None if it has several."""
    inputs = keras_insides.called_on(operation, node)
    return inputs[0] if len(inputs) == 1 else None


def widen_end(model):
    """Makes the last layers of a model, from the last one with weights on, compute in float32."""
    for operation in _last(model):
        if isinstance(operation, keras.layers.Layer):
            _widen(operation)
        if getattr(operation, "weights", None):
            return


def widen_strides_of_one_pixel(model):
    """Makes convolutions with strides, from or transposed to a side of 1, compute in float32.

    In bfloat16 TensorFlow's gradient of their kernels has uninitialised memory in it, on CPUs.
    """
    for layer in model.layers:
        kernel = getattr(layer, "layer", layer)
        transposed = isinstance(kernel, keras.layers.Conv2DTranspose)
        if not (transposed or isinstance(kernel, keras.layers.Conv2D)) or max(kernel.strides) == 1:
            continue
        shapes = [maps.shape for maps in keras_insides.inputs(layer)]
        shapes = [kernel.compute_output_shape(one) for one in shapes] if transposed else shapes
        if any(1 in shape[1:3] for shape in shapes):
            _widen(layer)


def _widen(layer):
    """Makes a layer, and the one in a wrapper such as spectral norm, compute in float32."""
    for one in (layer, getattr(layer, "layer", layer)):
        if one.compute_dtype != one.variable_dtype:
            one.dtype_policy = one.variable_dtype


def with_features(model):
    """The discriminator with outputs [logits, features].

    The features are the input of its last layer with weights. A model whose layers are unknown, a
    subclass or one with several outputs, is returned unchanged.
    """
    outputs = getattr(model, "outputs", None)
    if not outputs or len(outputs) > 1 or isinstance(getattr(model, "output", None), dict):
        return model
    tensor = outputs[0]
    while tensor is not None:
        operation, node = keras_insides.origin(tensor)
        tensor = _only_input(operation, node)
        if isinstance(operation, keras.Model | keras.layers.InputLayer):
            return model
        if operation.weights:
            break
    if tensor is None:
        return model
    inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    return keras.Model(inputs, [outputs[0], tensor])
