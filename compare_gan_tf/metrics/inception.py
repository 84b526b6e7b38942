"""The Inception network of 2015-12-05, whose features and logits define FID and Inception Score.

It has 2,048 features ("pool_3") and 1,008 logits, and takes (x - 128) / 128 at 299 pixels, resized
by TensorFlow 1's bilinear rule. Szegedy et al., Rethinking the Inception Architecture, 2015;
Salimans et al., Improved Techniques for Training GANs, 2016; Heusel et al., GANs Trained by a Two
Time-Scale Update Rule Converge to a Local Nash Equilibrium, 2017.
"""

import functools
import os
import pathlib

import gin
import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.metrics import downloads
from compare_gan_tf.metrics.extractors import NetworkFeatures
from compare_gan_tf.metrics.model_files import Network
from compare_gan_tf.metrics.replicated import replicated
from compare_gan_tf.metrics.resize import Resize, Rule, tf1_bilinear
from compare_gan_tf.metrics.scalings import Scale, inception_2015_scaling
from compare_gan_tf.settings.signatures import checked
from compare_gan_tf.storage import programs, saved_models

HANDLE = "https://tfhub.dev/tensorflow/tfgan/eval/inception/1"
HUB_MODULE = downloads.Remote(
    name="tfgan_eval_inception_1.tar.gz", url=f"{HANDLE}?tf-hub-format=compressed"
)
SIZE = 299
_INPUT, _FEATURES = "Mul", "pool_3"
_LOGITS = ("logits", "softmax/logits")  # in the two frozen graphs that are about
_PASSES_ON = frozenset(("Identity", "Reshape", "Squeeze"))
_ADDS_BIAS = frozenset(("BiasAdd", "Add", "AddV2"))


@gin.configurable(module="features", denylist=["trust"])
@checked
def inception_2015(
    path: str | os.PathLike | None = None,
    *,
    rule: Rule = tf1_bilinear,
    quantise: bool = False,
    scaling: Scale | None = None,
    trust: bool = False,
) -> NetworkFeatures:
    """The Inception network of 2015-12-05.

    Args:
      path: a frozen graph, inceptionv1_for_inception_score.pb or classify_image_graph_def.pb, or
        the folder of the unpacked module of TF Hub, tensorflow/tfgan/eval/inception/1; None
        downloads that one.
      rule: see `resize`; clean-fid's is `@antialiased_bicubic`.
      quantise: rounds resized images to 8 bits.
      scaling: None for that of its graph, (x - 128) / 128; StudioGAN's is `@symmetric_scaling()`.
      trust: see `extractors.model_file`; what is downloaded from TF Hub needs it not.

    Raises:
      UserError: the network cannot be fetched, is not trusted, or is not this one.
    """
    trust = trust or path is None
    path = downloads.fetch_folder(HUB_MODULE) if path is None else pathlib.Path(path).expanduser()
    if not path.exists():
        raise UserError(f"there is no Inception network at {path}: put it there, or set its path")
    network = hub_module(path, trust) if path.is_dir() else frozen_graph(path, trust)
    resize = Resize(size=SIZE, rule=rule, quantise=quantise)
    return NetworkFeatures("inception-2015", network, resize, scaling or inception_2015_scaling())


# --- The module of TF Hub --------------------------------------------------------------------


def hub_module(folder: pathlib.Path, trusted: bool) -> Network:
    """A module that maps images [n, 299, 299, 3] to {"pool_3", "logits"}."""
    module = saved_models.load(folder, trusted=trusted)
    if not callable(module):
        raise UserError(f"{folder} is a module that cannot be called: it is not that of {HANDLE}")
    spec = tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32)
    try:
        traced = tf.function(module).get_concrete_function(spec)
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{folder} takes no images of {SIZE} pixels: {first_line(error)}"
        ) from error
    outputs = traced.structured_outputs
    if not isinstance(outputs, dict) or not {_FEATURES, "logits"} <= set(outputs):
        raise UserError(f"{folder} has no outputs pool_3 and logits: it is not that of {HANDLE}")
    bias = _only_vector(traced, outputs["logits"].shape[-1])

    @replicated
    def forward(inputs):
        found = module(inputs["images"])
        return found[_FEATURES], found["logits"]

    def run(images):
        features, logits = forward({"images": tf.constant(images, tf.float32)})
        return features.numpy(), logits.numpy()

    return Network(run, (SIZE, SIZE, 3), downloads.tree_digest(folder), bias)


