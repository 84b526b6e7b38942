"""A part that somebody adds is found by gin, trains and scores, with no other file touched.

Parts are added to a copy of the package, and to a distribution beside it. The second test counts
the files that CONTRIBUTING names for each part.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

LOSSES = "compare_gan_tf.objectives.losses"
ROOT = pathlib.Path(__file__).parents[2]

OBJECTIVE = '''"""Grey: G pays the squared mean of its images."""

__all__ = ["Grey"]

import gin
import tensorflow as tf

from compare_gan_tf.objectives.base import Objective, Term


@gin.register(module="objectives")
class Grey(Objective):
    def generator(self, game, samples, scored):
        return [Term("", tf.reduce_mean(samples.fake, [1, 2, 3]) ** 2)]
'''
ARCHITECTURE = '''"""One dense layer a player."""

import math

import gin
import keras

from compare_gan_tf.architectures import blocks


@gin.configurable(module="single_layer")
def generator(sample_shape, latent_dim, num_classes=None, *, width: int = 1):
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    x = blocks.first_input(*condition, keras.layers.Identity)
    x = keras.layers.Dense(width * math.prod(sample_shape), "tanh")(x)
    images = keras.layers.Reshape(sample_shape)(x[:, : math.prod(sample_shape)])
    return blocks.generator_model(inputs, images)


@gin.configurable(module="single_layer")
def discriminator(sample_shape, num_classes=None, *, width: int = 1):
    inputs, x, _ = blocks.discriminator_input(sample_shape, None, None, flatten=True)
    return blocks.discriminator_model(inputs, keras.layers.Dense(width, "tanh")(x))
'''
METRIC = '''"""Difference of the mean levels."""

import dataclasses
from typing import ClassVar

import gin

from compare_gan_tf.metrics.base import Metric, Score, check_rows


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class BrightnessGap(Metric):
    name: ClassVar[str] = "brightness_gap"
    needs: ClassVar[dict] = {"real": ("images",), "fake": ("images",)}
    scores: ClassVar[dict] = {"brightness_gap": False}

    def __call__(self, real, fake):
        for side in (real, fake):
            check_rows(side.images, least=1, what="images")
        gap = real.images.read().mean() - fake.images.read().mean()
        return {"brightness_gap": Score(abs(float(gap)))}
'''
LOSS = '''

@gin.configurable(module="losses")
def linear_generator(real_logits, fake_logits):
    """softplus(-r) + softplus(f); G: -f."""
    return Losses(
        real=tf.math.softplus(-real_logits),
        fake=tf.math.softplus(fake_logits),
        generator=-fake_logits,
    )
'''
CONFIG = """# Paper: none.
# Published: none.
# Protocol: none.
# Hardware: a CPU.
# Steps: 2.
data.load.name = "digits"
train.model = @GAN
train.training_steps = 2
train.checkpoint_every = 2
train.log_every = 2
train.sample_every = 2
train.batch_size = 8
GAN.generator = @single_layer.generator
GAN.discriminator = @single_layer.discriminator
GAN.objectives = [@Adversarial(), @Grey()]
Adversarial.loss = @linear_generator
evaluate.metrics = "brightness_gap"
evaluate.num_samples = 20
evaluate.num_real = 20
evaluate.floor = False
"""


def _copy(folder: pathlib.Path, *more: str) -> pathlib.Path:
    """The package, as it is installed, in a folder; and others of the repository's folders."""
    ignored = shutil.ignore_patterns("__pycache__", "old_run")
    for name in ("compare_gan_tf", "export", "gin_configs", *more):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name, **({"ignore": ignored} if source.is_dir() else {}))
    for name in ("export", "gin_configs"):
        (folder / "compare_gan_tf" / name).symlink_to(folder / name)
    return folder


