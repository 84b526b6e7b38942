"""What a training does to a folder that holds more than its own run."""

import functools
import json
import os
import pathlib

import keras
import numpy as np
import pytest
from fast_ones import slow_but
from PIL import Image

from compare_gan_tf import data, latents, optimizers, training
from compare_gan_tf.architectures import mlp
from compare_gan_tf.augment.ada import ADA
from compare_gan_tf.augment.controllers import Constant
from compare_gan_tf.augment.geometry import x_flip
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN
from compare_gan_tf.objectives import Adversarial
from compare_gan_tf.runs import checkpoints
from compare_gan_tf.storage import locks


def model(sample_shape, num_classes, seed, rate=1e-2, p=None):
    return GAN(
        sample_shape,
        num_classes,
        seed,
        generator=functools.partial(mlp.generator, units=4, depth=1),
        discriminator=functools.partial(mlp.discriminator, units=4, depth=1),
        objectives=[Adversarial()],
        augment=p and ADA(geometry=[x_flip], colours=[], controller=Constant(p)),
        latents=latents.Normal(2),
        g_optimizer=optimizers.adam(learning_rate=rate),
        d_optimizer=optimizers.adam(learning_rate=rate),
    )


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture
def run(digits, tmp_path):
    def train(steps=2, folder=tmp_path / "run", **settings):
        defaults = dict(batch_size=8, checkpoint_every=1, log_every=1, sample_every=1)
        defaults |= {"model": model, "dataset": digits}
        return training.train(str(folder), training_steps=steps, **defaults | settings)

    return train


def contents(folder):
    """{path: bytes} of all files, links as what they lead to in words."""
    return {
        str(path): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in sorted(pathlib.Path(folder).rglob("*"))
        if path.is_symlink() or path.is_file()
    }


# Links


@pytest.mark.parametrize(
    "name",
    slow_but(
        [
            "checkpoints",
            "logs",
            "config.gin",
            "manifest.json",
            "TRAIN_DONE",
            "logs/train.jsonl",
            "logs/tensorboard",
            "checkpoints/ckpt-1.index",
            "checkpoints/checkpoint",
        ],
        "checkpoints",
        "config.gin",
        "logs/train.jsonl",
        "checkpoints/checkpoint",
    ),
)
def test_nothing_is_written_or_deleted_through_a_link(run, tmp_path, name):
    run(1)
    link, outside = tmp_path / "run" / name, tmp_path / "outside"
    if link.is_dir():
        link.rename(outside)
        (outside / "ckpt-0.index.tempstate1").write_text("mine")
    else:
        link.unlink(missing_ok=True)
        outside.write_text("mine")
    link.symlink_to(outside)
    before = contents(tmp_path)
    with pytest.raises(UserError, match=f"{name} is a link to .*outside"):
        run(2)
    assert contents(tmp_path) == before


def test_the_runs_folder_itself_may_be_a_link(run, tmp_path):
    (tmp_path / "large_disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "large_disk")
    run(1)
    assert checkpoints.list_steps(str(tmp_path / "large_disk")) == [0, 1]


# What others made


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.gin", "train.seed = 3  # by hand\n"),
        ("manifest.json", '{"name": "a web page", "icons": []}'),
        ("manifest.json", '["entries", "of", "another"]'),
        ("logs/train.jsonl", '{"epoch": 1, "loss": 0.5}\n'),
    ],
)
def test_a_file_of_another_program_is_kept_and_named(run, tmp_path, name, text):
    path = tmp_path / "run" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    before = contents(tmp_path)
    with pytest.raises(UserError, match=f"{name} was not written by"):
        run(1)
    kept = {path: content for path, content in contents(tmp_path).items() if path in before}
    assert kept == before


def test_what_lies_beside_the_runs_own_files_stays(run, tmp_path):
    run(3, keep_checkpoints=1)
    folder = tmp_path / "run"
    names = [
        "notes.txt", "checkpoints/ckpt-1.txt", "checkpoints/template.png", "checkpoints/temp.bin",
        "checkpoints/ckpt-3_of_paper/weights.h5", "checkpoints/ckpt-5.index.mine",
        "logs/tensorboard/notes.txt", "logs/tensorboard/x.partial", "logs/mine.jsonl",
    ]  # fmt: skip
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    run(6, keep_checkpoints=1)
    assert {name: (folder / name).read_text() for name in names} == {name: name for name in names}
    assert checkpoints.list_steps(str(folder)) == [6]


