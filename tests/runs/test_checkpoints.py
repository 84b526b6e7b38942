"""What a checkpoint must hold to be taken for one, and which are deleted."""

import logging
import os
import threading

import pytest
import small_gan
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives import Adversarial, LeCam
from compare_gan_tf.runs import checkpoints
from compare_gan_tf.storage import background


@pytest.fixture(scope="module")
def gan():
    return small_gan.make()


def save(gan, folder, step, keep=2):
    gan.step.value.assign(step)
    saver = checkpoints.Checkpoints(gan, str(folder), keep=keep)
    saver.save()
    return saver


def test_a_damaged_newer_checkpoint_does_not_cost_the_one_just_saved(gan, tmp_path):
    for step in (4, 8):
        save(gan, tmp_path, step)
    next(tmp_path.glob("checkpoints/ckpt-8.data*")).write_bytes(b"")
    assert checkpoints.Checkpoints(gan, str(tmp_path), keep=1).restore() == 4
    save(gan, tmp_path, 5, keep=1)
    assert checkpoints.list_steps(str(tmp_path)) == [5, 8]


@pytest.mark.parametrize("decays", [(None, 0.9), (0.9, None)])
def test_a_checkpoint_that_lacks_or_exceeds_the_gans_variables_is_refused(tmp_path, decays):
    before, after = (small_gan.make(ema_decay=decay) for decay in decays)
    save(before, tmp_path, 4)
    with pytest.raises(UserError, match="none of the 1 checkpoints .* written with another config"):
        checkpoints.Checkpoints(after, str(tmp_path), keep=1).restore()


def test_players_without_an_average_are_no_players_of_a_gan_that_has_one(gan, tmp_path):
    save(gan, tmp_path, 4)
    assert not checkpoints.has_average(checkpoints.path(str(tmp_path), 4))
    with pytest.raises(UserError, match="cannot read checkpoint .*ckpt-4"):
        checkpoints.restore_players(small_gan.make(ema_decay=0.9), str(tmp_path), 4)


def test_the_step_comes_with_the_players(gan, tmp_path):
    save(gan, tmp_path, 4)
    gan.step.value.assign(9)
    checkpoints.restore_players(gan, str(tmp_path), 4)
    assert gan.current_step == 4


def test_a_full_disk_leaves_nothing_of_its_step_and_all_before(gan, tmp_path, monkeypatch):
    saver = save(gan, tmp_path, 4)
    before = sorted(os.listdir(tmp_path / "checkpoints"))

    def full(checkpoint_number):
        prefix = checkpoints.path(str(tmp_path), checkpoint_number)
        for name in (f"{prefix}.data-00000-of-00001", f"{prefix}.index"):
            with open(name, "w") as file:
                file.write("half")
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(saver._manager, "save", full)
    gan.step.value.assign(9)
    with pytest.raises(UserError, match="No space left .* the last good checkpoint is .*ckpt-4"):
        saver.save()
    assert sorted(os.listdir(tmp_path / "checkpoints")) == before


def test_a_copy_of_the_best_stands_in_for_a_deleted_checkpoint_alone(tmp_path):
    folder = tmp_path / "checkpoints"
    own, copy = (str(place / "ckpt-4") for place in (folder, folder / "best"))
    (folder / "best").mkdir(parents=True)
    assert checkpoints.find(str(tmp_path), 4) == own  # there is neither
    (folder / "best" / "ckpt-4.index").touch()
    assert checkpoints.find(str(tmp_path), 4) == copy
    (folder / "ckpt-4.index").touch()
    assert checkpoints.find(str(tmp_path), 4) == own


def test_a_checkpoint_that_cannot_be_read_has_no_average(tmp_path):
    save(small_gan.make(ema_decay=0.9), tmp_path, 4)
    prefix = checkpoints.path(str(tmp_path), 4)
    assert checkpoints.has_average(prefix)
    (tmp_path / "checkpoints" / "ckpt-4.index").write_bytes(b"broken")
    assert not checkpoints.has_average(prefix)
    assert not checkpoints.has_average(f"{prefix}-of-none")


def test_rates_of_the_config_win_over_those_of_the_checkpoint(gan, tmp_path, caplog):
    save(gan, tmp_path, 4)
    other = small_gan.make(rates=(0.1, 0.3))
    with caplog.at_level(logging.WARNING, logger="absl"):
        assert checkpoints.Checkpoints(other, str(tmp_path), keep=1).restore() == 4
    rates = [float(one.learning_rate.numpy()) for one in (other.g_optimizer, other.d_optimizer)]
    assert rates == pytest.approx([0.1, 0.3])
    (record,) = caplog.records  # of D's alone
    assert record.getMessage().endswith("is 0.3, as it is bound; in the checkpoint it was 0.1")


