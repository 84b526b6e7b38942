"""A folder of 300 mixed photographs, from pictures to an export by one command each.

The photographs are crops of those that ship with scikit-learn: many sizes, modes and formats.
"""

import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from compare_gan_tf.bin import evaluate, export, report, sample, train

pytestmark = pytest.mark.slow
NUMBER = 300
FORMS = (("RGB", "jpg"), ("P", "png"), ("RGBA", "png"), ("L", "png"), ("RGB", "bmp"))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    images = [Image.fromarray(image) for image in load_sample_images().images]
    for number in range(NUMBER):
        image = images[number % len(images)]
        width, height = (int(side) for side in rng.integers(60, 300, 2))
        left, top = rng.integers(image.width - width), rng.integers(image.height - height)
        cut = image.crop((left, top, left + width, top + height))
        mode, ending = FORMS[number % 5]
        cut.convert(mode).save(folder / f"{number:03}.{ending}")
    (folder / "notes.txt").write_text("taken on holidays")
    (folder / "007.png").write_bytes((folder / "007.png").read_bytes()[:500])
    return folder


def test_from_pictures_to_an_export_by_one_command_each(photographs, tmp_path, run_verb):
    """With half of the steps of `fast`; the score must fall well below that of the start."""
    run = f"--model_dir={tmp_path / 'run'}"
    flags = (f"--data={photographs}", run, "--gin_bindings=train.training_steps = 1000")
    code, out, err = run_verb(train, *flags)
    assert code == 0, err
    assert "299 images, colour, no classes" in out and "32 x 32 px" in out
    assert "60 grey images get three equal channels" in out and "left out: 007.png" in out
    assert "on this machine, by 10 steps" in out
    assert run_verb(evaluate, run)[0] == 0
    rows = [json.loads(line) for line in (tmp_path / "run" / "scores.jsonl").open()]
    scores = {(row["step"], row["metric"], row["split"]): row["value"] for row in rows}
    assert scores[1000, "swd", "test"] < 0.8 * scores[0, "swd", "test"]
    best = json.loads((tmp_path / "run" / "checkpoints" / "best" / "best.json").read_text())
    assert best["metric"] == "swd" and best["step"] > 0
    assert run_verb(sample, run, f"--output={tmp_path / 'grid.png'}")[0] == 0
    assert min(Image.open(tmp_path / "grid.png").size) >= 8 * 32
    assert run_verb(report, run)[0] == 0 and (tmp_path / "run" / "report" / "index.html").is_file()
    code, out, err = run_verb(export, run)
    assert code == 0, err
    assert (tmp_path / "run" / "hub" / str(best["step"]) / "generator" / "saved_model.pb").is_file()
