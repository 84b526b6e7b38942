r"""Makes the files of the networks for features, for the extractors of compare_gan_tf.metrics.

  python experiments/feature_networks.py                          # lists them
  python experiments/feature_networks.py dinov2_vitl14 clip_vitb32
  python experiments/feature_networks.py all --output=/data/networks

It downloads the published weights, writes NAME.onnx, compares its features with those of the
network in torch, and prints the SHA-256 of the file. Run it where there is a network, with
`pip install torch torchvision transformers onnxscript 'compare_gan_tf[onnx]'`. Without a network,
--weights names the file or folder of the weights of one network, downloaded elsewhere:

  dinov2_*, clip_*   the folder of the model on Hugging Face, with config.json and its weights
  swav_resnet50      swav_800ep_pretrain.pth.tar

Extractors look into the cache, where the files go without --output; then

  compare-gan evaluate --model_dir=runs/mine --extractor=dinov2_vitl14 \
      --gin_bindings='dinov2_vitl14.sha256 = "<what was printed>"'

`inception_2015` is a frozen graph, which is downloaded as it is.
"""

import argparse
import contextlib
import pathlib
import sys
from collections.abc import Callable
from typing import NamedTuple

with contextlib.suppress(ImportError):
    import torch._dynamo  # noqa: F401  before TensorFlow: the other way round the process aborts

import numpy as np

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import downloads, inception, model_files
from compare_gan_tf.metrics.model_files import Outlets

OFFSET = 0.1  # of DINOv2's interpolation, in patches
TOLERANCE = 1e-4  # of features, relative to the largest
NEEDED = "pip install torch torchvision transformers onnxscript 'compare_gan_tf[onnx]'"


class Source(NamedTuple):
    """Where a network comes from.

    Attributes:
      load: function (weights) -> the network in torch, from images [n, 3, size, size] to features.
      weights: where they are published, for `load`.
      size: side of the images in pixels.
      output: name of the output.
    """

    load: Callable
    weights: str
    size: int
    output: str


def load_dinov2(weights: str):
    """DINOv2's normalised class token."""
    import transformers

    return class_token(transformers.Dinov2Model.from_pretrained(weights), 224)


def class_token(model, size: int):
    """The class token of a Dinov2Model, with its position embedding for images of one size.

    The weights are for 518 pixels, and transformers interpolates them in another way than DINOv2's
    code, by which scores have become known.
    """
    import torch

    side = size // model.config.patch_size
    positions = model.embeddings.position_embeddings.data
    model.embeddings.position_embeddings = torch.nn.Parameter(interpolated(positions, side))
    model.config.image_size = size
    model.embeddings.config.image_size = size
    return _outputs(model, "pooler_output")


def interpolated(positions, side: int):
    """The position embedding [1, 1 + m m, d] for side x side patches, as in DINOv2's code.

    The factor of the bicubic interpolation is (side + 0.1) / m, if side and m differ.
    """
    import torch

    start, patches = positions[:, :1], positions[:, 1:]
    old = round(patches.shape[1] ** 0.5)
    if old == side:
        return positions
    grid = patches.reshape(1, old, old, -1).permute(0, 3, 1, 2).float()
    factor = (side + OFFSET) / old
    grid = torch.nn.functional.interpolate(grid, scale_factor=(factor, factor), mode="bicubic")
    if grid.shape[-2:] != (side, side):
        raise UserError(f"{old} x {old} patches became {tuple(grid.shape[-2:])}, not {side} each")
    return torch.cat([start, grid.permute(0, 2, 3, 1).reshape(1, side * side, -1)], 1)


def load_clip(weights: str):
    """CLIP's projected image embedding."""
    import transformers

    model = transformers.CLIPVisionModelWithProjection.from_pretrained(weights)
    return _outputs(model, "image_embeds")


def load_swav(weights: str):
    """SwAV's ResNet50 up to its last pooling."""
    import torch

    if "://" in weights:
        state = torch.hub.load_state_dict_from_url(weights, map_location="cpu")
    else:
        state = torch.load(weights, map_location="cpu", weights_only=True)
    return swav_trunk(state)


def swav_trunk(state: dict):
    """torchvision's ResNet50 without its last layer, of the weights of SwAV, by their names."""
    import torch
    import torchvision

    model = torchvision.models.resnet50(weights=None)
    model.fc = torch.nn.Identity()
    trunk = {name.removeprefix("module."): value for name, value in state.items()}
    heads = ("projection_head.", "prototypes.")
    model.load_state_dict({n: v for n, v in trunk.items() if not n.startswith(heads)})
    return model


