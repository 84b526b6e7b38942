"""Feature extractors by encoders of others, in ONNX or as SavedModel: DINOv2, CLIP, SwAV.

Each has the preprocessing of its authors, or of the code that made its scores known.
experiments/feature_networks.py makes the files of the published weights, and prints the SHA-256
that an encoder can be told to ask for.
"""

import os
import pathlib
import re
from typing import Annotated

import gin

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import downloads, model_files
from compare_gan_tf.metrics.extractors import NetworkFeatures
from compare_gan_tf.metrics.model_files import Network, Outlets
from compare_gan_tf.metrics.resize import Resize, antialiased_bicubic, antialiased_bilinear
from compare_gan_tf.metrics.scalings import clip_scaling, imagenet_scaling
from compare_gan_tf.settings.signatures import Count, Rule, checked


def _require_digest(name: str, value) -> None:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise UserError(f"{name} is {value!r}: it must be a SHA-256, 64 of the digits 0-9 and a-f")


Sha256 = Annotated[str, Rule(_require_digest)]


@gin.configurable(module="features", denylist=["trust"])
@checked
def dinov2_vitl14(
    path: str | os.PathLike | None = None,
    *,
    size: Count = 224,
    quantise: bool = True,
    features: str | None = None,
    sha256: Sha256 | None = None,
    trust: bool = False,
) -> NetworkFeatures:
    """DINOv2 ViT-L/14, whose Fréchet distance follows human eyes better than Inception's.

    Stein et al., Exposing Flaws of Generative Model Evaluation Metrics, 2023 (FD-DINOv2). The
    resize is that of their code: Pillow's antialiased bicubic, 8 bits.

    Args:
      path: its ONNX file, or the folder of its SavedModel; None for dinov2_vitl14.onnx in the
        cache. The features are the normalised class token, 1,024 numbers.
      size: side in pixels that images are resized to, a multiple of 14.
      quantise: False keeps floats, unclipped, as the code of EDM2 does by default.
      features: name of the output; None for the only one, or pooler_output. Of an output of all
        tokens [n, tokens, 1024] the first is taken, the class token.
      sha256: of the file, or `downloads.tree_digest` of the folder; another one is refused. None
        for any.
      trust: see `extractors.model_file`.
    """
    return _dinov2("L", path, size, quantise, features, sha256, trust)


@gin.configurable(module="features", denylist=["trust"])
@checked
def dinov2_vitb14(
    path: str | os.PathLike | None = None,
    *,
    size: Count = 224,
    quantise: bool = True,
    features: str | None = None,
    sha256: Sha256 | None = None,
    trust: bool = False,
) -> NetworkFeatures:
    """DINOv2 ViT-B/14: 768 numbers for each image, else as `dinov2_vitl14`.

    Args:
      path: its ONNX file, or the folder of its SavedModel; None for dinov2_vitb14.onnx in the
        cache.
      size: side in pixels that images are resized to, a multiple of 14.
      quantise: False keeps floats, unclipped.
      features: name of the output, see `dinov2_vitl14`.
      sha256: see `dinov2_vitl14`.
      trust: see `extractors.model_file`.
    """
    return _dinov2("B", path, size, quantise, features, sha256, trust)


@gin.configurable(module="features", denylist=["trust"])
@checked
def dinov2_vits14(
    path: str | os.PathLike | None = None,
    *,
    size: Count = 224,
    quantise: bool = True,
    features: str | None = None,
    sha256: Sha256 | None = None,
    trust: bool = False,
) -> NetworkFeatures:
    """DINOv2 ViT-S/14: 384 numbers for each image, else as `dinov2_vitl14`.

    Args:
      path: its ONNX file, or the folder of its SavedModel; None for dinov2_vits14.onnx in the
        cache.
      size: side in pixels that images are resized to, a multiple of 14.
      quantise: False keeps floats, unclipped.
      features: name of the output, see `dinov2_vitl14`.
      sha256: see `dinov2_vitl14`.
      trust: see `extractors.model_file`.
    """
    return _dinov2("S", path, size, quantise, features, sha256, trust)


def _dinov2(width: str, path, size, quantise, features, sha256, trust) -> NetworkFeatures:
    """DINOv2 of a width, S, B or L."""
    name = f"dinov2-vit{width.lower()}14"
    outlets = Outlets(features, usual=("pooler_output", "x_norm_clstoken", "last_hidden_state"))
    file_name = f"{name.replace('-', '_')}.onnx"
    network = _encoder(f"DINOv2 ViT-{width}/14", path, file_name, outlets, sha256, trust)
    resize = Resize(size=size, rule=antialiased_bicubic, clip=quantise, quantise=quantise)
    return NetworkFeatures(name, network, resize, imagenet_scaling())


