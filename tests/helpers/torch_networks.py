"""Networks of torch with random weights: their files give torch's features to the extractors.

  python tests/helpers/torch_networks.py CASE FOLDER

A case runs in a process of its own, because torch must be imported before TensorFlow.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "experiments"))

import feature_networks as script  # imports torch first
import numpy as np
import torch
import torchvision
import transformers

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import downloads, encoders, scalings

IMAGES = np.random.default_rng(0).integers(0, 256, [5, 32, 32, 3], np.uint8)


def require_equal(model, extractor, images, scaling):
    inputs = scaling(images.astype(np.float32)).transpose(0, 3, 1, 2)
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(inputs.copy())).numpy()
    np.testing.assert_allclose(extractor(images).features, expected, rtol=1e-4, atol=1e-4)
    assert np.std(expected) > 0.01


def dinov2(folder):
    config = transformers.Dinov2Config(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=56
    )
    model = script.class_token(transformers.Dinov2Model(config), 28)
    path = folder / "dinov2_vits14.onnx"
    sha256 = script.write(model, path, 28, "pooler_output")
    extractor = encoders.dinov2_vits14(path, size=28, sha256=sha256)
    require_equal(model, extractor, IMAGES[:, :28, :28], scalings.imagenet_scaling())
    assert extractor.weights_sha256 == sha256 == downloads.digest(path)
    assert [one.name for one in folder.iterdir()] == [path.name]


def positions(folder):
    """torch's bicubic of factor f has out_i at in (i + 1/2) / f - 1/2: f = (2 + 0.1) / 4."""
    given = torch.randn(1, 17, 3)
    assert script.interpolated(given, 4) is given
    found = script.interpolated(given, 2).numpy()
    np.testing.assert_array_equal(found[:, 0], given[:, 0])

    def weights(place):  # Keys, 1981, with a = -0.75
        a, x = -0.75, np.abs(place)
        near = (a + 2) * x**3 - (a + 3) * x**2 + 1
        far = a * (x**3 - 5 * x**2 + 8 * x - 4)
        return np.where(x <= 1, near, np.where(x < 2, far, 0.0))

    rows = np.zeros([2, 4])
    for i in range(2):
        place = (i + 0.5) / ((2 + 0.1) / 4) - 0.5
        for tap in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            rows[i, np.clip(tap, 0, 3)] += weights(place - tap)
    grid = given[0, 1:].numpy().astype(float).reshape(4, 4, 3)
    expected = np.einsum("ia,jb,abd->ijd", rows, rows, grid).reshape(4, 3)
    np.testing.assert_allclose(found[0, 1:], expected, atol=1e-5)


def clip(folder):
    config = transformers.CLIPVisionConfig(
        hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        image_size=32, patch_size=8, projection_dim=12,
    )  # fmt: skip
    transformers.CLIPVisionModelWithProjection(config).save_pretrained(folder / "published")
    model = script.load_clip(str(folder / "published"))
    path = folder / "clip_vitb32.onnx"
    script.write(model, path, 32, "image_embeds")
    extractor = encoders.clip_vitb32(path, size=32)
    require_equal(model, extractor, IMAGES, scalings.clip_scaling())


def swav(folder):
    state = torchvision.models.resnet50(weights=None).state_dict()
    published = {f"module.{n}": v for n, v in state.items() if not n.startswith("fc.")}
    heads = {"module.projection_head.0.weight": torch.zeros(1), "module.prototypes.weight": None}
    torch.save(published | heads, folder / "swav.pth.tar")
    model = script.load_swav(str(folder / "swav.pth.tar"))
    script.write(model, folder / "swav_resnet50.onnx", 32, "pooler_output")
    extractor = encoders.swav_resnet50(folder / "swav_resnet50.onnx", size=32)
    assert extractor(IMAGES).features.shape == (5, 2048)
    require_equal(model, extractor, IMAGES, scalings.imagenet_scaling())


def other(folder):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 4 * 4, 5))
    script.write(model, folder / "one.onnx", 4, "features")
    assert script.check(model, folder / "one.onnx", 4) < 1e-5
    with torch.no_grad():
        model[1].bias += 0.01
    try:
        script.check(model, folder / "one.onnx", 4)
    except UserError as error:
        assert "one.onnx differs from the network by" in str(error)
    else:
        raise AssertionError("it was not found out")


def missing(folder):
    """Weights that are not there give one line."""
    try:
        script.main(["swav_resnet50", f"--weights={folder}/none", f"--output={folder}"])
    except SystemExit as error:
        assert str(error).startswith("cannot read the weights of swav_resnet50: ")
    else:
        raise AssertionError("it was not refused")
    assert not list(folder.iterdir())


if __name__ == "__main__":
    torch.manual_seed(0)
    globals()[sys.argv[1]](pathlib.Path(sys.argv[2]))
