"""Feature extractors of keras.applications, trained on photographs: InceptionV3 and ResNet50."""

import os
import pathlib
import warnings

import gin
import keras

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.metrics import downloads, model_files
from compare_gan_tf.metrics.extractors import NetworkFeatures
from compare_gan_tf.metrics.model_files import Network, Outlets
from compare_gan_tf.metrics.resize import Resize, Rule, antialiased_bicubic
from compare_gan_tf.metrics.scalings import caffe_scaling, symmetric_scaling
from compare_gan_tf.settings.signatures import Count, checked

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
# The weights and MD5 sums that keras.applications names.
INCEPTION_V3 = downloads.Remote(
    name="inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
    url=f"{_KERAS}/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
    algorithm="md5",
    checksum="9a0d58056eeedaa3f26cb7ebd46da564",
)
RESNET50 = downloads.Remote(
    name="resnet50_weights_tf_dim_ordering_tf_kernels.h5",
    url=f"{_KERAS}/resnet/resnet50_weights_tf_dim_ordering_tf_kernels.h5",
    algorithm="md5",
    checksum="2cb95161c43110f7111970584f804107",
)


# --- Where weights lie -----------------------------------------------------------------------


def weights_path(remote: downloads.Remote) -> pathlib.Path:
    """Where `downloads.fetch` puts a file of weights, and looks for it."""
    return downloads.cache_folder() / remote.name


def weights_here(remote: downloads.Remote) -> pathlib.Path | None:
    """The file of weights if this machine has it, in our cache or in Keras'; else None."""
    keras_home = pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    for path in (weights_path(remote), keras_home / "models" / remote.name):
        if path.is_file() and downloads.is_intact(path, remote):
            return path
    return None


# --- keras.applications ----------------------------------------------------------------------


@gin.configurable(module="features")
@checked
def keras_inception_v3(
    path: str | os.PathLike | None = None,
    *,
    size: Count = 299,
    rule: Rule = antialiased_bicubic,
    quantise: bool = False,
) -> NetworkFeatures:
    """Keras' InceptionV3 of ImageNet: 2,048 features of its last pooling, 1,000 logits.

    It is not the Inception network of FID, which is `inception_2015`: scores carry its own name.

    Args:
      path: a file of its weights, with the top layer; None downloads Keras' own.
      size: side in pixels that images are resized to.
      rule: see `resize`.
      quantise: rounds resized images to 8 bits.
    """
    network = _keras_application(keras.applications.InceptionV3, path, INCEPTION_V3, size)
    resize = Resize(size=size, rule=rule, quantise=quantise)
    return NetworkFeatures("keras-inception-v3", network, resize, symmetric_scaling())


@gin.configurable(module="features")
@checked
def keras_resnet50(
    path: str | os.PathLike | None = None,
    *,
    size: Count = 224,
    rule: Rule = antialiased_bicubic,
    quantise: bool = False,
) -> NetworkFeatures:
    """Keras' ResNet50 of ImageNet: 2,048 features of its last pooling, 1,000 logits.

    Args:
      path: a file of its weights, with the top layer; None downloads Keras' own.
      size: side in pixels that images are resized to; below 224 it is faster and less exact.
      rule: see `resize`.
      quantise: rounds resized images to 8 bits.
    """
    network = _keras_application(keras.applications.ResNet50, path, RESNET50, size)
    resize = Resize(size=size, rule=rule, quantise=quantise)
    return NetworkFeatures("keras-resnet50", network, resize, caffe_scaling())


def _keras_application(build, path, remote: downloads.Remote, size: int) -> Network:
    """An application with the weights of a file, cut at its last pooling and its logits."""
    if path is None:
        path = downloads.fetch(remote)
    path = pathlib.Path(path).expanduser()
    if not path.is_file():
        raise UserError(f"there are no weights at {path}: put {remote.facts} there")
    try:
        model = build(weights=None, input_shape=(size, size, 3), classifier_activation=None)
        with warnings.catch_warnings():  # of layers that would keep their random weights
            warnings.filterwarnings("error", message="Skipping")
            model.load_weights(path)
    except (OSError, ValueError, UserWarning) as error:
        raise UserError(
            f"{path} are not weights of {build.__name__} for images of {size} pixels:"
            f" {first_line(error)[:200]}"
        ) from error
    outlets = Outlets(features="avg_pool", logits="predictions")
    return model_files.keras_network(model, outlets, str(path), downloads.digest(path))