def test_a_damaged_manifest_is_kept_beside_the_new_one(run, tmp_path):
    run(1)
    (tmp_path / "run/manifest.json").write_text('{"starts": [')
    run(2)
    assert (tmp_path / "run/manifest.json.damaged").read_text() == '{"starts": ['


# Two at a time


def test_a_second_training_is_refused_and_changes_nothing(run, tmp_path):
    run(1)
    with locks.sole_writer(str(tmp_path / "run"), "training"):
        before = contents(tmp_path)
        with pytest.raises(UserError, match="another training is writing to .*run"):
            run(2)
        assert contents(tmp_path) == before
    run(2)
    assert ".training.lock" not in os.listdir(tmp_path / "run")


# Data that changed


def images(number=20, seed=0):
    return np.random.default_rng(seed).integers(256, size=(number, 4, 4, 1), dtype=np.uint8)


def labels(number=20, seed=0):
    return np.random.default_rng(seed).integers(3, size=number).astype(np.int32)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param(
            (images(18), labels(18)),
            "it had 16 train samples and now has 14",
            marks=pytest.mark.slow,
        ),
        ((images(seed=1), labels()), "its train samples are others"),
        pytest.param(
            (images(), labels(seed=1)), "its train labels are others", marks=pytest.mark.slow
        ),
        ((images(), None), "its number of classes was 3 and is now None"),
    ],
)
def test_a_run_whose_data_changed_is_told_so_and_refused(run, tmp_path, changed, said):
    run(1, dataset=(images(), labels()))
    before = contents(tmp_path)
    with pytest.raises(UserError) as caught:
        run(2, dataset=changed)
    assert said in str(caught.value) and "--allow_data_change" in str(caught.value)
    assert contents(tmp_path) == before
    run(2, dataset=changed, allow_data_change=True)
    run(3, dataset=changed)  # which is what the run has seen by now
    with pytest.raises(UserError, match="is not the one that the run in"):
        run(4, dataset=(images(), labels()))


def test_the_same_data_in_another_folder_are_the_same(run, tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        for index, image in enumerate(images()):
            Image.fromarray(image[..., 0]).save(tmp_path / name / f"{index}.png")
    for steps, name in enumerate(("here", "there"), start=1):
        run(steps, dataset=data.load(f"folder:{tmp_path / name}"))
    (tmp_path / "there" / "5.png").unlink()
    with pytest.raises(UserError, match="it had 16 train samples and now has 15"):
        run(3, dataset=data.load(f"folder:{tmp_path / 'there'}"))


def test_a_run_whose_manifest_tells_nothing_of_its_data_goes_on(run, tmp_path):
    run(1)
    path = tmp_path / "run/manifest.json"
    told = json.loads(path.read_text())
    del told["starts"][0]["data"], told["crc32"]
    path.write_text(json.dumps(told))
    run(2)
    assert [("data" in start) for start in json.loads(path.read_text())["starts"]] == [False, True]


# What is bound


def test_a_bound_rate_and_p_win_over_those_of_the_checkpoint(run, caplog):
    run(2, model=functools.partial(model, p=0.25))
    changed = functools.partial(model, rate=3e-4, p=0.5)
    gan = run(3, model=changed, allow_config_change=True)
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(3e-4)
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(3e-4)
    assert float(gan.augment.controller.p) == 0.5
    assert "is 0.0003, as it is bound; in the checkpoint it was 0.01" in caplog.text
    assert int(gan.g_optimizer.iterations) == 3


def test_a_run_that_is_bound_as_before_says_nothing_of_it(run, caplog):
    bound = functools.partial(model, p=0.25)
    run(1, model=bound)
    run(2, model=bound)
    assert "as it is bound" not in caplog.text


def test_schedules_go_on(run):
    decay = keras.optimizers.schedules.PolynomialDecay(1e-2, 10, 0.0)
    changed = functools.partial(model, rate=decay)
    run(2, model=changed)
    gan = run(5, model=changed)
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(5e-3)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"model": functools.partial(model, rate=3e-4)},
            r"GAN.g_optimizer.learning_rate was 0\.009\d*, and is 0\.0003",
        ),
        ({"batch_size": 4}, "train.batch_size was 8, and is 4"),
        ({"seed": 1}, "train.seed was 0, and is 1"),
    ],
)
def test_other_settings_in_python_are_refused(run, tmp_path, changed, told):
    """Else a notebook that is run again with another loss would show the scores of the first."""
    run(1)
    before = contents(tmp_path / "run")
    with pytest.raises(UserError, match=f"the settings differ .*{told}"):
        run(2, **changed)
    assert contents(tmp_path / "run") == before
    run(2, **changed, allow_config_change=True)
    run(3, **changed)  # which is what the run has by now
