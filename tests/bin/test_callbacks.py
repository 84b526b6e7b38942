"""Callbacks of Keras that a config binds: called, kept in the run's config, free to change."""

import sys

import pytest

from compare_gan_tf.bin import evaluate, train
from compare_gan_tf.config import gin_imports

SMALL = """
data.load.name = "digits"
train.model = @GAN
train.training_steps = 4
train.checkpoint_every = 2
train.batch_size = 8
GAN.generator = @mlp.generator
GAN.discriminator = @mlp.discriminator
GAN.objectives = [@hinge]
GAN.latents = @Normal()
Normal.dim = 4
mlp.generator.units = 8
mlp.discriminator.units = 8
evaluate.extractor = @raw_features()
"""

MODULE = """
import gin
import keras


@gin.register(module="mine")
class Note(keras.callbacks.Callback):
    def __init__(self, path, every=1):
        super().__init__()
        self.path, self.every = path, every
        self.note("made")

    def note(self, what):
        with open(self.path, "a") as file:
            file.write(f"{what}\\n")

    def on_train_batch_end(self, batch, logs=None):
        if self.model.current_step % self.every == 0:
            self.note(self.model.current_step)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Flags of a small run with a callback of a module of its own, what that writes, its folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(gin_imports, "_allowed", set())
    (tmp_path / "callbacks_of_mine.py").write_text(MODULE)
    lines = f"train.callbacks = [@Note()]\nNote.path = '{tmp_path / 'notes'}'\n"
    (tmp_path / "mine.gin").write_text(f"import callbacks_of_mine\n{SMALL}{lines}")
    flags = [f"--gin_config={tmp_path / 'mine.gin'}", "--allow_imports=callbacks_of_mine"]
    return flags, tmp_path / "notes", f"--model_dir={tmp_path / 'run'}"


def test_callbacks_of_a_config_are_called_kept_and_free_to_change(own, run_verb, tmp_path):
    flags, notes, folder = own
    code, _, err = run_verb(train, *flags, folder)
    assert code == 0, err
    assert notes.read_text().split() == ["made", "1", "2", "3", "4"]
    text = (tmp_path / "run/config.gin").read_text()
    assert "train.callbacks = [@Note()]" in text and "Note.every = 1" in text
    # Resumed: other settings of the callback, then none at all.
    more = [f"--gin_bindings={line}" for line in ("train.training_steps = 8", "Note.every = 2")]
    code, _, err = run_verb(train, folder, *more)
    assert code == 0, err
    assert notes.read_text().split()[5:] == ["made", "6", "8"]
    assert run_verb(evaluate, folder)[0] == 0
    assert notes.read_text().split()[5:] == ["made", "6", "8"]  # scoring makes none
    (tmp_path / "plain.gin").write_text(SMALL)
    code, _, err = run_verb(train, f"--gin_config={tmp_path / 'plain.gin'}", folder)
    assert code == 0, err
    assert "Note" not in (tmp_path / "run/config.gin").read_text()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            "[@Note]",
            "train.callbacks: one is @Note: it must be a Keras callback, as @MyCallback() of a"
            " module of yours; give @Note(), with parentheses",
        ),
        ("[3]", "train.callbacks: one is 3: it must be a Keras callback"),
        ("@Note()", "it must be a list such as [@MyCallback()] of Keras callbacks"),
    ],
)
def test_what_is_no_list_of_callbacks_is_one_line(own, run_verb, tmp_path, value, words):
    flags, _, folder = own
    code, out, err = run_verb(train, *flags, folder, f"--gin_bindings=train.callbacks = {value}")
    assert (code, out) == (1, "") and err.count("\n") == 1
    assert words in err
    assert not (tmp_path / "run").exists()
