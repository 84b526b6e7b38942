"""Configs, and data for them."""

import gin
import numpy as np
import pytest
from config_sets import lsun_set, public_set
from PIL import Image

from compare_gan_tf import config
from compare_gan_tf.config import configurables
from compare_gan_tf.data import lsun, tfds_reader


@pytest.fixture(scope="module")
def loaded():
    """All that a config may name."""
    configurables.load()


@pytest.fixture
def parsed(loaded):
    """Parses a config, and leaves no binding behind."""
    yield lambda name, bindings=(): config.parse([name], bindings)
    gin.clear_config()


@pytest.fixture
def no_downloads(monkeypatch, tmp_path):
    """Random images of the right shapes for public sets, and folders and a file of one's own."""
    monkeypatch.setattr(tfds_reader, "load", public_set)
    monkeypatch.setattr(lsun, "load", lsun_set)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for folder in (
        "ffhq",
        "panda",
        "pictures",
        *(f"tiny_imagenet/{part}/{n}" for part in ("train", "valid") for n in "ab"),
    ):
        (tmp_path / folder).mkdir(parents=True)
        for index in range(20):
            pixels = rng.integers(0, 256, [16, 16, 3]).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{index}.png")
    (tmp_path / "lines.txt").write_text("".join(f"line {index}\n" for index in range(60)))
