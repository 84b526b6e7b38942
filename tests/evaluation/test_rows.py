"""One form of a score, in the file of a run and in that of a comparison."""

from compare_gan_tf.evaluation import stores
from compare_gan_tf.evaluation.outcomes import Outcome, row
from compare_gan_tf.metrics.protocol import Protocol
from compare_gan_tf.runs import results

PROTOCOL = Protocol(metric="fid", n_fake=10, seed=0)
OUTCOME = Outcome("fid", 2.5, None, [2.0, 3.0], ("few",))


def test_a_row_of_a_run_is_that_of_a_comparison_and_which_checkpoint_it_is_of(monkeypatch):
    monkeypatch.setattr(results, "now", lambda: "2020-01-01T00:00:00+00:00")
    plain = row(OUTCOME, PROTOCOL, 0.1, ["train", "few"])
    which = {"step": 3, "checkpoint": "abc", "split": "test"}
    (of_run,) = stores._of_run("runs/mine/", [plain], **which)
    assert of_run == {"run": "mine", **which, **plain}
    assert next(iter(of_run)) == "run"  # by which a file of ours is known
    assert results.Score.__required_keys__ == plain.keys() - {"warnings"}
    assert results.Row.__required_keys__ == of_run.keys() - {"warnings"}
    assert plain["warnings"] == ["train", "few"] and plain["value"] == 2.5
    assert plain["protocol_id"] == PROTOCOL.id and results.is_sound(of_run)


def test_without_a_value_there_is_nothing_to_warn_of():
    failed = OUTCOME._replace(value=None, reason="why", interval=None)
    assert "warnings" not in row(failed, PROTOCOL, 0.1, ["train"])
    assert "warnings" not in row(OUTCOME._replace(warnings=()), PROTOCOL, 0.1)
