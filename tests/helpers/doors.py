"""Opens one file of an export as a stranger would; run in a process of its own for each door.

Usage: python doors.py DOOR FOLDER INPUTS.npz OUTPUTS.npz

INPUTS has "z", and "labels" for a conditional generator; OUTPUTS gets "images" in [0, 1].
"""

import importlib.abc
import json
import sys


class Refuse(importlib.abc.MetaPathFinder):
    """Makes any import of these packages an error."""

    def __init__(self, packages):
        self.packages = packages

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.packages:
            raise ImportError(f"{name} must not be needed")


def saved_model(folder, inputs):
    import tensorflow as tf

    module = tf.saved_model.load(f"{folder}/generator")
    return module(*map(tf.constant, inputs.values()))


def hub_load(folder, inputs):
    import tensorflow as tf
    import tensorflow_hub as hub

    module = hub.load(f"{folder}/generator")
    return module(*map(tf.constant, inputs.values()))


def hub_layer(folder, inputs):
    import tensorflow as tf
    import tensorflow_hub as hub

    return hub.KerasLayer(f"{folder}/generator")([tf.constant(one) for one in inputs.values()])


def tfsm_layer(folder, inputs):
    import keras

    return keras.layers.TFSMLayer(f"{folder}/generator")(dict(inputs))


def load_keras(folder, inputs):
    from compare_gan_tf import load_keras

    return (load_keras(f"{folder}/generator.keras")(inputs, training=False) + 1.0) / 2.0


def onnx(folder, inputs):
    import onnxruntime

    return onnxruntime.InferenceSession(f"{folder}/generator.onnx").run(["generated"], inputs)[0]


def litert(folder, inputs):
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(f"{folder}/generator.tflite").get_signature_runner()(**inputs)["generated"]


def safetensors(folder, inputs):
    """The network is made anew from the file alone; its layers are classes of this package."""
    import keras
    from safetensors import safe_open

    import compare_gan_tf.export  # noqa: F401  tells Keras of the layers

    with safe_open(f"{folder}/generator.safetensors", "numpy") as file:
        model = keras.models.model_from_json(file.metadata()["architecture"])
        names = json.loads(file.metadata()["variables"])
        for name, variable in zip(names, model.variables, strict=True):
            variable.assign(file.get_tensor(name))
    return (model(inputs, training=False) + 1.0) / 2.0


OF_TENSORFLOW = {"compare_gan_tf", "tensorflow_hub", "tf_keras"}
OF_NEITHER = {*OF_TENSORFLOW, "tensorflow", "keras"}
# {door: what it must not need}
DOORS = {
    saved_model: {*OF_TENSORFLOW},
    hub_load: {"compare_gan_tf"},
    hub_layer: {"compare_gan_tf"},
    tfsm_layer: {*OF_TENSORFLOW},
    load_keras: {"tensorflow_hub", "tf_keras"},
    onnx: OF_NEITHER,
    litert: OF_NEITHER,
    safetensors: {"tensorflow_hub", "tf_keras"},
}


def main(name, folder, inputs_file, outputs_file):
    (door,) = [one for one in DOORS if one.__name__ == name]
    sys.meta_path.insert(0, Refuse(DOORS[door]))
    import numpy as np

    with np.load(inputs_file) as arrays:
        images = np.asarray(door(folder, dict(arrays)))
    assert not DOORS[door] & sys.modules.keys()
    np.savez(outputs_file, images=images)


if __name__ == "__main__":
    main(*sys.argv[1:])
