import hashlib
import tarfile

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import downloads, inception, resize, scalings

pytestmark = pytest.mark.usefixtures("trusting")

CHANNELS, CLASSES, EPSILON = 6, 11, 1e-3
RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=[3, 3, 3, CHANNELS]).astype(np.float32)
MATRIX = RNG.normal(size=[CHANNELS, CLASSES]).astype(np.float32)
BIAS = RNG.normal(size=CLASSES).astype(np.float32)
NORM = {
    "mean": RNG.normal(size=CHANNELS).astype(np.float32),
    "variance": RNG.uniform(1, 2, CHANNELS).astype(np.float32),
    "beta": RNG.normal(size=CHANNELS).astype(np.float32),
    "gamma": RNG.normal(size=CHANNELS).astype(np.float32),
}


def reference(images):
    """(features, logits) of uint8 images in numpy, from the definition of the small graph."""
    x = resize.Resize(size=299, rule=resize.tf1_bilinear)(images)
    x = (x.astype(np.float64) - 128.0) / 128.0
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::16, ::16]
    x = np.einsum("nhwcij,ijco->nhwo", windows, KERNEL)
    x = (x - NORM["mean"]) / np.sqrt(NORM["variance"] + EPSILON) * NORM["gamma"] + NORM["beta"]
    features = np.maximum(x, 0.0).mean(axis=(1, 2))
    return features, features @ MATRIX + BIAS


def write_frozen(path, logits="softmax/logits", keep=lambda name: True):
    """A frozen graph as that of 2015: names, an op that is gone, and shapes of one image."""
    graph = tf.Graph()
    with graph.as_default():
        jpeg = tf.compat.v1.placeholder(tf.string, [], name="DecodeJpeg/contents")
        x = tf.cast(tf.io.decode_jpeg(jpeg, channels=3), tf.float32)[None]
        x = tf.compat.v1.image.resize_bilinear(x, [299, 299], name="ResizeBilinear")
        x = tf.multiply(tf.subtract(x, 128.0, name="Sub"), 1 / 128.0, name="Mul")
        x = tf.nn.conv2d(x, KERNEL, strides=16, padding="VALID", name="conv")
        x = tf.nn.relu(x, name="relu")
        x = tf.nn.avg_pool2d(x, x.shape[1], 1, "VALID", name="pool_3")
        x = tf.reshape(x, [1, CHANNELS], name="pool_3/_reshape")
        x = tf.matmul(x, tf.constant(MATRIX, name="softmax/weights"), name=f"{logits}/MatMul")
        tf.nn.bias_add(x, tf.constant(BIAS, name="softmax/biases"), name=logits)
    graph_def = graph.as_graph_def(add_shapes=True)
    for name, values in NORM.items():
        node = graph_def.node.add(name=f"norm/{name}", op="Const")
        node.attr["dtype"].type = tf.float32.as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values))
    norm = graph_def.node.add(name="norm", op="BatchNormWithGlobalNormalization")
    norm.input.extend(["conv", *(f"norm/{name}" for name in NORM)])
    norm.attr["T"].type = tf.float32.as_datatype_enum
    norm.attr["variance_epsilon"].f = EPSILON
    norm.attr["scale_after_normalization"].b = True
    next(node for node in graph_def.node if node.name == "relu").input[0] = "norm"
    graph_def.versions.producer = 8
    kept = tf.compat.v1.GraphDef(versions=graph_def.versions)
    kept.node.extend(node for node in graph_def.node if keep(node.name))
    path.write_bytes(kept.SerializeToString())