@gin.configurable(module="features", denylist=["trust"])
@checked
def clip_vitb32(
    path: str | os.PathLike | None = None,
    *,
    size: Count = 224,
    quantise: bool = True,
    features: str | None = None,
    name: str = "clip-vitb32",
    sha256: Sha256 | None = None,
    trust: bool = False,
) -> NetworkFeatures:
    """CLIP's image encoder, ViT-B/32 for the CLIP-FID of clean-fid.

    Radford et al., Learning Transferable Visual Models from Natural Language Supervision, 2021;
    Kynkäänniemi et al., The Role of ImageNet Classes in Fréchet Inception Distance, 2023. The
    shorter side is resized by Pillow's antialiased bicubic, 8 bits, and the middle is taken.

    Args:
      path: its ONNX file, or the folder of its SavedModel; None for clip_vitb32.onnx in the cache.
        The features are the output of the visual projection.
      size: side in pixels.
      quantise: False keeps floats.
      features: name of the output; None for the only one, or image_embeds.
      name: for the protocol; change it with the architecture.
      sha256: see `dinov2_vitl14`.
      trust: see `extractors.model_file`.
    """
    network = _clip("CLIP ViT-B/32", path, "clip_vitb32.onnx", features, sha256, trust)
    return NetworkFeatures(name, network, _clip_resize(size, quantise), clip_scaling())


@gin.configurable(module="features", denylist=["trust"])
@checked
def clip_vitl14_336(
    path: str | os.PathLike | None = None,
    *,
    size: Count = 336,
    quantise: bool = True,
    features: str | None = None,
    sha256: Sha256 | None = None,
    trust: bool = False,
) -> NetworkFeatures:
    """CLIP's image encoder ViT-L/14 of 336 pixels: the 768 features of CMMD.

    Jayasumana et al., Rethinking FID: Towards a Better Evaluation Metric for Image Generation,
    2024. The resize is that of `clip_vitb32`, at 336 pixels.

    Args:
      path: its ONNX file, or the folder of its SavedModel; None for clip_vitl14_336.onnx in the
        cache. The features are the output of the visual projection.
      size: side in pixels.
      quantise: False keeps floats.
      features: name of the output; None for the only one, or image_embeds.
      sha256: see `dinov2_vitl14`.
      trust: see `extractors.model_file`.
    """
    network = _clip("CLIP ViT-L/14@336", path, "clip_vitl14_336.onnx", features, sha256, trust)
    resize = _clip_resize(size, quantise)
    return NetworkFeatures("clip-vitl14-336", network, resize, clip_scaling())


def _clip(what: str, path, file_name: str, features: str | None, sha256, trust) -> Network:
    outlets = Outlets(features, usual=("image_embeds", "image_features"))
    return _encoder(what, path, file_name, outlets, sha256, trust)


def _clip_resize(size: int, quantise: bool) -> Resize:
    return Resize(size=size, rule=antialiased_bicubic, crop=True, quantise=quantise)


@gin.configurable(module="features", denylist=["trust"])
@checked
def swav_resnet50(
    path: str | os.PathLike | None = None,
    *,
    size: Count = 224,
    quantise: bool = True,
    features: str | None = None,
    sha256: Sha256 | None = None,
    trust: bool = False,
) -> NetworkFeatures:
    """SwAV's ResNet50, trained on ImageNet without labels: the 2,048 features of its last pooling.

    Morozov et al., On Self-Supervised Image Representations for GAN Evaluation, 2021. The shorter
    side is resized by Pillow's antialiased bilinear, 8 bits, and the middle is taken.

    Args:
      path: its ONNX file, or the folder of its SavedModel; None for swav_resnet50.onnx in the
        cache. The features are those before the projection head.
      size: side in pixels.
      quantise: False keeps floats.
      features: name of the output; None for the only one, or pooler_output.
      sha256: see `dinov2_vitl14`.
      trust: see `extractors.model_file`.
    """
    outlets = Outlets(features, usual=("pooler_output",))
    network = _encoder("SwAV ResNet50", path, "swav_resnet50.onnx", outlets, sha256, trust)
    resize = Resize(size=size, rule=antialiased_bilinear, crop=True, quantise=quantise)
    return NetworkFeatures("swav-resnet50", network, resize, imagenet_scaling())


def _encoder(
    what: str, path, file_name: str, outlets: Outlets, sha256: str | None, trust: bool
) -> Network:
    """A network of tokens or of one vector, from a path or from the cache."""
    trust = trust or path is None  # nobody but the user fills the cache
    path = pathlib.Path(path or downloads.cache_folder() / file_name).expanduser()
    if not path.exists():
        raise UserError(
            f"there is no {what} at {path}: make it by experiments/feature_networks.py, or export"
            " its image encoder to ONNX or as a SavedModel, and put it there, or set its path"
        )
    network = model_files.open_model(path, outlets, trust)
    if sha256 not in (None, network.weights_sha256):
        raise UserError(
            f"{path} has the SHA-256 {network.weights_sha256}, not {sha256}: it is not the {what}"
            " that sha256 asks for; put that one there, or leave sha256 out"
        )
    return network._replace(forward=lambda images: (_first_token(network.forward(images)[0]), None))


def _first_token(features):
    return features[:, 0] if features.ndim == 3 else features
