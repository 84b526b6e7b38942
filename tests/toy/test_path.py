import types

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.toy import path


@pytest.fixture
def run(monkeypatch):
    """Makes a run of some checkpoints, of which a frame is the step."""

    def make(steps):
        monkeypatch.setattr(path.checkpoints, "list_steps", lambda model_dir: steps)
        monkeypatch.setattr(path.checkpoints, "restore_players", lambda gan, model_dir, step: None)
        monkeypatch.setattr(path, "_frame", lambda gan, step, square, log_p: step)
        return "run", None, types.SimpleNamespace(density=None)

    return make


def test_frames_are_those_of_all_checkpoints_or_of_the_last(run):
    assert path.frames(*run([0, 10, 20])) == [0, 10, 20]
    assert path.frames(*run([0, 10, 20]), last=2) == [10, 20]
    assert path.frames(*run([0]), last=2) == [0]


def test_a_run_without_checkpoints_is_refused(run):
    with pytest.raises(UserError, match="no checkpoints in run"):
        path.frames(*run([]), last=1)


def test_a_run_whose_logs_are_gone_has_no_estimates(tmp_path):
    assert path.learned(str(tmp_path)) == {}
