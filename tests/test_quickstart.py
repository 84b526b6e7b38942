"""What `make quickstart` and docs/python.md promise: the commands, the module, the Python."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import data
from compare_gan_tf.metrics.features import digits_classifier

NUM = 2_000
PYTHON = pathlib.Path(__file__).parents[1] / "docs" / "python.md"


def verb(name, *flags):
    command = [sys.executable, "-m", "compare_gan_tf.bin.main", name, *flags]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """uint8 [NUM, 8, 8, 1] from the exported module of a whole quickstart."""
    folder = tmp_path_factory.mktemp("quickstart")
    verb("train", "--gin_config=quickstart.gin", f"--model_dir={folder}")
    for name in ("evaluate", "export", "report"):
        verb(name, f"--model_dir={folder}")
    assert (folder / "report" / "index.html").exists()
    scores = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    best = json.loads((folder / "checkpoints" / "best" / "best.json").read_text())["step"]
    (fid,) = (r["value"] for r in scores if r["step"] == best and r["split"] == "test")
    assert fid < 8.0
    module = tf.saved_model.load(str(folder / "hub" / str(best) / "generator"))
    samples = module.sample(NUM, [2, 3], 0.0)
    return np.floor(samples.numpy() * 255 + 0.5).astype(np.uint8)


@pytest.mark.slow
def test_every_class_has_its_share(images):
    classes = np.argmax(digits_classifier().classify(images), axis=1)
    assert np.bincount(classes, minlength=10).min() >= 0.03 * NUM


@pytest.mark.slow
def test_nine_of_ten_samples_are_recognised(images):
    confidence = np.max(digits_classifier().classify(images), axis=1)
    assert np.mean(confidence > 0.9) >= 0.9


@pytest.mark.slow
def test_no_sample_is_a_training_image(images):
    train = data.load("digits").splits["train"].images.reshape(-1, 64).astype(int)
    flat = images.reshape(-1, 64).astype(int)
    nearest = min(np.abs(train - sample).max(axis=1).min() for sample in flat)
    assert nearest > 4  # in levels of 255, at the pixel that differs most


def block_with(call):
    """The one block of docs/python.md that has it."""
    blocks = PYTHON.read_text().split("```python\n")[1:]
    (block,) = [code for code in (text.split("```")[0] for text in blocks) if call in code]
    return block


def test_the_keras_of_the_documentation_fits(tmp_path):
    """In words of Keras alone; 28 whole batches of 64 in each of two epochs."""
    found = {}
    exec(block_with("gan.fit("), found)
    assert found["gan"].current_step == 2 * (1797 // 64)
    assert np.ptp(found["generator"](np.ones((2, 32))), axis=None) > 0.1


@pytest.mark.slow
def test_the_python_of_the_documentation_trains_scores_and_exports(tmp_path):
    """The only block that trains; its FID is far below the 274 of a G that is not trained."""
    block = block_with("train(")
    run = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    (fid,) = [line.split()[1] for line in run.stdout.splitlines() if line.startswith("fid ")]
    assert float(fid) < 15.0
    assert tf.saved_model.load(str(tmp_path / "runs/python/hub/2000/generator"))
