"""What is read of a run's folder."""

import json

import pytest
import run_folders

from compare_gan_tf.comparison import Run
from compare_gan_tf.comparison.folders import Rule, read_run
from compare_gan_tf.errors import UserError

SCORES = {
    "fid validation": [9.0, 5.0, 7.0, 5.0],
    "fid test": [8.0, 6.0, 4.0, 6.5],
    "recall test": [0.1, 0.2, 0.3, 0.4],
}


def read(tmp_path, scores=SCORES, rule=None, **settings):
    folder = run_folders.write(tmp_path / "run", scores, **settings)
    return read_run(folder, rule or Rule(), name="run", variant={"loss": "hinge"})


def test_the_best_checkpoint_is_chosen_on_one_split_and_reported_on_the_other(tmp_path):
    """Of the equals 5.0 at 200 and 400 the later one."""
    run = read(tmp_path)
    fid = run.scores["fid"]
    assert fid.curve == [(100, 9.0), (200, 5.0), (300, 7.0), (400, 5.0)]
    assert (fid.best_step, fid.best, fid.last) == (400, 6.5, 6.5)
    assert fid.best_interval == [5.5, 7.5]
    assert (run.status, run.reason, run.seed, run.task) == ("complete", None, 0, "digits")


def test_other_metrics_are_of_the_same_checkpoint(tmp_path):
    scores = SCORES | {"fid validation": [9.0, 5.0, 7.0, 6.0]}
    recall = read(tmp_path, scores).scores["recall"]
    assert (recall.best_step, recall.best, recall.last) == (200, 0.2, 0.4)


def test_higher_may_be_better(tmp_path):
    scores = {"recall validation": [0.1, 0.9, 0.3], "recall test": [0.2, 0.5, 0.6]}
    recall = read(tmp_path, scores, Rule(metric="recall")).scores["recall"]
    assert (recall.best_step, recall.best) == (200, 0.5)


def test_the_last_checkpoint_may_count(tmp_path):
    scores = SCORES | {"fid validation": [1.0, 5.0, 7.0, 6.0]}
    fid = read(tmp_path, scores, Rule(checkpoint="last")).scores["fid"]
    assert (fid.best_step, fid.best) == (400, 6.5)


def test_the_cost_is_counted(tmp_path):
    """400 steps of 5 updates of D on 64 reals; a step passes G 5 + 1 and D 10 + 1 times."""
    run = read(tmp_path, config={"GAN.d_steps": "5"})
    assert (run.steps, run.images, run.seconds) == (400, 400 * 5 * 64, 8.0)
    assert run.multiply_adds == 400 * 64 * (6 * 1000 + 11 * 2000)


@pytest.mark.parametrize(
    "scores, status, reason",
    [
        ({}, "waiting", "it has no scores"),
        ({"fid validation": [1.0]}, "waiting", "fid was not scored on the split 'test'"),
        ({"fid test": [1.0]}, "waiting", "fid was not scored on the split 'validation'"),
        ({"fid validation": [None], "fid test": [1.0]}, "failed", "the samples are not finite"),
        ({"fid validation": [1.0], "fid test": [None]}, "failed", "the samples are not finite"),
        (
            {"kid validation": [1.0], "kid test": [1.0]},
            "waiting",
            "fid was not scored on the split 'validation'",
        ),
    ],
)
def test_a_run_without_a_score_has_failed_or_waits_and_says_why(tmp_path, scores, status, reason):
    run = read(tmp_path, scores)
    assert run.status == status and reason in run.reason


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"has no config.gin: it is no run"):
        read_run(str(tmp_path), Rule(), name="run", variant={})


def test_a_run_goes_through_json(tmp_path):
    run = read(tmp_path)
    assert Run.from_json(json.loads(json.dumps(run.to_json()))) == run
    assert Run.from_json(run.to_json() | {"of a later version": 1}) == run