def _only_vector(traced, size: int) -> np.ndarray | None:
    """The only vector of `size` numbers among variables or else constants: the last bias."""
    variables = [each.numpy() for each in traced.graph.variables if each.shape == [size]]
    graph = traced.graph.as_graph_def()
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    constants = [_constant(node) for node in nodes if node.op == "Const"]
    constants = [each for each in constants if each.shape == (size,) and each.dtype == np.float32]
    found = variables or constants
    return found[0] if len(found) == 1 else None


# --- The frozen graph ------------------------------------------------------------------------


def frozen_graph(path: pathlib.Path, trusted: bool) -> Network:
    """A frozen graph from "Mul" to "pool_3", and the matrix and bias of its logits.

    The logits are made from the features, since the graph of 2015 makes them for one image only.
    """
    if not path.is_file():
        raise UserError(f"{path} is no file: put the Inception network there, or set its path")
    programs.require(path, "a frozen graph", trusted)
    graph_def = tf.compat.v1.GraphDef()
    try:
        graph_def.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf's own kinds of error differ with its implementation
        raise UserError(f"{path} is no frozen graph: get it anew") from error
    nodes = {node.name: node for node in graph_def.node}
    logits = next((name for name in _LOGITS if name in nodes), None)
    if logits is None or not {_INPUT, _FEATURES} <= nodes.keys():
        raise UserError(
            f"{path} is not the Inception graph of 2015-12-05: it lacks"
            f" {_INPUT}, {_FEATURES} or {' and '.join(_LOGITS)}"
        )
    matrix, bias = _last_layer(nodes, logits, path)
    pooled = _between(graph_def, nodes)

    def run(images):
        features = pooled(images).reshape(len(images), -1)
        return features, features @ matrix + bias

    return Network(run, (SIZE, SIZE, 3), downloads.digest(path), bias)


def _between(graph_def, nodes):
    """The part from "Mul" to "pool_3" as a function, in a session: its ops are of 2015."""
    wanted, queue = set(), [_FEATURES]
    while queue:
        name = queue.pop()
        if name in wanted or name == _INPUT:
            continue
        wanted.add(name)
        queue.extend(_source(each) for each in nodes[name].input)
    part = tf.compat.v1.GraphDef(versions=graph_def.versions)
    for node in graph_def.node:
        if node.name in wanted:
            part.node.add().CopyFrom(node)
            part.node[-1].attr.pop("_output_shapes", None)  # they are of one image
    graph = tf.Graph()
    with graph.as_default():
        images = tf.compat.v1.placeholder(tf.float32, [None, SIZE, SIZE, 3])
        (pooled,) = tf.graph_util.import_graph_def(
            part, {f"{_INPUT}:0": images}, [f"{_FEATURES}:0"], name=""
        )
    session = tf.compat.v1.Session(graph=graph)
    return lambda batch: session.run(pooled, {images: batch})


def _last_layer(nodes, name: str, path) -> tuple[np.ndarray, np.ndarray]:
    """(matrix [d, K], bias [K]) of the logits, found by walking back from them."""
    bias = np.zeros([], np.float32)
    constant = functools.partial(_found_constant, nodes)
    while nodes[name].op != "MatMul":
        node = nodes[name]
        if node.op in _ADDS_BIAS:
            bias = constant(node.input[1])
        elif node.op not in _PASSES_ON:
            raise UserError(f"{path}: its logits are made by {node.op}, not by one linear layer")
        name = _source(node.input[0])
    matrix = constant(nodes[name].input[1])
    if matrix is None or bias is None:
        raise UserError(f"{path}: the last layer's weights are no constants, it is not frozen")
    return matrix, np.broadcast_to(bias, [matrix.shape[1]])


def _found_constant(nodes, name: str) -> np.ndarray | None:
    node = nodes[_source(name)]
    while node.op == "Identity":
        node = nodes[_source(node.input[0])]
    return _constant(node) if node.op == "Const" else None


def _constant(node) -> np.ndarray:
    return tf.make_ndarray(node.attr["value"].tensor)


def _source(name: str) -> str:
    """The node of a tensor or control input, such as "^a" or "a:1"."""
    return name.removeprefix("^").split(":")[0]
