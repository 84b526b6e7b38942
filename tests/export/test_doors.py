"""Every file of an export, opened in a process of its own, gives the images of the Keras model."""

import pathlib
import subprocess
import sys

import doors
import numpy as np
import pytest

from compare_gan_tf import export

NUM, STEP = 5, 30
DOORS = [door.__name__ for door in doors.DOORS]
FURTHER = {
    "onnx": ("tf2onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
    "safetensors": ("safetensors",),
}
# LiteRT and onnxruntime sum in another order; the others run TensorFlow's own kernels.
TOLERANCE = dict.fromkeys(DOORS, 1e-6) | {"onnx": 1e-5, "litert": 1e-5}


@pytest.fixture(scope="module", params=["unconditional", "conditional"])
def opened(request, make, tmp_path_factory):
    """(folder of an export in all formats, inputs, images in [0, 1] of the network in memory)."""
    for package in sum(FURTHER.values(), ()):
        pytest.importorskip(package)
    run, folder = make(request.param), tmp_path_factory.mktemp(request.param)
    export.export_run(run, str(folder), STEP, formats=FURTHER)
    random = np.random.default_rng(3)
    inputs = {"z": random.standard_normal((NUM, run.latents.dim)).astype(np.float32)}
    if run.num_classes:
        inputs["labels"] = np.array([0, 9, 4, 4, 1], np.int32)
    np.savez(folder / "inputs.npz", **inputs)
    images = (run.generator(inputs, training=False).numpy() + 1.0) / 2.0
    assert images.std() > 0.03  # else the comparison would say nothing
    return folder, images


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_every_door_gives_the_images_in_memory(door, opened, tmp_path):
    folder, images = opened
    paths = [folder / "hub" / str(STEP), folder / "inputs.npz", tmp_path / "outputs.npz"]
    command = [sys.executable, "-P", pathlib.Path(doors.__file__), door, *paths]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = np.load(tmp_path / "outputs.npz")["images"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, images, rtol=0, atol=TOLERANCE[door])
