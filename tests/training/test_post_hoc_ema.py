"""Averages for post-hoc EMA along a run: snapshots, resuming, and what is refused."""

import threading

import keras
import numpy as np
import pytest
from small_runs import model

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives import Adversarial
from compare_gan_tf.optimizers import PostHocEMA
from compare_gan_tf.optimizers.post_hoc import averaged
from compare_gan_tf.runs import checkpoints, ema_snapshots

EVERY = 7  # divides the steps between checkpoints, 14


def plain(**given):
    return model(**given, objectives=[Adversarial()])


def tracking(**given):
    averages = PostHocEMA((0.05, 0.1), EVERY)
    return model(**given, objectives=[Adversarial()], post_hoc_ema=averages)


def at_step(step, function):
    """A callback that calls a function after a step of a run that begins at 0."""
    return keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: function() if batch + 1 == step else None
    )


def files(folder):
    """{step: the bytes of its snapshot}."""
    steps = ema_snapshots.list_steps(str(folder))
    return {s: (folder / "ema" / f"{s}.npz").read_bytes() for s in steps}


@pytest.fixture(scope="module")
def tracked(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tracked")
    return run(folder, 28, model=tracking, checkpoint_every=14), folder


def test_snapshots_are_those_of_the_training(tracked):
    gan, folder = tracked
    assert list(files(folder)) == [7, 14, 21, 28]
    with np.load(folder / "ema" / "28.npz") as arrays:
        for length, averages in zip(gan.post_hoc.lengths, gan.post_hoc.averages, strict=True):
            for index, average in enumerate(averages):
                found = arrays[f"{length:g}/{index}"]
                assert found.dtype == np.float32 and np.array_equal(found, average)
        assert len(arrays.files) == len(gan.post_hoc.variables)


def test_averages_change_no_weight_of_the_players(run, tracked, tmp_path):
    untracked = run(tmp_path, 28, model=plain, checkpoint_every=14)
    assert not (tmp_path / "ema").exists()
    for name in ("generator", "discriminator", "ema"):
        pairs = zip(getattr(untracked, name).variables, getattr(tracked[0], name).variables,
                    strict=True)  # fmt: skip
        assert all(np.array_equal(one, other) for one, other in pairs), name


def test_a_run_that_is_resumed_has_the_same_snapshots(run, tracked, tmp_path):
    def end():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # after the snapshot of 21, before the next checkpoint
        run(tmp_path, 28, model=tracking, checkpoint_every=14, callbacks=[at_step(24, end)])
    assert checkpoints.list_steps(str(tmp_path)) == [0, 14]
    assert list(files(tmp_path)) == [7, 14, 21]
    (tmp_path / "ema" / "21.npz").write_bytes(b"of a training that is lost")
    run(tmp_path, 28, model=tracking, checkpoint_every=14)
    assert files(tmp_path) == files(tracked[1])


def test_steps_go_on_while_a_snapshot_is_written(run, tmp_path, monkeypatch):
    ready, waited = threading.Event(), []
    write = ema_snapshots.write

    def slowly(*arguments):
        waited.append(ready.wait(60))
        write(*arguments)

    monkeypatch.setattr(ema_snapshots, "write", slowly)
    run(tmp_path, 14, model=tracking, checkpoint_every=14, callbacks=[at_step(12, ready.set)])
    assert waited == [True, True]
    assert list(files(tmp_path)) == [7, 14]


def test_an_average_of_a_run_scores_as_its_generator(tracked):
    """After 28 steps 4 snapshots make the tracked lengths alone; the one of 0.1 is the tracked."""
    gan, folder = tracked
    checkpoints.restore_players(gan, str(folder), 28)
    ema_snapshots.reconstruct(gan, str(folder), 0.1)
    tracked_ = gan.post_hoc.averages[1]
    for one, other in zip(averaged(gan.ema.generator), tracked_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"checkpoint_every": 10}, "train.checkpoint_every = 10: it must be a multiple of "
         "PostHocEMA.snapshot_every = 7"),
        ({"steps": 30, "checkpoint_every": 14}, "train.training_steps = 30: it must be a multiple"),
        ({"steps": 28, "checkpoint_every": 14, "log_every": 2, "sample_every": 2,
          "steps_per_execution": 2}, "PostHocEMA.snapshot_every = 7: it must be a multiple of "
         "train.steps_per_execution = 2"),
    ],
)  # fmt: skip
def test_snapshots_that_miss_a_checkpoint_are_refused(run, tmp_path, settings, message):
    with pytest.raises(UserError) as error:
        run(tmp_path / "run", **{"steps": 70, **settings}, model=tracking)
    assert str(error.value).startswith(message)
    assert not (tmp_path / "run").exists()
