"""The weights alone, in files that any library reads and no code is run from."""

import json

import numpy as np

import compare_gan_tf
from compare_gan_tf.export import keras_files, players


def content(player: players.Player) -> bytes:
    """The bytes of a .safetensors file: {path of a Keras variable: array}.

    Layers within layers can have variables of the same path: the later ones end in _1, _2, ...
    Weights are float32 under every dtype policy; counters are integers.

    The metadata, all strings, are `library`, `version` and `player`; `variables`, a JSON list of
    the names in the order of `keras.Model.variables`; and `architecture`, the network without its
    weights, as `keras.Model.to_json` writes it, unless a layer of the user cannot be written.
    """
    from safetensors import numpy

    model, arrays = player.model(), {}
    for variable in model.variables:
        value = np.asarray(variable)
        whole = np.issubdtype(value.dtype, np.integer) or value.dtype == bool
        arrays[_unused(variable.path, arrays)] = value if whole else value.astype(np.float32)
    facts = {"library": "compare_gan_tf", "version": compare_gan_tf.__version__}
    facts |= {"player": player.name, "variables": json.dumps(list(arrays))}
    return numpy.save(arrays, metadata=facts | _architecture(model))


def _unused(path: str, taken) -> str:
    name, again = path, 0
    while name in taken:
        again += 1
        name = f"{path}_{again}"
    return name


def _architecture(model) -> dict[str, str]:
    try:
        return {"architecture": model.to_json()}
    except (TypeError, ValueError, NotImplementedError):
        if not keras_files.own_classes(model):
            raise
        return {}
