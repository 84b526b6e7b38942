"""Generators of TF1 Hub modules, such as google/compare_gan has published, as exported modules.

Their graphs are kept, with the weights as constants, and wrapped so that they have the endpoints of
export/README.md. Only the generator is: the discriminators of such modules give a probability, and
neither logits nor features.
"""

import os

import keras
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from compare_gan_tf.data.images import from_unit_interval
from compare_gan_tf.errors import MISFITS, UserError, as_user_error

_SIGNATURES = ("generator", "default", "serving_default")


class HubGenerator:
    """What the exporter needs of a generator, for a signature of a TF1 Hub module.

    Args:
      folder: of the module, with `saved_model.pb` and `variables/`.

    Attributes:
      inputs, output: symbolic tensors "z" [None, dim], and "labels" [None] if conditional; images
        [None, H, W, C].
      variables: (), for the weights are constants.
      batch_size: number of samples that the graph is fixed to, or None.

    Raises:
      UserError: there is no such module, or it makes no images of z.
    """

    variables = ()

    def __init__(self, folder: str):
        tags, name = _choice(folder)
        with as_user_error(f"cannot load {folder}", OSError, tf.errors.OpError, *MISFITS):
            names, graph = _frozen(folder, tags, name)
            self._graph = _function(graph, names)
        tensors = dict(zip(names, self._graph.inputs, strict=False))
        shape = self._graph.outputs[0].shape
        if shape.rank != 4 or None in shape[1:]:
            raise UserError(f"the signature {name} of {folder} makes no images of z, but {shape}")
        self._types = {key: tensor.dtype for key, tensor in tensors.items() if key != ""}
        self.batch_size = tensors["z"].shape[0]
        self.inputs = [
            keras.KerasTensor((None, *tensors[key].shape[1:]), kind.name, name=key)
            for key, kind in self._types.items()
        ]
        self.output = keras.KerasTensor((None, *shape[1:]))

    @property
    def is_conditional(self) -> bool:
        """Whether it takes labels."""
        return "labels" in self._types

    def __call__(self, inputs: dict, training=False):
        """Images float32 [n, H, W, C] in [-1, 1]."""
        parts = [tf.cast(inputs[key], kind) for key, kind in self._types.items()]
        number = tf.shape(parts[0])[0]
        if self.batch_size is None:
            return self._made(parts)
        batches = [_in_batches(part, self.batch_size) for part in parts]
        made = tf.map_fn(self._made, batches, fn_output_signature=tf.float32)
        return tf.reshape(made, [-1, *self.output.shape[1:]])[:number]

    def _made(self, parts: list):
        images = from_unit_interval(tf.cast(self._graph(*parts)[0], tf.float32))
        return tf.ensure_shape(images, [self.batch_size, *self.output.shape[1:]])


def _in_batches(values, size: int):
    """`values` [n, ...] as [n / size rounded up, size, ...], the last batch filled with zeros."""
    missing = -tf.shape(values)[0] % size
    filled = tf.pad(values, [[0, missing], *[[0, 0]] * (values.shape.rank - 1)])
    return tf.reshape(filled, [-1, size, *values.shape[1:]])


def _choice(folder: str) -> tuple[list[str], str]:
    """(tags of the graph, signature) of the generator: of any batch size, else of the largest.

    Raises:
      UserError: there is none, or no module.
    """
    path = os.path.join(folder, "saved_model.pb")
    with as_user_error(f"{folder} is no TF1 Hub module", tf.errors.OpError, DecodeError):
        with tf.io.gfile.GFile(path, "rb") as file:
            saved = saved_model_pb2.SavedModel.FromString(file.read())
    found = []
    for graph in saved.meta_graphs:
        tags = sorted(graph.meta_info_def.tags)
        name = next((name for name in _SIGNATURES if name in graph.signature_def), None)
        if name is None or "disc" in tags or "z" not in graph.signature_def[name].inputs:
            continue
        shape = graph.signature_def[name].inputs["z"].tensor_shape
        found.append((shape.dim[0].size if shape.dim else -1, tags, name))
    if not found:
        raise UserError(f"{folder} has no signature {' or '.join(_SIGNATURES)} that takes z")
    _, tags, name = min(found, key=lambda one: (one[0] > 0, -one[0]))
    return tags, name


def _frozen(folder: str, tags: list[str], name: str):
    """({input: its tensor, "": that of the images}, the graph with constants for variables)."""
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, tags, folder)
        signature = meta.signature_def[name]
        outputs = dict(signature.outputs)
        made = outputs.get("generated") or next(iter(outputs.values()))
        names = {key: signature.inputs[key].name for key in ("z", "labels")
                 if key in signature.inputs}  # fmt: skip
        read_only = graph.as_graph_def()
        for node in read_only.node:
            _without_assignment(node)
        output = made.name.split(":")[0]
        freeze = tf.compat.v1.graph_util.convert_variables_to_constants
        return names | {"": made.name}, freeze(session, read_only, [output])


def _without_assignment(node) -> None:
    """Makes a node that moves a variable, as spectral norm there does in inference, pass its value.

    So what a sample is does not depend on those before it.
    """
    if node.op == "Assign":
        kind = node.attr["T"].type
        value = node.input[1]
        further = [name for name in node.input[2:] if name.startswith("^")]
        node.ClearField("attr")
        node.ClearField("input")
        node.op = "Identity"
        node.attr["T"].type = kind
        node.input.extend([value, *further])
    elif node.op in ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"):
        before = [f"^{name.removeprefix('^').split(':')[0]}" for name in node.input[1:]]
        node.ClearField("attr")
        node.ClearField("input")
        node.op = "NoOp"
        node.input.extend(before)


def _function(graph, names: dict[str, str]):
    """A function of the inputs, in the order of `names`, to [images]."""
    imported = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    *inputs, made = (imported.graph.as_graph_element(name) for name in names.values())
    return imported.prune(inputs, [made])
