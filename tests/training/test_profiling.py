"""Profiles of a few steps: which steps, what is written, and that the run stays the same."""

import gzip
import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.training import profiling

pytestmark = pytest.mark.optimised_graphs


@pytest.mark.parametrize(
    ("asked", "left", "per_execution", "expected"),
    [
        (True, 100, 1, (6, 10)),
        (True, 100, 2, (7, 12)),  # three executions of two steps
        (True, 100, 50, (51, 100)),  # the second execution
        ((10, 20), 20, 1, (10, 20)),
        ([3, 3], 20, 10, (3, 3)),
    ],
)
def test_the_window_is_what_was_asked_or_lies_after_the_first_steps(
    asked, left, per_execution, expected
):
    assert profiling.window(asked, [3, 7], 7 + left, per_execution) == expected


@pytest.mark.parametrize(
    ("asked", "left", "message"),
    [
        ((0, 3), 9, "profile = 0,3: the steps must be 1 <= FIRST <= LAST"),
        ((4, 3), 9, "profile = 4,3: the steps must be 1 <= FIRST <= LAST"),
        ((4, 10), 9, "this training has 9 steps left; choose FIRST,LAST of 1 to 9"),
        (True, 9, "profile = 6,10: this training has 9 steps left"),
        (True, 0, "this training has 0 steps left; increase train.training_steps"),
    ],
)
def test_a_window_outside_of_the_training_is_refused(asked, left, message):
    with pytest.raises(UserError) as caught:
        profiling.window(asked, [], left, 1)
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [(1,), (1, 2, 3), (1.0, 2), "1,2", (True, 2), 5])
def test_something_else_is_refused_before_anything_is_made(run, tmp_path, value):
    with pytest.raises(UserError, match="train.profile"):
        run(tmp_path / "run", 5, profile=value)
    assert not (tmp_path / "run").exists()


def test_a_profile_has_the_steps_and_changes_no_bit_of_the_weights(run, whole, tmp_path, capsys):
    run(tmp_path, 19)
    gan = run(tmp_path, 30, profile=(3, 4))  # resumed at 19: the steps 22 and 23
    for variable, other in zip(gan.variables, whole[0].variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), other.numpy(), err_msg=variable.path)
    (folder,) = (tmp_path / "logs/tensorboard/plugins/profile").iterdir()
    assert f"steps 22 to 23 are profiled in {folder}" in capsys.readouterr().out
    assert [len(list(folder.glob(f"*.{kind}"))) for kind in ("xplane.pb", "trace.json.gz")] == [
        1,
        1,
    ]
    (trace,) = folder.glob("*.trace.json.gz")
    events = json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"]
    spans = [event for event in events if event["ph"] == "X"]
    steps = sorted((event["ts"], event["dur"]) for event in spans if event["name"] == "train")
    assert len(steps) == 2
    # The products of both steps, and of none before or after.
    products = [event["ts"] for event in spans if "MatMul" in event["name"]]
    assert products and min(products) >= steps[0][0]
    assert max(products) <= steps[1][0] + steps[1][1]


@pytest.mark.slow
def test_steps_of_one_execution_are_profiled_together(run, tmp_path, capsys):
    settings = dict(steps_per_execution=5, checkpoint_every=10, log_every=5)
    run(tmp_path, 20, profile=(7, 8), **settings)
    assert "steps 6 to 10 are profiled in" in capsys.readouterr().out


def test_a_training_that_stops_early_drops_the_profile(run, tmp_path, caplog):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    gan = run(tmp_path, 20, profile=(1, 9), callbacks=[Stop()])
    assert gan.current_step == 1
    assert "training ended before step 9: no profile is written" in caplog.text
    assert not (tmp_path / "logs/tensorboard/plugins").exists()
    tf.profiler.experimental.start(str(tmp_path))  # another may begin
    tf.profiler.experimental.stop(save=False)


def test_a_profile_that_cannot_be_written_costs_no_training(run, tmp_path, caplog):
    (tmp_path / "logs/tensorboard/plugins").mkdir(parents=True)
    (tmp_path / "logs/tensorboard/plugins/profile").write_text("in the way")
    assert run(tmp_path, 3, profile=(1, 1)).current_step == 3
    assert "the profile of steps 1 to 1 is not written" in caplog.text


@pytest.mark.slow
def test_another_profiler_in_the_process_costs_no_training(run, tmp_path, caplog):
    tf.profiler.experimental.start(str(tmp_path / "other"))
    try:
        assert run(tmp_path / "run", 3, profile=(1, 2)).current_step == 3
    finally:
        tf.profiler.experimental.stop(save=False)
    assert "no profile is written: Another profiler is running" in caplog.text


def test_the_trace_has_chromes_form():
    names = {7: types.SimpleNamespace(name="Conv2D")}
    event = types.SimpleNamespace(metadata_id=7, offset_ps=2_000_000, duration_ps=500_000)
    line = types.SimpleNamespace(
        display_name="", name="python", id=9, timestamp_ns=3_000, events=[event]
    )
    plane = types.SimpleNamespace(name="/host:CPU", lines=[line], event_metadata=names)
    assert profiling.trace_events(types.SimpleNamespace(planes=[plane])) == [
        {"ph": "M", "name": "process_name", "args": {"name": "/host:CPU"}, "pid": 0},
        {"ph": "M", "name": "thread_name", "args": {"name": "python"}, "pid": 0, "tid": 0},
        {"ph": "X", "name": "Conv2D", "pid": 0, "tid": 0, "ts": 5.0, "dur": 0.5},
    ]
