"""Training in this process: resume, damaged checkpoints, what stops it, and what it leaves."""

import functools
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_runs import model

from compare_gan_tf import data, latents, training
from compare_gan_tf.architectures import mlp
from compare_gan_tf.augment.ada import ADA
from compare_gan_tf.augment.controllers import Adaptive
from compare_gan_tf.augment.geometry import x_flip
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN
from compare_gan_tf.gan.distribution import check_batch_size, get_strategy
from compare_gan_tf.objectives import (
    Adversarial,
    LeCam,
    Rotation,
    WeightClipping,
)
from compare_gan_tf.runs import checkpoints, logs, results
from compare_gan_tf.runs.logs import events_dir, log_path

pytestmark = pytest.mark.optimised_graphs


def everything(gan):
    slots = [*gan.g_optimizer.variables, *gan.d_optimizer.variables]
    return [(v.path, v.numpy()) for v in [*gan.variables, *slots]]


def assert_equal(first, second):
    first, second = everything(first), everything(second)
    assert len(first) > 40
    for (name, value), (_, other) in zip(first, second, strict=True):
        np.testing.assert_array_equal(value, other, err_msg=name)


@pytest.fixture(scope="module")
def begun(run, tmp_path_factory):
    """Folder of the same run after 14 steps, to be copied."""
    folder = tmp_path_factory.mktemp("begun")
    run(folder, 14)
    return folder


def test_a_run_in_parts_ends_in_the_same_bits(run, whole, tmp_path):
    for steps in (4, 19, 30):
        gan = run(tmp_path, steps)
    assert_equal(gan, whole[0])