def test_a_run_without_checkpoints_is_at_step_0(gan, tmp_path):
    saver = checkpoints.Checkpoints(gan, str(tmp_path), keep=1)
    assert (saver.restore(), saver.newest) == (0, "none")


@pytest.mark.parametrize(
    ("every", "kept"), [(None, [10]), (4, [4, 8, 10]), (0, [4, 6, 8, 10]), (5, [10])]
)
def test_old_checkpoints_wait_for_their_scores(gan, tmp_path, every, kept):
    saver = checkpoints.Checkpoints(gan, str(tmp_path), keep=1, keep_unscored_every=every)
    for step in (4, 6, 8, 10):
        gan.step.value.assign(step)
        saver.save()
    assert checkpoints.list_steps(str(tmp_path)) == kept


def test_the_newest_is_known_once_it_is_written(gan, tmp_path, monkeypatch):
    saver, writes, waits = save(gan, tmp_path, 4), threading.Event(), []
    monkeypatch.setattr(
        checkpoints.concurrent.futures, "wait", lambda futures: waits.extend(futures)
    )
    write = saver._manager.save
    monkeypatch.setattr(saver._manager, "save", lambda **step: (writes.wait(60), write(**step)))
    gan.step.value.assign(9)
    writer = background.Background()
    saver.save_later(writer)
    assert saver.newest.endswith("ckpt-4") and len(waits) == 1  # it has waited, were it not for us
    writes.set()
    writer.wait()
    assert saver.newest.endswith("ckpt-9")


def test_loss_scales_are_part_of_a_checkpoint(tmp_path):
    gan = small_gan.make(precision="mixed_float16")
    save(gan, tmp_path, 4)
    for scale in gan.loss_scales.values():
        scale.scale.value.assign(2.0)
    assert checkpoints.Checkpoints(gan, str(tmp_path), keep=1).restore() == 4
    assert all(float(scale.scale.numpy()) > 2.0 for scale in gan.loss_scales.values())


def test_players_can_be_read_without_the_average(tmp_path):
    gan = small_gan.make(ema_decay=0.9)
    save(gan, tmp_path, 4)
    parts = (gan.generator, gan.discriminator, gan.ema)
    before = [small_gan.values(part) for part in parts]
    for part in parts:
        for variable in part.variables:
            variable.assign(variable + 1)
    checkpoints.read_players(gan, checkpoints.path(str(tmp_path), 4), average=False)
    moved = [
        small_gan.moved(then, small_gan.values(p)) for then, p in zip(before, parts, strict=True)
    ]
    assert not any(moved[0] + moved[1]) and all(moved[2])


def test_what_a_killed_process_left_half_written_is_removed(gan, tmp_path):
    folder = tmp_path / "checkpoints"
    (folder / "ckpt-8_temp").mkdir(parents=True)
    for name in ("ckpt-8_temp/part", "ckpt-4.index.tempstate12", "checkpoint.tmpab1", "notes"):
        (folder / name).touch()
    checkpoints.Checkpoints(gan, str(tmp_path), keep=1)
    assert os.listdir(folder) == ["notes"]


def test_an_old_checkpoint_loses_its_index_first(gan, tmp_path, monkeypatch):
    """A kill in between leaves files that no one takes for a checkpoint."""
    save(gan, tmp_path, 4)
    removed, delete = [], checkpoints._delete
    monkeypatch.setattr(checkpoints, "_delete", lambda name: (removed.append(name), delete(name)))
    save(gan, tmp_path, 9, keep=1)
    assert removed[0].endswith("ckpt-4.index") and len(removed) == 2


def test_what_objectives_have_observed_comes_from_the_checkpoint(tmp_path):
    gan = small_gan.make([Adversarial(), LeCam()])
    state = [v for v in gan.objectives[1].variables if not getattr(v, "is_setting", False)]
    assert state
    for value, step in ((3.0, 4), (5.0, None)):
        for variable in state:
            variable.assign(tf.fill(variable.shape, value))
        if step:
            save(gan, tmp_path, step)
    assert checkpoints.Checkpoints(gan, str(tmp_path), keep=1).restore() == 4
    assert all((variable.numpy() == 3.0).all() for variable in state)
