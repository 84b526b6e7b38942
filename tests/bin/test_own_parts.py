"""Parts of a stranger's, and folders of any name, go through all verbs and every resume."""

import os
import sys

import pytest

from compare_gan_tf.bin import data, describe, evaluate, export, report, sample, train
from compare_gan_tf.config import gin_imports

PARTS = """
import dataclasses

import gin
import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.metrics.base import Metric, Score
from compare_gan_tf.objectives import Objective
from compare_gan_tf.objectives.base import Term


@gin.configurable(module="mine")
def generator(*, sample_shape, latent_dim, num_classes=None, width: int = 16):
    z = keras.Input([latent_dim], name="z")
    x = keras.layers.Dense(int(np.prod(sample_shape)), "tanh")(keras.layers.Dense(width)(z))
    return keras.Model({"z": z}, keras.layers.Reshape(sample_shape)(x), name="generator")


class Squash(keras.layers.Layer):
    def call(self, x):
        return tf.tanh(x)


@gin.configurable(module="mine")
def discriminator(*, sample_shape, num_classes=None):
    images = keras.Input(sample_shape, name="images")
    features = Squash()(keras.layers.Dense(8)(keras.layers.Flatten()(images)))
    logits = keras.layers.Dense(1)(features)[:, 0]
    return keras.Model(
        {"images": images}, {"logits": logits, "features": features}, name="discriminator"
    )


@gin.configurable(module="mine")
def loss(real_logits, fake_logits, *, margin: float = 1.0):
    return (
        tf.nn.relu(margin - real_logits) + tf.nn.relu(margin + fake_logits), -fake_logits
    )


@gin.register(module="mine")
class Grey(Objective):
    def generator(self, game, samples, scored):
        return [Term("", tf.reduce_mean(samples.fake, [1, 2, 3]) ** 2)]


@gin.configurable(module="mine")
def inverted(images):
    return 255 - images


@gin.configurable(module="mine")
def my_adam(*, rate: float = 1e-3):
    return keras.optimizers.Adam(rate)


@gin.configurable(module="mine")
def mean_colours(images):
    return np.asarray(images, np.float32).mean((1, 2))


@gin.register(module="mine")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Brightness(Metric):
    name = "brightness"
    needs = {"real": ("images",), "fake": ("images",)}
    scores = {"brightness": False}

    scale: float = 1.0

    def __call__(self, real, fake):
        difference = real.images.read().mean() - fake.images.read().mean()
        return {"brightness": Score(abs(difference) * self.scale)}
"""

CONFIG = """
import parts_of_mine
include "beside.gin"
data.load.name = "digits"
data.load.view = @mine.inverted
train.model = @GAN
train.training_steps = 2
train.checkpoint_every = 2
train.log_every = 2
train.sample_every = 2
train.batch_size = 8
GAN.generator = @mine.generator
GAN.discriminator = @mine.discriminator
GAN.objectives = [@mine.loss, @Grey()]
GAN.latents = @Normal()
GAN.g_optimizer = @my_adam()
GAN.d_optimizer = @my_adam()
Normal.dim = 4
evaluate.extractor = @mean_colours
evaluate.metrics = [@Fid(), @Brightness()]
Brightness.scale = 2.0
"""

NAME = "a [run]*?{x}%s'\"é\n#~ ,;$(x)=.&|\\b"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A config, and beside it the module that it imports and a file that it includes."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "parts_of_mine.py").write_text(PARTS)
    (folder / "beside.gin").write_text("mine.generator.width = 12\nmine.loss.margin = 0.7\n")
    (folder / "mine.gin").write_text(CONFIG)
    return f"--gin_config={folder / 'mine.gin'}"


@pytest.mark.slow
def test_own_parts_in_a_folder_of_any_name_go_through_all_verbs(
    own, run_verb, tmp_path, monkeypatch
):
    monkeypatch.setattr(gin_imports, "_allowed", set())
    folder, output = f"--model_dir={tmp_path / NAME}", tmp_path / "samples [1].npz"
    code, _, err = run_verb(train, own, folder)
    assert code == 1 and "--allow_imports=parts_of_mine" in err
    assert not (tmp_path / NAME).exists()

    code, _, err = run_verb(train, own, folder, "--allow_imports=parts_of_mine")
    assert code == 0, err
    gin_imports._allowed.clear()  # from here on, the run says what its user allowed
    monkeypatch.chdir("/")
    for verb, *flags in (
        (train, folder, "--gin_bindings=train.training_steps = 4"),
        (evaluate, folder),
        (evaluate, folder, "--metrics=fid,brightness", "--checkpoint=latest"),
        (evaluate, folder, "--metrics=kid_full", "--extractor=mean_colours"),
        (export, folder),
        (report, folder),
        (describe, folder),
        (sample, folder, "--num=5", f"--output={output}"),
        (evaluate, "--real=digits/test", f"--fake={tmp_path / NAME}", "--metrics=fid"),
        (data, own, "--allow_imports=parts_of_mine"),
    ):
        code, out, err = run_verb(verb, *flags)
        assert code == 0, (verb, err)
    text = (tmp_path / NAME / "config.gin").read_text()
    assert "\nimport parts_of_mine\n" in text and "loss.margin = 0.7" in text
    assert os.path.getsize(output)


def test_a_strangers_run_imports_nothing(own, run_verb, tmp_path, monkeypatch):
    monkeypatch.setattr(gin_imports, "_allowed", set())
    folder = tmp_path / "run"
    assert run_verb(train, own, f"--model_dir={folder}", "--allow_imports=parts_of_mine")[0] == 0
    gin_imports._allowed.clear()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "of another user"))
    for verb in (train, evaluate, export, report, describe):
        code, _, err = run_verb(verb, f"--model_dir={folder}")
        assert code == 1 and err.count("\n") == 1
        assert "which would run its code: if you trust it, allow it" in err


LOSS = """
import gin
import tensorflow as tf


@gin.configurable(module="edited")
def soft_loss(real_logits, fake_logits):
    return tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits), -fake_logits
"""


def test_a_module_that_was_edited_is_another_setting(small, run_verb, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setattr(gin_imports, "_allowed", set())
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "edited_loss.py").write_text(LOSS)
    own = ("import edited_loss", "Adversarial.loss = @edited.soft_loss")
    flags = (*small, *(f"--gin_bindings={one}" for one in own), "--allow_imports=edited_loss")
    assert run_verb(train, *flags)[0] == 0

    (tmp_path / "edited_loss.py").write_text(LOSS.replace("-fake_logits\n", "1.0 - fake_logits\n"))
    code, _, err = run_verb(train, *flags, "--gin_bindings=train.training_steps = 6")
    assert code == 1 and err.count("\n") == 1
    assert "edited_loss changed since the run" in err and "--allow_config_change" in err
    for steps, *more in ((6, "--allow_config_change"), (8,)):  # the edit is of the run by then
        steps = f"--gin_bindings=train.training_steps = {steps}"
        assert run_verb(train, *flags, steps, *more)[0] == 0