def _run(*command: str, path: pathlib.Path, cwd: pathlib.Path) -> str:
    environment = os.environ | {
        "PYTHONPATH": str(path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_CONFIG_HOME": str(cwd),
    }
    done = subprocess.run(
        [sys.executable, *command], env=environment, cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def _trains_and_scores(config: str, path: pathlib.Path, cwd: pathlib.Path) -> None:
    """Two steps of training, with the parts' terms in the logs, and the part's score."""
    verb = ("-m", "compare_gan_tf.bin.main")
    run = cwd / "run"
    flags = (f"--gin_config={config}", f"--model_dir={run}", "--schedule=eval_after_train")
    _run(*verb, "train", *flags, path=path, cwd=cwd)
    operative = (run / "config.gin").read_text()
    assert "@losses.linear_generator" in operative or "@linear_generator" in operative
    (log,) = [p for p in (run / "logs").rglob("*.jsonl")]
    row = json.loads(log.read_text().splitlines()[-1])
    assert row["step"] == 2
    assert any(name.startswith("generator/") and "grey" in name for name in row), row
    scores = [json.loads(line) for line in (run / "scores.jsonl").read_text().splitlines()]
    assert {score["metric"] for score in scores} == {"brightness_gap"}
    assert all(score["value"] is not None for score in scores), scores


@pytest.mark.slow
def test_files_added_to_the_package_are_enough(tmp_path):
    repository = _copy(tmp_path)
    package = repository / "compare_gan_tf"
    (package / "objectives" / "grey.py").write_text(OBJECTIVE)
    (package / "architectures" / "single_layer.py").write_text(ARCHITECTURE)
    (package / "metrics" / "brightness_gap.py").write_text(METRIC)
    with (package / "objectives" / "losses.py").open("a") as file:
        file.write(LOSS)
    (repository / "gin_configs" / "small" / "grey.gin").write_text(CONFIG)
    _trains_and_scores("small/grey.gin", repository, tmp_path)


@pytest.mark.slow
def test_a_distribution_beside_the_package_is_enough(tmp_path):
    """Its modules are entry points; the package itself is the one that is installed."""
    imports = ("import gin", "import tensorflow as tf", f"from {LOSSES} import Losses")
    modules = {
        "grey": OBJECTIVE,
        "single_layer": ARCHITECTURE,
        "brightness_gap": METRIC,
        "linear_generator": "\n".join(imports) + LOSS,
    }
    parts = tmp_path / "parts"
    (parts / "strangers").mkdir(parents=True)
    (parts / "strangers" / "__init__.py").touch()
    for name, text in modules.items():
        (parts / "strangers" / f"{name}.py").write_text(text)
    information = parts / "strangers-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: strangers\nVersion: 1.0\n")
    lines = [f"{name} = strangers.{name}" for name in modules]
    (information / "entry_points.txt").write_text("\n".join(["[compare_gan_tf]", *lines]))
    (tmp_path / "mine.gin").write_text(CONFIG)
    _trains_and_scores("mine.gin", parts, tmp_path)


# --- The files that CONTRIBUTING names --------------------------------------------------------

TEST = '"""Its closed form."""\n'
FILES = {
    "loss": {
        "compare_gan_tf/objectives/losses.py": LOSS,
        "tests/objectives/test_losses.py": "\n# Its closed form.\n",
    },
    "objective, penalty": {
        "compare_gan_tf/objectives/grey.py": OBJECTIVE,
        "compare_gan_tf/objectives/__init__.py": ("from compare_gan_tf.objectives.grey import *\n"),
        "tests/helpers/catalogue.py": (
            "\n\nfrom compare_gan_tf.objectives import Grey\n\n"
            'ALL["grey"] = GROUPS["tasks"]["grey"] = functools.partial(Grey, weight=0.5)\n'
        ),
        "tests/objectives/test_grey.py": TEST,
    },
    "architecture": {
        "compare_gan_tf/architectures/single_layer.py": ARCHITECTURE,
        "tests/conformance/test_architectures.py": '\n\nSETTINGS["single_layer"] = {"width": 3}\n',
        "tests/architectures/test_single_layer.py": TEST,
        "docs/contents.md": "\n`single_layer`\n",
    },
    "metric": {
        "compare_gan_tf/metrics/brightness_gap.py": METRIC,
        "docs/evaluation.md": "\n`brightness_gap`\n",
        "tests/metrics/test_brightness_gap.py": TEST,
    },
}
# The tests that walk the parts, which a part that lacks a file would break.
WALKS = {
    "loss": [
        "tests/objectives/test_losses.py",
        "tests/conformance/test_objectives.py",
        "-k",
        "linear_generator or loss or catalogue or adversarial",
    ],
    "objective, penalty": [
        "tests/conformance/test_objectives.py",
        "-k",
        "catalogue or tasks",
    ],
    "architecture": ["tests/conformance/test_architectures.py", "-k", "single_layer"],
    "metric": [
        "tests/conformance/test_metrics.py",
        "tests/metrics/test_registry.py",
        "-k",
        "brightness_gap or documentation",
    ],
}


def _claimed() -> dict[str, int]:
    """{part: files} of the table in CONTRIBUTING."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| ([a-z, ]+) \| (\d+) \|", text, re.MULTILINE)
    return {part: int(number) for part, number in rows}


@pytest.mark.parametrize("part", FILES)
def test_as_many_files_as_contributing_says(part):
    assert len(FILES[part]) == _claimed()[part]
    claim = re.search(rf"^\| {part} \|.*$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)[0]
    for name in FILES[part]:
        short = re.sub(r"grey|single_layer|brightness_gap", "NAME", name)
        assert short.removeprefix("compare_gan_tf/") in claim, claim


def test_a_config_is_one_file():
    assert _claimed()["config"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("part", FILES)
def test_these_files_are_enough_for_the_tests_that_walk_the_parts(part, tmp_path):
    more = ("tests", "docs", "README.md", "CONTRIBUTING.md", "setup.cfg")
    repository = _copy(tmp_path, *more)
    for name, text in FILES[part].items():
        with (repository / name).open("a") as file:
            file.write(text)
    _run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", *WALKS[part], path=repository, cwd=tmp_path
    )
