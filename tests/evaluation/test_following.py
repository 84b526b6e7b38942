import glob
import logging
import os

import gin
import numpy as np
import pytest

from compare_gan_tf import data, evaluation
from compare_gan_tf.evaluation import following, sides
from compare_gan_tf.metrics.features import Extracted, raw_features
from compare_gan_tf.runs import checkpoints, results


def delete(run, step):
    """What training does with a checkpoint that it no longer keeps."""
    for path in glob.glob(checkpoints.path(run, step) + ".*"):
        os.remove(path)


def rows_on_disk(run):
    return results.read(results.path(run))


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


# --- Following a training ---------------------------------------------------------------------


@pytest.fixture
def training(tmp_path, gan, monkeypatch):
    """Events that happen while `follow` sleeps, one each time; the clock runs with the sleep."""
    events, clock = [], [0.0]

    def sleep(seconds):
        clock[0] += seconds
        if events:
            events.pop(0)()

    monkeypatch.setattr(following.time, "sleep", sleep)
    monkeypatch.setattr(following.time, "monotonic", lambda: clock[0])
    return events


def done(run):
    return lambda: open(os.path.join(run, "TRAIN_DONE"), "w").close()


def test_follow_scores_checkpoints_as_they_come_until_training_is_done(
    tmp_path, gan, digits, scores, training, save
):
    run = str(tmp_path / "later")
    training += [
        lambda: save(gan, run, 10),
        lambda: None,
        lambda: (save(gan, run, 20), save(gan, run, 30)),
        lambda: (save(gan, run, 40), done(run)()),
    ]
    rows = evaluation.follow(run, gan, digits, poll_seconds=60)
    assert [row["step"] for row in rows if row["split"] == "test"] == [10, 20, 30, 40]
    assert not training
    assert results.scored_steps(run) == {10, 20, 30, 40}


def test_follow_on_a_finished_run_scores_it_and_returns(run, gan, digits, scores, training):
    done(run)()
    training.append(lambda: pytest.fail("slept"))
    rows = evaluation.follow(run, gan, digits)
    assert len(rows) == 6


def test_follow_gives_up_without_a_new_checkpoint(
    run, gan, digits, scores, training, caplog, monkeypatch, save
):
    slept = []
    sleep = following.time.sleep
    monkeypatch.setattr(following.time, "sleep", lambda s: (slept.append(s), sleep(s)))
    training += [lambda: None] * 5 + [lambda: save(gan, run, 4)]
    with caplog.at_level(logging.WARNING, "absl"):
        rows = evaluation.follow(run, gan, digits, poll_seconds=100, timeout_seconds=1000)
    assert {row["step"] for row in rows} == {1, 2, 3, 4}
    assert sum(slept) == 600 + 1100  # news after 600 s, then more than 1000 s without
    assert "no new checkpoint for 1000 s" in messages(caplog)[-1]


def test_follow_computes_the_features_of_real_samples_once(run, gan, digits, training, save):
    calls = []

    class Counting:
        name, weights_sha256, resize, scaling = "counting", None, "none", "none"

        def check(self, sample_shape):
            pass

        def __call__(self, images):
            calls.append(images)
            return Extracted(np.asarray(images, np.float32).reshape(len(images), -1)[:, 20:30])

    training += [lambda: save(gan, run, 4), done(run)]
    with gin.unlock_config():
        gin.bind_parameter("evaluate.extractor", Counting())
    try:
        evaluation.follow(run, gan, digits)
    finally:
        gin.clear_config()
    real = np.concatenate([digits.splits[name].images for name in ("validation", "test")])
    real = {image.tobytes() for image in real}
    assert sum(image.tobytes() in real for batch in calls for image in batch) == 600
    floor = 600  # of the training split, once for each of the two
    assert sum(map(len, calls)) == 600 + 4 * 600 + floor


def test_follow_tries_a_failed_score_once(run, gan, digits, training, monkeypatch):
    restored = []
    restore = checkpoints.restore_players
    monkeypatch.setattr(
        checkpoints,
        "restore_players",
        lambda gan, run, step: (restored.append(step), restore(gan, run, step)),
    )
    with open(checkpoints.path(run, 2) + ".data-00000-of-00001", "r+b") as file:
        file.truncate(100)
    training += [lambda: None, lambda: None, done(run)]
    evaluation.follow(run, gan, digits)
    assert restored == [1, 2, 3]


def test_own_data_are_hashed_once_however_often_it_looks(run, gan, training, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    splits = {name: data.Split(images) for name in ("train", "validation", "test")}
    hashed, content_hash = [], sides.content_hash
    monkeypatch.setattr(
        sides, "content_hash", lambda *arrays: (hashed.append(1), content_hash(*arrays))[1]
    )
    training += [lambda: None, lambda: None, done(run)]
    with gin.unlock_config():
        gin.bind_parameter("evaluate.extractor", raw_features())
    try:
        rows = evaluation.follow(run, gan, data.Dataset("npz:/mine", splits))
    finally:
        gin.clear_config()
    assert len(hashed) == 2 and not training
    assert {row["protocol"]["real_sha256"] for row in rows} == {content_hash(images)}
