"""Runs of a GAN of a few hundred weights, and scores that tests choose."""

import functools

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.architectures import mlp
from compare_gan_tf.evaluation import run_scorer
from compare_gan_tf.evaluation.outcomes import Outcome
from compare_gan_tf.gan import GAN
from compare_gan_tf.latents import Normal
from compare_gan_tf.objectives.losses import Adversarial
from compare_gan_tf.runs import checkpoints


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """No test reads or fills the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("COMPARE_GAN_CACHE", str(folder))
    return folder / "statistics"


def _build(dataset, *, generator=None, dim=4, **options):
    return GAN(
        dataset.sample_shape,
        dataset.num_classes,
        generator=generator or functools.partial(mlp.generator, units=8, depth=1),
        discriminator=functools.partial(mlp.discriminator, units=8, depth=1),
        objectives=[Adversarial()],
        latents=Normal(dim=dim),
        **options,
    )


def _save(gan, model_dir, step, bias=None, seed=None):
    rng = np.random.default_rng(step if seed is None else seed)
    for variable in gan.sampling_generator.variables:
        variable.assign(rng.normal(size=variable.shape))
        if bias is not None:
            variable.assign(np.full(variable.shape, bias if "out/bias" in variable.path else 0.0))
    gan.step.assign(step)
    checkpoints.Checkpoints(gan, str(model_dir), keep=1000).save()


@pytest.fixture(scope="session")
def build():
    """A function (dataset, generator=, dim=, options of GAN) -> a small GAN."""
    return _build


@pytest.fixture(scope="session")
def save():
    """Saves a checkpoint of a step, of fresh weights or of images all of one brightness."""
    return _save


@pytest.fixture(scope="session")
def digits():
    return data.load("digits")


@pytest.fixture(scope="session")
def gan(digits):
    return _build(digits)


@pytest.fixture
def run(tmp_path, gan):
    """A run's folder with checkpoints of steps 1, 2 and 3."""
    for step in (1, 2, 3):
        _save(gan, tmp_path / "run", step)
    return str(tmp_path / "run")


@pytest.fixture
def scores(monkeypatch):
    """Replaces the scores by a table {(step, split): value} that tests fill; else the step."""
    table = {}

    def score(self, step, split, metrics, progress):
        progress.update(self.samples(split, metrics))
        value = float(table.get((step, split), step))
        for metric in metrics:
            yield metric, [Outcome(name, value, None, None, 0.0) for name in metric.scores]

    monkeypatch.setattr(run_scorer.Scorer, "score", score)
    return table
