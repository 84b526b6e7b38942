"""What is written for a machine with JAX, and what is refused."""

import json
import os
import types

import numpy as np
import pytest
import tensorflow as tf
from lowered_gan import FAST, arrays, write_state

from compare_gan_tf import data, random
from compare_gan_tf.bin import lower, train
from compare_gan_tf.data import pipeline
from compare_gan_tf.errors import UserError
from compare_gan_tf.lowering import folder, lowering, steps


def test_the_folder(small):
    assert {path.name for path in small.iterdir()} == {
        *(
            "lowered.json",
            "config.gin",
            "run.py",
            "order.npy",
            "images.npy",
            "labels.npy",
            "states",
        ),
        *("step.stablehlo", "sampler.stablehlo"),
    }
    digits = data.load("digits").splits["train"]
    assert np.array_equal(np.load(small / "images.npy"), digits.images)
    assert np.array_equal(np.load(small / "labels.npy"), digits.labels)
    assert b"tensorflow" not in (small / "step.stablehlo").read_bytes()
    source = (small / "run.py").read_text()
    assert "import jax" in source and "import tensorflow" not in source
    spec = json.loads((small / "lowered.json").read_text())
    assert (spec["first_step"], spec["last_step"], spec["batch_size"]) == (0, 4, 8)
    state = arrays(small, 0)
    assert spec["state"].keys() == state.keys() >= {"step", "generator/0", "d_optimizer/0"}
    described = {name: (list(a.shape), a.dtype.name) for name, a in state.items()}
    assert described == {n: (one["shape"], one["dtype"]) for n, one in spec["state"].items()}


def test_the_order_is_that_of_a_training(small):
    split = data.load("digits").splits["train"]
    order = np.load(small / "order.npy")
    settings = {"batch_size": 8, "slices": order.shape[2], "start": 0, "stop": 4}
    batches = pipeline.batches(split, key=random.key(0, "shuffle"), **settings)
    assert order.shape == (4, 8, 1) and order.dtype == np.int32
    for rows, (images, labels) in zip(order, batches, strict=True):
        assert np.array_equal(split.images[rows], images)
        assert np.array_equal(split.labels[rows], labels)


def test_images_are_mirrored_as_in_a_training():
    split = data.load("digits", flip=True).splits["train"]
    settings = {"batch_size": 16, "slices": 2, "start": 5, "stop": 6}
    (wanted, _), *_ = pipeline.batches(split, key=random.key(3, "shuffle"), **settings)
    plain = data.load("digits").splits["train"]
    (given, _), *_ = pipeline.batches(plain, key=random.key(3, "shuffle"), **settings)

    gan = types.SimpleNamespace(seed=3, step=types.SimpleNamespace(value=tf.constant(5, tf.int64)))
    found = steps._flipped(gan, split, given)
    assert np.array_equal(found, wanted) and not np.array_equal(given, wanted)


@pytest.mark.slow
def test_a_run_is_continued_from_its_newest_checkpoint(run_verb, tmp_path):
    (tmp_path / "small.gin").write_text(FAST)
    run = f"--model_dir={tmp_path / 'run'}"
    assert run_verb(train, f"--gin_config={tmp_path / 'small.gin'}", run)[0] == 0
    before = sorted(os.walk(tmp_path / "run"))
    more = "--gin_bindings=train.training_steps = 6"
    code, out, err = run_verb(lower, run, more, f"--out={tmp_path / 'lowered'}")
    assert code == 0, err
    assert "is lowered from step 4 to 6" in out
    assert sorted(os.walk(tmp_path / "run")) == before
    assert np.load(tmp_path / "lowered" / "order.npy").shape[0] == 2
    state = arrays(tmp_path / "lowered", 4)
    reader = tf.train.load_checkpoint(str(tmp_path / "run/checkpoints/ckpt-4"))
    name = "generator/0/.ATTRIBUTES/VARIABLE_VALUE"
    assert np.array_equal(state["generator/0"], reader.get_tensor(name))


