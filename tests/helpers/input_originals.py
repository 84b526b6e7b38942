"""What is right until `input_damage` has been at it: a run, its exports, networks in files."""

import io
import pathlib
import zipfile

import numpy as np
from PIL import Image
from small_config import SMALL

RUN = f"{SMALL}evaluate.num_samples = 20\n"


def picture(number: int) -> bytes:
    """A PNG of 8 x 8 pixels, another for each number."""
    pixels = np.random.default_rng(number).integers(256, size=(8, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def images() -> dict[str, bytes]:
    """{path: content} of a folder of 24 images of two classes."""
    return {f"{'ab'[i % 2]}/{i}.png": picture(i) for i in range(24)}


def archive() -> bytes:
    """The same images as a zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in images().items():
            file.writestr(name, content)
    return buffer.getvalue()


def arrays() -> bytes:
    """24 images and labels as an .npz file, of which the images are compressed."""
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    shape = 24, 8, 8, 3
    np.savez_compressed(buffer, images=rng.integers(256, size=shape, dtype=np.uint8),
                        labels=np.arange(24) % 2)  # fmt: skip
    return buffer.getvalue()


def make(folder: pathlib.Path, server) -> None:
    """Writes run/ with two checkpoints, scores and hub/, a SavedModel, and generators in ONNX."""
    import networks

    (folder / "small.gin").write_text(RUN)
    where = "--model_dir=run"
    onnx = "--formats=onnx"
    for arguments in (["train", "--gin_config=small.gin"], ["evaluate"], ["export", onnx]):
        ended = server.run(*arguments, where, cwd=folder, within=300.0)
        assert ended.code == 0, ended.err
    networks.write_onnx(folder / "network.onnx")
