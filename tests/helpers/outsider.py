"""Loads exported modules as a stranger would; run in a process of its own.

Usage: python -I outsider.py INPUTS.npz OUTPUTS.npz NAME=FOLDER...
Every player is called in every documented way; results are saved under NAME/player/way/output.
"""

import importlib.abc
import sys

PACKAGE = "compare_gan_tf"


class Refuse(importlib.abc.MetaPathFinder):
    """Makes any import of our package an error, wherever it is installed."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == PACKAGE:
            raise ImportError(f"{name} must not be needed")


def ways_to_call(folder, arguments, names):
    """Yields (name of the way, outputs) for one player; `arguments` are its inputs in order."""
    by_name = dict(zip(names, arguments, strict=True))
    forms = {"list": list(arguments), "dict": by_name, "tuple": tuple(arguments)}
    if len(arguments) == 1:
        forms["alone"] = arguments[0]

    yield "tf_dict", tf.saved_model.load(folder)(by_name)
    module = hub.load(folder)
    yield "hub_positional", module(*arguments)
    yield "hub_keywords", module(**by_name)
    for form, value in forms.items():
        yield f"hub_{form}", module(value)
    for signature, function in module.signatures.items():
        yield f"hub_signature_{signature}", function(**by_name)
    layers = {"hub_layer": hub.KerasLayer(folder), "tfsm_layer": keras.layers.TFSMLayer(folder)}
    for loader, layer in layers.items():
        for form, value in forms.items():
            yield f"{loader}_{form}", layer(value)


def main(inputs_file, outputs_file, *folders):
    arrays = dict(np.load(inputs_file))
    outputs = {}
    for name, folder in (item.split("=", 1) for item in folders):
        labels = ["labels"] if f"{name}/labels" in arrays else []
        for player, first in (("generator", "z"), ("discriminator", "images")):
            names = [first, *labels]
            arguments = [tf.constant(arrays[f"{name}/{key}"]) for key in names]
            for way, result in ways_to_call(f"{folder}/{player}", arguments, names):
                result = result if isinstance(result, dict) else {"": result}
                for key, value in result.items():
                    outputs[f"{name}/{player}/{way}/{key}"] = value.numpy()
        module = hub.load(f"{folder}/generator")
        outputs[f"{name}/sample"] = module.sample(5, [0, 42], 0.5).numpy()
        outputs[f"{name}/sample_first"] = module.sample(2, [0, 42], 0.5).numpy()
    assert PACKAGE not in sys.modules
    np.savez(outputs_file, **outputs)


if __name__ == "__main__":
    sys.meta_path.insert(0, Refuse())
    import keras
    import numpy as np
    import tensorflow as tf
    import tensorflow_hub as hub

    main(*sys.argv[1:])
