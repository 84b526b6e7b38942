"""Scores as scalars of TensorBoard, each once."""

import os

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import evaluation
from compare_gan_tf.evaluation import scalars
from compare_gan_tf.runs import logs, results


def events(run):
    """[(tag, step, value)] in the order they were written."""
    found, folder = [], scalars.folder(run)
    for name in sorted(os.listdir(folder)):
        for event in tf.compat.v1.train.summary_iterator(os.path.join(folder, name)):
            found += [(v.tag, event.step, v.simple_value) for v in event.summary.value]
    return found


def test_each_score_is_a_scalar_at_its_step(run, gan, digits):
    rows = evaluation.evaluate(run, gan, digits)
    found = {(tag, step): value for tag, step, value in events(run)}
    assert len(found) == len(events(run)) == 6
    for row in rows:
        value = found[f"scores/fid/{row['split']}", row["step"]]
        assert value == np.float32(row["value"])


def test_what_is_there_is_not_written_again(run, gan, digits):
    evaluation.evaluate(run, gan, digits, steps=[1, 2])
    files = os.listdir(scalars.folder(run))
    evaluation.evaluate(run, gan, digits, steps=[1, 2])
    assert os.listdir(scalars.folder(run)) == files
    evaluation.evaluate(run, gan, digits)
    assert len(events(run)) == 6


def test_scores_of_other_weights_and_protocols_are_other_scalars(run, gan, digits, save):
    evaluation.evaluate(run, gan, digits, steps=[1], splits=["test"])
    save(gan, run, 1, seed=9)
    evaluation.evaluate(run, gan, digits, steps=[1], splits=["test"])
    assert [one[:2] for one in events(run)] == [("scores/fid/test", 1)] * 2
    (row,) = evaluation.evaluate(run, gan, digits, steps=[1], splits=["test"], num_samples=99)
    assert events(run)[-1][0] == f"scores/fid/test/{row['protocol_id']}"
    assert len(events(run)) == 3


@pytest.mark.parametrize("rest", [b"half a record", b""])
def test_what_a_crash_cut_off_comes_with_the_next_evaluation(run, gan, digits, rest):
    evaluation.evaluate(run, gan, digits, steps=[1])
    (name,) = os.listdir(scalars.folder(run))
    path = os.path.join(scalars.folder(run), name)
    records = list(tf.data.TFRecordDataset(path).as_numpy_iterator())
    with tf.io.TFRecordWriter(path) as writer:
        for record in records[:-1]:
            writer.write(record)
    with open(path, "ab") as file:
        file.write(rest)
    evaluation.evaluate(run, gan, digits, steps=[1])
    known = scalars._read_events(scalars.folder(run))
    assert known.keys() == {("scores/fid/validation", 1), ("scores/fid/test", 1)}


def test_a_training_that_resumes_leaves_them_as_they_are(run, gan, digits):
    evaluation.evaluate(run, gan, digits)
    os.makedirs(logs.events_dir(run))
    before = events(run)
    logs.cut_back(run, 1)
    assert events(run) == before


def test_a_failed_score_is_none_and_a_huge_one_fits(tmp_path):
    row = {"metric": "fid", "split": "test", "step": 3, "protocol_id": "p", "value": 1e300}
    scalars.write(tmp_path, [row, row | {"step": 4, "value": None}])
    scalars.write(tmp_path, [row, row | {"step": 4, "value": None}])
    ((tag, step, value),) = events(tmp_path)
    assert (tag, step) == ("scores/fid/test", 3) and np.isfinite(value)


def test_a_folder_that_cannot_be_written_costs_no_score(run, gan, digits):
    os.makedirs(os.path.join(run, "logs"))
    with open(scalars.folder(run), "w") as file:
        file.write("a file in the way")
    rows = evaluation.evaluate(run, gan, digits, steps=[1])
    assert results.read(results.path(run)) == rows and len(rows) == 2
