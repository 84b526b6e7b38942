"""What evaluations of runs may be asked for, by gin and by plans."""

import glob
import os

import gin
import numpy as np
import pytest

from compare_gan_tf import data, evaluation
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.features import digits_classifier
from compare_gan_tf.runs import results


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": [4]}, r"no checkpoint of step 4, only of \[1, 2, 3\]"),
        ({"splits": ["holdout"]}, "no split 'holdout', only train, validation, test"),
        ({"num_samples": 0}, "evaluate.num_samples is 0"),
        ({"batch_size": 0}, "evaluate.batch_size is 0"),
        ({"every": -1}, "evaluate.every is -1"),
    ],
)
def test_bad_settings_are_one_clear_line_and_write_nothing(run, gan, digits, options, message):
    with pytest.raises(UserError, match=message) as caught:
        evaluation.evaluate(run, gan, digits, **options)
    assert "\n" not in str(caught.value).split("\n  In call to configurable")[0]  # gin's
    assert not os.path.exists(results.path(run))


def test_an_extractor_that_does_not_fit_the_data_is_named(run, gan):
    split = data.Split(np.zeros((4, 9, 9, 1), np.uint8))
    dataset = data.Dataset("large", {"train": split, "test": split})
    with pytest.raises(UserError, match=r"digits-cnn takes .*\(9, 9, 1\).*@raw_features"):
        evaluation.evaluate(run, gan, dataset, extractor=digits_classifier())


def test_a_run_without_checkpoints_says_so(tmp_path, gan, digits):
    with pytest.raises(UserError, match="no checkpoints in .*train first"):
        evaluation.evaluate(tmp_path, gan, digits)


def test_gin_binds_evaluate_and_follow(run, gan, digits, no_bindings):
    open(os.path.join(run, "TRAIN_DONE"), "w").close()
    gin.parse_config(
        """
        evaluate.num_samples = 50
        evaluate.splits = ("test",)
        evaluate.extractor = @raw_features()
        follow.poll_seconds = 1
        """
    )
    rows = evaluation.follow(run, gan, digits)
    assert len({row["protocol_id"] for row in rows}) == 1 and len(rows) == 3
    assert rows[0]["protocol_id"].startswith("fid-raw-digits-test300-fake50-raw-")


def test_gin_rejects_a_misspelt_parameter(no_bindings):
    with pytest.raises(ValueError, match="num_sample"):
        gin.parse_config("evaluate.num_sample = 50")


def test_the_bindings_belong_to_their_modules():
    assert gin.get_configurable("evaluate").__module__ == "compare_gan_tf.evaluation.runs"
    assert gin.get_configurable("follow").__module__ == "compare_gan_tf.evaluation.following"
    for name in ("digits_classifier", "raw_features"):
        assert gin.get_configurable(name).__module__ == "compare_gan_tf.metrics.features"


def test_a_plan_writes_nothing_and_its_run_is_that_of_evaluate(run, gan, digits):
    def there(folder):
        return sorted(glob.glob(f"{folder}/**", recursive=True, include_hidden=True))

    before = there(run)
    plan = evaluation.plan(run, gan, digits, metrics="fid", floor=False)
    assert there(run) == before
    rows = plan.run()
    assert [(row["step"], row["split"]) for row in rows] == [
        (step, split) for step in (1, 2, 3) for split in ("validation", "test")
    ]
    assert evaluation.evaluate(run, gan, digits, metrics="fid", floor=False) == rows


def test_a_plan_scores_checkpoints_that_are_written_after_it(tmp_path, gan, digits, save):
    plan = evaluation.plan(tmp_path / "new", gan, digits, splits=["test"], floor=False)
    with pytest.raises(UserError, match="no checkpoints in .*new: train first"):
        plan.run()
    for step in (5, 6):
        save(gan, tmp_path / "new", step)
        assert [row["step"] for row in plan.run()] == list(range(5, step + 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"num_samples": 2.5},
            "evaluate.num_samples is 2.5: it must be a whole number, 1",
        ),
        ({"seed": -1}, "evaluate.seed is -1: it must be a whole number, 0 or more"),
        ({"truncation": float("nan")}, r"evaluate.truncation is nan: it must be a number in \[0"),
        ({"standing": True}, "evaluate.standing is True: it must be a whole number, 0 or more"),
        ({"splits": "test"}, "evaluate.splits is 'test': it must be a list such as"),
        ({"steps": 3}, "evaluate.steps is 3: it must be a list of steps"),
        ({"metrics": 3}, "evaluate.metrics is 3: it must be names with commas"),
        ({"preset": 3}, "evaluate.preset is 3: it must be the name of a preset, .*ancestor"),
    ],
)
def test_settings_of_the_wrong_kind_are_refused_before_anything_is_read(
    gan, digits, options, message
):
    with pytest.raises(UserError, match=message):
        evaluation.plan("nowhere", gan, digits, **options)
