"""Layers in numpy, as papers and their code define them."""

import numpy as np

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def with_drawn_weights(model):
    """The model with kernels of gain about one, and biases and statistics of order one."""
    rng = np.random.default_rng(7)
    for variable in model.weights:
        shape = tuple(variable.shape)
        scale = 1.0 / np.sqrt(np.prod(shape[:-1])) if len(shape) > 1 else 0.3
        value = rng.normal(size=shape) * scale
        if "variance" in variable.name or "gamma" in variable.name:
            value = 1.0 + 0.5 * np.abs(value)
        variable.assign(value)
    return model


def weights(model, layer):
    return [np.asarray(v, np.float64) for v in model.get_layer(layer).weights]


def draw(*shape):
    return np.random.default_rng(3).uniform(-1, 1, shape)


def found(model, inputs, output=None):
    as_float = {name: value.astype(np.float32) for name, value in inputs.items()}
    if "labels" in inputs:
        as_float["labels"] = inputs["labels"]
    outputs = model(as_float)
    return np.asarray(outputs if output is None else outputs[output])


def dense(model, name, x):
    kernel, bias = weights(model, name)
    return x @ kernel + bias


def conv(model, name, x, stride=1):
    """SAME: ceil(side / stride) outputs, the smaller half of the padding in front."""
    kernel, bias = weights(model, name)
    side = -(-x.shape[1] // stride)
    total = max((side - 1) * stride + kernel.shape[0] - x.shape[1], 0)
    pad = (total // 2, total - total // 2)
    x = np.pad(x, ((0, 0), pad, pad, (0, 0)))
    out = np.zeros((len(x), side, side, kernel.shape[3])) + bias
    for i in range(side):
        for j in range(side):
            patch = x[:, i * stride :, j * stride :][:, : kernel.shape[0], : kernel.shape[1]]
            out[:, i, j] += np.tensordot(patch, kernel, 3)
    return out


def norm(model, name, x):
    gamma, beta, mean, variance = weights(model, name)
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def relu(x, slope=0.0):
    return np.where(x > 0, x, slope * x)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def logit(model, features):
    return dense(model, "logit", features.reshape(len(features), -1))[:, 0]