def _outputs(model, name: str):
    """A network that gives one of the outputs of a model of transformers."""
    import torch

    class Output(torch.nn.Module):
        def __init__(self, whole):
            super().__init__()
            self.whole = whole

        def forward(self, images):
            return getattr(self.whole(images), name)

    return Output(model)


SWAV = "https://dl.fbaipublicfiles.com/deepcluster/swav_800ep_pretrain.pth.tar"
SOURCES = {
    "dinov2_vits14": Source(load_dinov2, "facebook/dinov2-small", 224, "pooler_output"),
    "dinov2_vitb14": Source(load_dinov2, "facebook/dinov2-base", 224, "pooler_output"),
    "dinov2_vitl14": Source(load_dinov2, "facebook/dinov2-large", 224, "pooler_output"),
    "clip_vitb32": Source(load_clip, "openai/clip-vit-base-patch32", 224, "image_embeds"),
    "clip_vitl14_336": Source(load_clip, "openai/clip-vit-large-patch14-336", 336, "image_embeds"),
    "swav_resnet50": Source(load_swav, SWAV, 224, "pooler_output"),
}
INCEPTION = "inception_2015"


def write(model, path: pathlib.Path, size: int, output: str) -> str:
    """Writes a network in torch as ONNX, for any number of images; returns the file's SHA-256.

    Raises:
      UserError: the file gives other features than the network.
    """
    import torch

    model = model.eval()
    images = torch.from_numpy(_images(2, size))
    number = torch.export.Dim("n", min=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{path.name}")
    torch.onnx.export(
        model,
        (images,),
        partial,
        input_names=["images"],
        output_names=[output],
        dynamic_shapes=({0: number},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    check(model, partial, size)
    partial.replace(path)
    return downloads.digest(path)


def check(model, path: pathlib.Path, size: int) -> float:
    """The largest difference of features between a network in torch and its file.

    Relative to the largest feature, of three images.

    Raises:
      UserError: it is above 1e-4.
    """
    import torch

    images = _images(3, size)
    with torch.no_grad():
        expected = model(torch.from_numpy(images)).numpy()
    network = model_files.open_model(path, Outlets())
    found, _ = network.forward(images.transpose(0, 2, 3, 1))
    difference = float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))
    if not difference <= TOLERANCE:
        raise UserError(f"{path} differs from the network by {difference:.2g} of its features")
    return difference


def _images(number: int, size: int) -> np.ndarray:
    """Normal noise, float32 [number, 3, size, size]."""
    return np.random.default_rng(number).normal(size=[number, 3, size, size]).astype(np.float32)


def make(name: str, folder: pathlib.Path, weights: str | None) -> str:
    """Makes the file of one network; returns its path and SHA-256, as sha256sum writes them."""
    if name == INCEPTION:
        path = downloads.fetch(inception.HUB_MODULE)
        return f"{downloads.digest(path)}  {path}"
    source, path = SOURCES[name], folder / f"{name}.onnx"
    try:
        import torch  # noqa: F401

        model = source.load(weights or source.weights)
    except ImportError as error:
        raise UserError(f"{name} needs {error.name}: {NEEDED}") from error
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"cannot read the weights of {name}: {reason}") from error
    return f"{write(model, path, source.size, source.output)}  {path}"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", help="names of networks, or all; without, a list")
    parser.add_argument("--output", type=pathlib.Path, default=downloads.cache_folder())
    parser.add_argument("--weights", help="file or folder of the weights of one network")
    options = parser.parse_args(arguments)
    known = [*SOURCES, INCEPTION]
    unknown = [name for name in options.networks if name not in (*known, "all")]
    if unknown:
        parser.error(f"there is no network {unknown[0]!r}: the networks are {', '.join(known)}")
    if "all" in options.networks:
        options.networks = known
    if options.weights and (len(options.networks) != 1 or INCEPTION in options.networks):
        parser.error("--weights are those of one network of torch: name that one")
    return options


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    if not options.networks:
        for name, source in SOURCES.items():
            there = "there" if (options.output / f"{name}.onnx").exists() else "not there yet"
            print(f"{name:18}{source.weights:60} {there}")
        print(f"{INCEPTION:18}{inception.HUB_MODULE.url}")
    try:
        for name in options.networks:
            print(make(name, options.output, options.weights), flush=True)
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