def test_a_lowered_folder_is_replaced_but_not_a_trained_one(run_verb, small):
    config = f"--gin_config={small / 'config.gin'}"
    (small / "images.npy").write_bytes(b"broken")
    assert run_verb(lower, config, f"--out={small}")[0] == 0
    assert np.load(small / "images.npy").shape[1:] == (8, 8, 1)
    write_state(small, 3)
    code, _, err = run_verb(lower, config, f"--out={small}")
    assert code == 1 and "has been trained to step 3, which would be lost" in err
    assert (small / "states" / "3.npz").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "--out=None: name the local folder to write"),
        (("--out=gs://bucket/x",), "name the local folder to write"),
        (("--out={}/mine",), "mine/notes.txt is in the way and not ours"),
        (("--out={}/mine/notes.txt",), "notes.txt is no folder"),
        (("--out={}/x", "--max_gb=0.00001"), "take 7.67e-05 GB, more than --max_gb=1e-05"),
        (("--out={}/x", "--max_gb=-1"), "max_gb"),
        (("--out={}/x", "--model_dir={}/none"), "there is no checkpoint in"),
    ],
)
def test_what_cannot_be_written_is_one_line(run_verb, tmp_path, flags, message):
    (tmp_path / "small.gin").write_text(FAST)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    flags = [flag.format(tmp_path) for flag in flags]
    code, _, err = run_verb(lower, f"--gin_config={tmp_path / 'small.gin'}", *flags)
    assert code == 1 and message in err and err.count("\n") == 1
    assert not (tmp_path / "x").exists()
    assert (tmp_path / "mine" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("bindings", "message"),
    [
        ("data.load.min_crop_area = 0.5", "data.load.min_crop_area takes random crops"),
        ("GAN.latents = @Strings()\nimport strings_of_mine", "XLA cannot compile the step"),
    ],
)
def test_configs_that_jax_could_not_train_are_refused(run_verb, tmp_path, bindings, message):
    (tmp_path / "strings_of_mine.py").write_text(STRINGS)
    text = FAST.replace("Normal.dim = 4", "").replace("GAN.latents = @Normal()", "")
    (tmp_path / "small.gin").write_text(f"{text}\n{bindings}\n")
    flags = [f"--gin_config={tmp_path / 'small.gin'}", "--allow_imports=strings_of_mine"]
    code, _, err = run_verb(lower, *flags, f"--out={tmp_path / 'x'}")
    assert code == 1 and message in err and err.count("\n") == 1, err
    assert not (tmp_path / "x").exists()


STRINGS = """
import gin
import tensorflow as tf

from compare_gan_tf.latents import Normal


@gin.register
class Strings(Normal):
    def __init__(self):
        super().__init__(4)

    def sample(self, num, seed, truncation=0.0):
        z = super().sample(num, seed, truncation)
        return tf.strings.to_number(tf.strings.as_string(z))
"""


@pytest.mark.parametrize(
    ("step", "callbacks", "averages", "message"),
    [
        (0, ["one"], None, "train.callbacks are of Python, which JAX does not call"),
        (4, [], None, "at step 4 of 4: nothing is left to train"),
        (0, [], "some", "GAN.post_hoc_ema needs snapshots, which JAX does not write: bind none"),
    ],
)
def test_trainings_that_jax_could_not_do_are_refused(step, callbacks, averages, message):
    gan = types.SimpleNamespace(current_step=step, post_hoc=averages)
    training = types.SimpleNamespace(gan=gan, dataset=data.load("digits"), training_steps=4)
    training.callbacks = callbacks
    with pytest.raises(UserError, match=message):
        lowering._check(training, 10**9)


def test_arrays_are_written_piece_by_piece(tmp_path):
    pieces = [np.ones([2, 3], np.int64), np.zeros([1, 3], np.int64)]
    folder.write_array(tmp_path / "x.npy", (3, 3), np.int32, lambda: pieces)
    found = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert found.dtype == np.int32 and np.array_equal(found, np.concatenate(pieces))