class HubModule(tf.Module):
    """As the module of TF Hub: images in, a dictionary out."""

    def __init__(self):
        super().__init__()
        self.kernel, self.matrix = tf.Variable(KERNEL), tf.Variable(MATRIX)
        self.bias = tf.Variable(BIAS)

    @tf.function(input_signature=[tf.TensorSpec([None, 299, 299, 3], tf.float32)])
    def __call__(self, images):
        x = tf.nn.conv2d(images, self.kernel, strides=16, padding="VALID")
        x = (x - NORM["mean"]) * tf.math.rsqrt(NORM["variance"] + EPSILON)
        x = tf.nn.relu(x * NORM["gamma"] + NORM["beta"])
        pooled = tf.reduce_mean(x, [1, 2], keepdims=True)
        return {"pool_3": pooled, "logits": pooled[:, 0, 0] @ self.matrix + self.bias}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inception")
    write_frozen(folder / "classify_image_graph_def.pb")
    write_frozen(folder / "inceptionv1_for_inception_score.pb", logits="logits")
    tf.saved_model.save(HubModule(), str(folder / "module"))
    return folder


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, [3, 32, 32, 3], np.uint8)


@pytest.mark.parametrize(
    "name", ["classify_image_graph_def.pb", "inceptionv1_for_inception_score.pb", "module"]
)
def test_features_logits_and_bias_are_those_of_the_graph(folder, images, name):
    extractor = inception.inception_2015(folder / name)
    found = extractor(images)
    features, logits = reference(images)
    np.testing.assert_allclose(found.features, features, atol=1e-5)
    np.testing.assert_allclose(found.logits, logits, atol=1e-5)
    np.testing.assert_array_equal(extractor.logit_bias, BIAS)
    one = extractor(images[:1])
    np.testing.assert_allclose(one.features, found.features[:1], atol=1e-5)


def test_its_protocol(folder):
    path = folder / "classify_image_graph_def.pb"
    extractor = inception.inception_2015(path)
    assert extractor.name == "inception-2015"
    assert extractor.resize == "tf1_bilinear-299"
    assert extractor.scaling == "(x-128)/128"
    assert extractor.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    clean = inception.inception_2015(path, rule=resize.antialiased_bicubic)
    assert clean.resize == "antialiased_bicubic-299"
    studio = inception.inception_2015(path, scaling=scalings.symmetric_scaling())
    assert studio.scaling == "(x-127.5)/127.5"


def test_what_is_not_this_network_is_one_clear_line(folder, tmp_path):
    with pytest.raises(UserError, match="there is no Inception network at"):
        inception.inception_2015(tmp_path / "none.pb")
    (tmp_path / "bad.pb").write_bytes(b"\xff\xff\xff")
    with pytest.raises(UserError, match="bad.pb is no frozen graph"):
        inception.inception_2015(tmp_path / "bad.pb")
    write_frozen(tmp_path / "cut.pb", keep=lambda name: not name.startswith("softmax/logits"))
    with pytest.raises(UserError, match="cut.pb is not the Inception graph.*lacks"):
        inception.inception_2015(tmp_path / "cut.pb")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="there is no .*empty/saved_model.pb"):
        inception.inception_2015(tmp_path / "empty")
    tf.saved_model.save(tf.Module(), str(tmp_path / "mute"))
    with pytest.raises(UserError, match="mute is a module that cannot be called"):
        inception.inception_2015(tmp_path / "mute")


def test_without_a_path_it_is_downloaded_and_unpacked(folder, images, tmp_path, monkeypatch):
    archive = tmp_path / "archive.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder / "module", arcname=".")
    monkeypatch.setenv(downloads.CACHE, str(tmp_path / "cache"))
    remote = downloads.Remote(name=inception.HUB_MODULE.name, url=archive.as_uri())
    monkeypatch.setattr(inception, "HUB_MODULE", remote)
    extractor = inception.inception_2015()
    archive.unlink()
    again = inception.inception_2015()
    assert extractor.weights_sha256 == again.weights_sha256
    assert extractor(images[:2]).features.shape == (2, CHANNELS)


def test_without_a_network_the_message_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv(downloads.CACHE, str(tmp_path))
    url = inception.HUB_MODULE.url.replace("https://tfhub.dev", "http://127.0.0.1:1")
    remote = downloads.Remote(name=inception.HUB_MODULE.name, url=url)
    monkeypatch.setattr(inception, "HUB_MODULE", remote)
    expected = f"cannot download http.*inception/1.*put it here as {tmp_path}/.*tar.gz"
    with pytest.raises(UserError, match=expected):
        inception.inception_2015()
