"""Bits of a checkpoint that flip, and parts that are lost: all are told, and none is trained on.

COMPARE_GAN_DAMAGES says how many times; `make test-faults` takes 300.
"""

import os
import random

import numpy as np
import pytest
import small_gan

from compare_gan_tf.errors import UserError
from compare_gan_tf.runs import checkpoints, snapshots

NUMBER = int(os.environ.get("COMPARE_GAN_DAMAGES", "24"))
BOUND = "learning_rate"  # the config's wins over that of a checkpoint


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """(GAN, folder, {step: its variables}) of a run with two checkpoints."""
    gan, folder = small_gan.make(ema_decay=0.9), tmp_path_factory.mktemp("run")
    rng, values = np.random.default_rng(0), {}
    for step in (4, 8):
        gan.step.value.assign(step)
        for variable in checkpoints.all_variables(gan):
            if variable.dtype.is_floating and BOUND not in variable.name:
                variable.assign(rng.normal(size=variable.shape))
        checkpoints.Checkpoints(gan, str(folder), keep=5).save()
        values[step] = state(gan)
    return gan, folder, values


def state(gan):
    return [variable.numpy().tobytes() for variable in checkpoints.all_variables(gan)]


def damaged(content, kind, draw):
    """None for a file that is missing."""
    changed, place = bytearray(content), draw.randrange(len(content))
    if kind == "bit":
        changed[place] ^= 1 << draw.randrange(8)
    elif kind == "zeros":
        length = min(draw.randint(1, 5000), len(content) - place)
        changed[place : place + length] = bytes(length)
    elif kind == "cut":
        del changed[place:]
    else:
        return None
    return bytes(changed)


def test_damage_is_told_and_the_checkpoint_before_is_taken(run, caplog):
    gan, folder, values = run
    draw, found, harmless = random.Random(0), [], 0
    files = sorted(folder.glob("checkpoints/ckpt-8.*"))
    assert len(files) == 2
    for number in range(NUMBER):
        path, kind = draw.choice(files), ("bit", "zeros", "cut", "missing")[number % 4]
        whole = path.read_bytes()
        content = damaged(whole, kind, draw)
        if content == whole:  # zeros where there were some
            continue
        path.unlink() if content is None else path.write_bytes(content)
        caplog.clear()
        step = checkpoints.Checkpoints(gan, str(folder), keep=5).restore()
        assert state(gan) == values[step], (path.name, kind)
        if step == 8:  # such as a bit in a space that the format leaves
            harmless += 1
            path.write_bytes(whole)
            continue
        # Without its index a checkpoint is none; TensorFlow writes it last.
        is_there = (folder / "checkpoints" / "ckpt-8.index").exists()
        assert ("ckpt-8 cannot be read, trying the one before" in caplog.text) == is_there
        assert not snapshots.is_whole(checkpoints.path(str(folder), 8))
        with pytest.raises(UserError, match="cannot read checkpoint .*ckpt-8.*; name another"):
            checkpoints.restore_players(gan, str(folder), 8)
        path.write_bytes(whole)
        found.append(kind)
    assert len(found) > 0.8 * NUMBER and harmless < 0.1 * NUMBER
    assert checkpoints.Checkpoints(gan, str(folder), keep=5).restore() == 8
    assert state(gan) == values[8]


def test_the_note_of_tensorflow_beside_the_checkpoints_is_not_needed(run):
    """The file `checkpoint`, which is no more than a list."""
    gan, folder, values = run
    path, draw = folder / "checkpoints" / "checkpoint", random.Random(1)
    whole = path.read_bytes()
    for kind in ("bit", "bit", "zeros", "cut", "missing"):
        content = damaged(whole, kind, draw)
        path.unlink() if content is None else path.write_bytes(content)
        assert checkpoints.Checkpoints(gan, str(folder), keep=5).restore() == 8
        path.write_bytes(whole)
    path.write_bytes(b"\xff" + whole)  # no text
    assert checkpoints.Checkpoints(gan, str(folder), keep=5).restore() == 8
    assert state(gan) == values[8]
    path.write_bytes(whole)
