"""A training that goes back to the last good checkpoint, with lower learning rates."""

import json

import keras
import numpy as np
import pytest
from small_runs import model

from compare_gan_tf import report
from compare_gan_tf.errors import UserError
from compare_gan_tf.optimizers import rates
from compare_gan_tf.optimizers.schedules import linear_decay
from compare_gan_tf.runs import logs, rollbacks
from compare_gan_tf.training import preparing
from compare_gan_tf.training.not_finite import RollBack

# Powers of two are exact: the factor makes a rate that works of one that does not.
EXPLODES, FACTOR, WORKS = 2.0**100, 2.0**-112, 2.0**-12


def of(rate):
    return lambda **arguments: model(rate=rate, **arguments)


def weights(gan):
    return [v.numpy() for v in [*gan.variables, *gan.g_optimizer.variables]]


def assert_equal(one, other):
    for first, second in zip(weights(one), weights(other), strict=True):
        if first.shape != ():  # the learning rate of the config
            np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("is_schedule", [False, True])
def test_it_ends_where_the_lower_rate_ends(run, tmp_path, is_schedule):
    def rate(start):
        return linear_decay(start=start, end=start / 2, steps=16) if is_schedule else start

    gan = run(tmp_path / "a", 10, model=of(rate(EXPLODES)), not_finite=RollBack(3, FACTOR))
    assert_equal(gan, run(tmp_path / "b", 10, model=of(rate(WORKS))))
    (row,) = rollbacks.read(str(tmp_path / "a"))
    assert row["restored"] == 0 and row["rate"] == FACTOR
    assert row["term"].startswith(("discriminator", "generator"))
    steps = [row["step"] for row in logs.read(str(tmp_path / "a"))]
    assert steps == [*range(1, 11)]


def test_a_resumed_run_has_the_lower_rate_and_counts_what_was(run, tmp_path):
    settings = {"model": of(EXPLODES), "not_finite": RollBack(1, FACTOR)}
    run(tmp_path / "a", 7, **settings)
    gan = run(tmp_path / "a", 14, **settings)
    assert_equal(gan, run(tmp_path / "b", 14, model=of(WORKS)))
    assert len(rollbacks.read(str(tmp_path / "a"))) == 1


def test_after_so_many_times_it_stops(run, tmp_path):
    with pytest.raises(UserError, match=r"is not finite; .* went back 1 times, each time with"):
        run(tmp_path, 10, model=of(EXPLODES), not_finite=RollBack(1, 0.5))
    assert len(rollbacks.read(str(tmp_path))) == 1


def test_weights_that_are_not_finite_go_back_too(run, tmp_path, monkeypatch):
    """Found when a checkpoint is written, in another thread."""
    from compare_gan_tf.runs import snapshots

    found = iter([None, "weight kernel of generator"])
    monkeypatch.setattr(snapshots, "not_finite", lambda *_: next(found, None))
    run(tmp_path, 14, not_finite=RollBack(1))
    (row,) = rollbacks.read(str(tmp_path))
    assert row == {
        "step": 7,
        "term": "weight kernel of generator",
        "restored": 0,
        "rate": 0.5,
    }


def test_each_time_the_rates_are_lower_again(run, tmp_path, monkeypatch):
    from compare_gan_tf.runs import snapshots

    found = iter([None, "one weight", "another weight"])
    monkeypatch.setattr(snapshots, "not_finite", lambda *_: next(found, None))
    gan = run(tmp_path, 14, model=of(0.5), not_finite=RollBack(2))
    assert [(row["term"], row["rate"]) for row in rollbacks.read(str(tmp_path))] == [
        ("one weight", 0.5), ("another weight", 0.25),
    ]  # fmt: skip
    assert float(gan.g_optimizer.learning_rate) == float(gan.d_optimizer.learning_rate) == 0.125


def test_without_a_failure_it_changes_nothing(run, whole, tmp_path):
    gan = run(tmp_path, 30, not_finite=RollBack())
    for first, second in zip(weights(gan), weights(whole[0]), strict=True):
        np.testing.assert_array_equal(first, second)
    assert rollbacks.read(str(tmp_path)) == []


def test_a_page_tells_of_it(run, tmp_path, digits):
    gan = run(tmp_path, 7)
    rollbacks.add(str(tmp_path), {"step": 5, "term": "D", "restored": 0, "rate": 0.5})
    with open(report.write_report(str(tmp_path), gan, digits)) as page:
        assert "At step 5 D was not finite: training went back to step 0, with" in page.read()


@pytest.mark.parametrize("line", ["{", json.dumps({"step": 1}), "[]", json.dumps({"step": "x"})])
def test_a_damaged_file_is_told(tmp_path, line):
    (tmp_path / rollbacks.FILE).write_text(line + "\n")
    with pytest.raises(UserError, match=r"rollbacks.jsonl is damaged"):
        rollbacks.read(str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"times": 0}, "RollBack.times is 0"),
        ({"factor": 1.0}, "RollBack.factor is 1.0"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        RollBack(**settings)


def test_several_workers_are_refused():
    with pytest.raises(UserError, match="train.not_finite goes back on one worker"):
        preparing._prepare_to_go_back(RollBack(), None, 2)


def test_a_gan_that_can_go_back_keeps_its_schedule_when_saved(run, tmp_path):
    """With two updates of D per step; a schedule converted twice would run at half its speed."""
    rate = linear_decay(start=0.02, steps=10)
    gan = run(tmp_path / "run", 6, model=of(rate), not_finite=RollBack())
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    for one in (gan, loaded):
        assert float(one.d_optimizer.learning_rate) == pytest.approx(0.02 * 0.4, rel=1e-5)
        assert float(one.g_optimizer.learning_rate) == pytest.approx(0.02 * 0.4, rel=1e-5)


def test_a_scaled_schedule_is_saved():
    schedule = rates.Scaled(linear_decay(start=1.0, steps=10), 0.25)
    again = rates.Scaled.from_config(
        {"schedule": keras.saving.serialize_keras_object(schedule.schedule)}
        | {"factor": schedule.get_config()["factor"]}
    )
    assert float(schedule(5)) == float(again(5)) == 0.125