def test_steps_per_execution_does_not_change_where_it_ends(run, whole, tmp_path):
    settings = dict(steps_per_execution=5, checkpoint_every=10, log_every=5, sample_every=5)
    run(tmp_path, 20, **settings)
    gan = run(tmp_path, 30, **settings)
    for (name, value), (_, other) in zip(everything(whole[0]), everything(gan), strict=True):
        np.testing.assert_allclose(other, value, rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_the_state_of_objectives_and_augmentation_survives_a_restart(run, tmp_path):
    def stateful(*arguments, **settings):
        tasks = [LeCam(weight=0.1), Rotation(one_in=5), WeightClipping(limit=0.5)]
        controller = Adaptive(speed=500.0, interval=2)
        settings["objectives"] = [Adversarial(), *tasks]
        settings["augment"] = ADA(geometry=[x_flip], colours=[], controller=controller)
        return model(*arguments, **settings)

    folders = tmp_path / "straight", tmp_path / "parts"
    straight = run(folders[0], 9, model=stateful, checkpoint_every=5)
    shutil.copytree(*folders)
    for file in folders[1].glob("checkpoints/ckpt-9.*"):
        file.unlink()
    parts = run(folders[1], 9, model=stateful, checkpoint_every=5)
    starts = json.loads((folders[1] / "manifest.json").read_text())["starts"]
    assert [start["first_step"] for start in starts] == [0, 5]
    assert_equal(straight, parts)
    for owner, other in zip(
        [*straight.objectives, straight.augment], [*parts.objectives, parts.augment], strict=True
    ):
        for value, same in zip(owner.variables, other.variables, strict=True):
            np.testing.assert_array_equal(value, same)
    assert float(straight.augment.controller.p) > 0.0


@pytest.mark.slow
def test_another_seed_ends_elsewhere(run, whole, tmp_path):
    gan = run(tmp_path, 30, seed=1)
    kernels = [v.numpy() for v in gan.generator.trainable_variables]
    others = [v.numpy() for v in whole[0].generator.trainable_variables]
    assert not np.allclose(kernels[0], others[0], atol=0.1)


@pytest.mark.parametrize("damage", [
    "truncate",
    "bit flip",
    pytest.param("no data", marks=pytest.mark.slow),
    pytest.param("garbage index", marks=pytest.mark.slow),
])  # fmt: skip
def test_a_damaged_checkpoint_is_passed_over(run, whole, begun, tmp_path, damage, caplog):
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    prefix = tmp_path / "checkpoints" / "ckpt-14"
    content, index = prefix.with_name("ckpt-14.data-00000-of-00001"), f"{prefix}.index"
    bytes_ = content.read_bytes()
    if damage == "truncate":
        content.write_bytes(bytes_[:1000])
    elif damage == "no data":
        content.unlink()
    elif damage == "garbage index":
        with open(index, "wb") as file:
            file.write(b"garbage")
    else:
        middle = len(bytes_) // 2
        content.write_bytes(bytes_[:middle] + bytes([bytes_[middle] ^ 1]) + bytes_[middle + 1 :])
    gan = run(tmp_path, 30)
    assert "ckpt-14 cannot be read, trying the one before" in caplog.text
    assert_equal(gan, whole[0])


def test_damage_of_every_checkpoint_is_an_error_and_deletes_nothing(run, begun, tmp_path):
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    files = sorted(tmp_path.glob("checkpoints/*.data*"))
    for path in files:
        path.write_bytes(b"")
    with pytest.raises(UserError, match="none of the 3 checkpoints .* can be read"):
        run(tmp_path, 30)
    assert sorted(tmp_path.glob("checkpoints/*.data*")) == files


@pytest.mark.slow
def test_the_newest_checkpoints_and_those_to_be_scored_are_kept(run, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "scored_steps", lambda folder: {4})
    run(tmp_path, 10, checkpoint_every=1, keep_checkpoints=3, keep_unscored_every=2)
    assert checkpoints.list_steps(tmp_path) == [2, 6, 8, 9, 10]
    assert tf.train.latest_checkpoint(tmp_path / "checkpoints").endswith("ckpt-10")
    run(tmp_path, 11, checkpoint_every=1, keep_checkpoints=1, keep_unscored_every=0)
    assert checkpoints.list_steps(tmp_path) == [2, 6, 8, 9, 10, 11]
    run(tmp_path, 12, checkpoint_every=1, keep_checkpoints=1)
    assert checkpoints.list_steps(tmp_path) == [12]


def rows(folder):
    return [json.loads(line) for line in open(log_path(str(folder)))]


def event_steps(folder, tag):
    steps = []
    for path in tf.io.gfile.glob(events_dir(str(folder)) + "/*"):
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            steps += [event.step for value in event.summary.value if value.tag == tag]
    return sorted(steps)


def test_logs_hold_every_step_once_though_steps_were_done_twice(run, whole, begun, tmp_path):
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.glob("checkpoints/ckpt-14.*"):
        path.unlink()
    with open(log_path(str(tmp_path)), "a") as log:
        log.write('{"step": 14, "disc')  # a process died here
    run(tmp_path, 30)
    assert [row["step"] for row in rows(tmp_path)] == list(range(1, 31))
    assert event_steps(tmp_path, "generator/loss") == list(range(1, 31))
    assert event_steps(tmp_path, "samples") == [5, 10, 15, 20, 25, 30]
    for row, other in zip(rows(tmp_path), rows(whole[1]), strict=True):
        assert row["discriminator/loss"] == other["discriminator/loss"]


def test_logs_carry_the_speed_and_every_term(whole):
    row = rows(whole[1])[-1]
    assert row["steps_per_second"] > 0
    assert {"discriminator/adversarial/real", "discriminator/gradient_penalty"} <= row.keys()


def test_cutting_back_leaves_what_is_before(tmp_path):
    path = log_path(str(tmp_path))
    tf.io.gfile.makedirs(str(tmp_path / "logs"))
    with open(path, "w") as log:
        log.writelines(json.dumps({"step": step}) + "\n" for step in range(10))
    logs.cut_back(str(tmp_path), 4)
    assert [row["step"] for row in rows(tmp_path)] == [0, 1, 2, 3, 4]


def test_events_are_not_cut_back_through_a_link(tmp_path):
    folder, mine = tmp_path / "logs/tensorboard", tmp_path / "mine"
    folder.mkdir(parents=True)
    for name in ("events.out.tfevents.1", "events.out.tfevents.1.partial"):
        mine.write_text("mine")
        (folder / name).symlink_to(mine)
        with pytest.raises(UserError, match=f"{name} is a link to"):
            logs.cut_back(str(tmp_path), 0)
        assert mine.read_text() == "mine" and (folder / name).is_symlink()
        (folder / name).unlink()


def test_a_loss_that_is_not_finite_stops_with_step_term_and_checkpoint(run, tmp_path):
    def exploding(**arguments):
        return model(rate=1e30, **arguments)

    with pytest.raises(UserError) as caught:
        run(tmp_path, 30, model=exploding)
    message = str(caught.value)
    assert "is not finite" in message and message.startswith("step ")
    assert "generator/" in message or "discriminator/" in message
    assert f"the last good checkpoint is {checkpoints.path(str(tmp_path), 0)}" in message
    assert checkpoints.list_steps(tmp_path) == [0]


def test_weights_that_are_not_finite_are_not_saved(run, tmp_path, digits):
    gan = run(tmp_path, 1)
    gan.generator.trainable_variables[0].assign_add(
        tf.fill(gan.generator.trainable_variables[0].shape, np.nan)
    )
    with pytest.raises(UserError, match="weight .*kernel of generator is not finite"):
        checkpoints.Checkpoints(gan, str(tmp_path), keep=2).save()


@pytest.mark.filterwarnings("ignore:Model doesn't support")  # of Keras, as it drops XLA
def test_xla_after_deterministic_ops_is_refused_and_not_dropped(run, tmp_path):
    run(tmp_path / "first", 1)
    with pytest.raises(UserError, match="train.jit_compile = True cannot be used"):
        run(tmp_path / "second", 1, jit_compile=True)
    assert not (tmp_path / "second").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps_per_execution": 4}, "train.training_steps = 30: .* multiple of .* = 4"),
        ({"log_every": 0}, "train.log_every is 0: it must be a whole number, 1 or more"),
        ({"keep_checkpoints": 0}, "train.keep_checkpoints is 0"),
        ({"batch_size": 0}, "train.batch_size is 0"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_written(
    run, tmp_path, settings, message
):
    with pytest.raises(UserError, match=message):
        run(tmp_path / "run", 30, **settings)
    assert not (tmp_path / "run").exists()


def test_a_batch_that_replicas_cannot_share_is_refused_with_the_next_that_they_can():
    class Four:
        num_replicas_in_sync = 4

    with pytest.raises(UserError, match="batch_size = 63 does not divide among 4.*use 64"):
        check_batch_size(Four, 63)
    check_batch_size(Four, 64)


def test_what_training_gives_the_gan_is_not_replaced_silently(run, tmp_path):
    with pytest.raises(UserError, match="GAN.num_classes is 5, but training sets it to 10"):
        run(tmp_path, 4, model=functools.partial(model, num_classes=5))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_argument_is_told_of_the_function_that_was_called(tmp_path):
    with pytest.raises(TypeError, match=r"^train\(\) got an unexpected keyword argument 'steps'"):
        training.train(str(tmp_path), model=model, dataset=None, steps=3)


def test_an_unknown_strategy_is_refused():
    with pytest.raises(UserError, match="'mirror'.*mirrored"):
        get_strategy("mirror")
    assert get_strategy("default").num_replicas_in_sync == 1


def test_toy_points_train_too(tmp_path):
    def points(sample_shape, num_classes, seed):
        return GAN(
            sample_shape,
            num_classes,
            seed,
            generator=functools.partial(mlp.generator, units=8),
            discriminator=functools.partial(mlp.discriminator, units=8),
            objectives=[Adversarial()],
            latents=latents.Normal(2),
        )

    gan = training.train(
        str(tmp_path), dataset=data.load("gaussian_ring"), model=points, training_steps=3
    )
    assert gan.sample(5, [0, 1]).shape == (5, 2)


def test_the_end_of_training_leaves_a_mark(whole):
    assert (whole[1] / "TRAIN_DONE").read_text() == "30\n"


class Stop(keras.callbacks.Callback):
    """Stops at a step; counts those that it saw."""

    def __init__(self, at):
        super().__init__()
        self.at, self.seen = at, []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(self.model.current_step)
        assert np.isfinite(float(logs["generator/loss"]))
        if self.model.current_step == self.at:
            self.model.stop_training = True


@pytest.mark.slow
def test_callbacks_of_keras_see_each_step_and_may_stop(run, tmp_path):
    """One that stops leaves a checkpoint there, and the same call goes on from it."""
    whole = run(tmp_path / "whole", 9)
    stopping = Stop(at=5)
    assert run(tmp_path / "parts", 9, callbacks=[stopping]).current_step == 5
    assert stopping.seen == [1, 2, 3, 4, 5]
    assert checkpoints.list_steps(str(tmp_path / "parts")) == [0, 5]
    going_on = Stop(at=None)
    assert_equal(whole, run(tmp_path / "parts", 9, callbacks=[going_on]))
    assert going_on.seen == [6, 7, 8, 9]
