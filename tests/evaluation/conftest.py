"""Runs of a GAN of a few hundred weights, and scores that tests choose."""

import functools

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.architectures import mlp
from compare_gan_tf.evaluation import engine
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
    """Replaces the scores of checkpoints by a table that tests fill: {(step, split): value}, or
    {(step, split, name of the score): value}; else the step.
    """
    table, original = {}, engine.Engine.score

    def score(self, comparisons, metrics, progress, title=""):
        (one,) = comparisons
        if one.is_floor:
            yield from original(self, comparisons, metrics, progress, title)
            return
        step, split = int(one.fake.where.split()[-1]), one.real.split
        for _ in one.passes(metrics):
            progress.update(one.n_fake)
        for metric in metrics:
            keys = {name: [(step, split, name), (step, split)] for name in metric.scores}
            values = {n: next((table[k] for k in keys[n] if k in table), step) for n in keys}
            found = [Outcome(name, float(v), None, None) for name, v in values.items()]
            yield engine.Scored(metric, [one.rows(metric, found, 0.0)], [])

    monkeypatch.setattr(engine.Engine, "score", score)
    return table
