"""What a checkpoint must hold to be taken for one, and which are deleted."""

import os

import pytest
import small_gan
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.runs import checkpoints


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
