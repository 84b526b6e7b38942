import glob
import json
import logging
import os
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import data, evaluation
from compare_gan_tf.evaluation.generators import Players
from compare_gan_tf.metrics.features import digits_classifier, raw_features
from compare_gan_tf.metrics.frechet import GaussianStatistics, frechet_distance
from compare_gan_tf.runs import best, checkpoints, results


def delete(run, step):
    """What training does with a checkpoint that it no longer keeps."""
    for path in glob.glob(checkpoints.path(run, step) + ".*"):
        os.remove(path)


def rows_on_disk(run):
    return results.read(results.path(run))


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


# --- Scores -----------------------------------------------------------------------------------


def test_a_row_says_what_was_scored_and_how(run, gan, digits):
    rows = evaluation.evaluate(run, gan, digits, steps=[2], num_samples=100, seed=7)
    assert [row["split"] for row in rows] == ["validation", "test"]
    row = rows[1]
    assert row["protocol"] == {
        "metric": "fid",
        "settings": {},
        "extractor": "digits-cnn",
        "weights_sha256": digits_classifier().weights_sha256,
        "resize": "none",
        "scaling": "x/255",
        "quantisation": "uint8",
        "dataset": "digits",
        "real_split": "test",
        "real_sha256": None,
        "n_real": 300,
        "n_fake": 100,
        "ema": False,
        "normalisation": "moving",
        "truncation": 0.0,
        "seed": 7,
        "checkpoint_rule": "each",
    }
    assert row["protocol_id"].startswith("fid-digits-cnn-digits-test300-fake100-raw-")
    assert (row["run"], row["step"], row["metric"]) == (os.path.basename(run), 2, "fid")
    assert row["value"] > 0 and row["reason"] is None
    low, high = row["interval"]
    assert low < row["value"] < high
    assert row["seconds"] > 0
    assert rows_on_disk(run) == rows


@pytest.mark.parametrize("averaged", [False, True])
def test_the_score_is_that_of_the_sampling_generators_images_as_uint8(
    tmp_path, digits, averaged, save, build
):
    """A generator of white images, or an average of it, scores as 300 white images do."""
    gan = build(digits, ema_decay=0.9 if averaged else None)
    save(gan, tmp_path, 1, bias=50.0)
    for variable in gan.sampling_generator.variables:
        variable.assign(tf.zeros_like(variable))  # the checkpoint must be what is scored
    real, white = GaussianStatistics(), GaussianStatistics()
    real.update(digits_classifier()(digits.splits["test"].images).features)
    white.update(digits_classifier()(np.full((300, 8, 8, 1), 255, np.uint8)).features)
    (row,) = evaluation.evaluate(tmp_path, gan, digits, splits=["test"])
    assert row["value"] == pytest.approx(frechet_distance(real, white), rel=1e-5)
    assert row["protocol"]["ema"] is averaged


def test_points_are_scored_in_the_plane(tmp_path, save, build):
    """Against fakes N((3, 0), I): |(3, 0)|^2 and the roots of diag(4.25, .25) less those of I."""
    dataset = data.load("gaussian_mixture")
    gan = build(dataset, dim=2, generator=_shifted_latents)
    save(gan, tmp_path, 1, bias=None)
    gan.generator.get_layer("shift").set_weights([np.eye(2), np.array([3.0, 0.0])])
    gan.step.assign(2)
    checkpoints.Checkpoints(gan, str(tmp_path), keep=10).save()
    rows = evaluation.evaluate(
        tmp_path, gan, dataset, steps=[2], extractor=raw_features(), num_samples=20_000
    )
    expected = 9.0 + (4.25**0.5 - 1.0) ** 2 + (0.25**0.5 - 1.0) ** 2
    for row in rows:
        assert row["value"] == pytest.approx(expected, rel=0.05)
        assert row["protocol"]["quantisation"] == "float32"


def _shifted_latents(sample_shape, latent_dim, num_classes):
    z = keras.Input((latent_dim,), name="z")
    points = keras.layers.Dense(latent_dim, name="shift")(z)
    return keras.Model({"z": z}, points, name="generator")


@pytest.mark.parametrize("batch_size", [7, 64, 1000])
def test_the_batch_size_does_not_change_a_score(run, gan, digits, batch_size):
    (expected,) = evaluation.evaluate(run, gan, digits, steps=[1], splits=["test"])
    os.remove(results.path(run))
    options = {"steps": [1], "splits": ["test"], "batch_size": batch_size}
    (found,) = evaluation.evaluate(run, gan, digits, **options)
    assert found["value"] == pytest.approx(expected["value"], rel=1e-3)
    assert found["protocol_id"] == expected["protocol_id"]


def test_conditional_generators_are_scored_with_labels_of_every_class(
    tmp_path, digits, save, build
):
    gan = build(digits, conditional=True)
    save(gan, tmp_path, 1)
    (row,) = evaluation.evaluate(tmp_path, gan, digits, splits=["test"])
    assert row["value"] > 0
    labels = Players(gan, tag="test").inputs(2000, 42)["labels"].numpy()
    assert np.bincount(labels, minlength=10).min() > 140  # 200 expected, 4.5 standard deviations
    assert labels.max() == 9


def test_the_splits_are_scored_on_other_latents(gan):
    tags = ("validation", "test", "validation")
    first, second, third = (Players(gan, tag=tag).inputs(10, 42)["z"].numpy() for tag in tags)
    assert not np.intersect1d(first, second).size
    assert np.array_equal(first, third)


# --- What is scored already -------------------------------------------------------------------


def test_what_is_scored_is_not_scored_again(run, gan, digits, monkeypatch):
    rows = evaluation.evaluate(run, gan, digits)
    assert [(row["step"], row["split"]) for row in rows] == [
        (step, split) for step in (1, 2, 3) for split in ("validation", "test")
    ]
    monkeypatch.setattr(checkpoints, "restore_players", None)
    assert evaluation.evaluate(run, gan, digits) == rows
    assert rows_on_disk(run) == rows


def test_another_protocol_is_scored_beside_the_first(run, gan, digits, scores):
    first = evaluation.evaluate(run, gan, digits, seed=1)
    second = evaluation.evaluate(run, gan, digits, seed=2)
    assert rows_on_disk(run) == first + second


def test_a_checkpoint_of_other_contents_is_scored_again(run, gan, digits, scores, save):
    evaluation.evaluate(run, gan, digits)
    save(gan, run, 2, seed=99)
    scores[2, "validation"] = 0.5
    rows = evaluation.evaluate(run, gan, digits)
    assert len(rows) == 6
    assert [(row["step"], row["split"]) for row in rows_on_disk(run)[6:]] == [
        (2, "validation"),
        (2, "test"),
    ]
    assert best.read(run)["step"] == 2


def test_a_cut_line_is_scored_again(run, gan, digits, scores):
    rows = evaluation.evaluate(run, gan, digits)
    with open(results.path(run), "r+b") as file:
        file.truncate(os.path.getsize(results.path(run)) - 30)
    again = evaluation.evaluate(run, gan, digits)
    assert [row | {"seconds": 0, "time": ""} for row in again] == [
        row | {"seconds": 0, "time": ""} for row in rows
    ]
    lines = open(results.path(run)).read().splitlines()
    assert len(lines) == 7
    assert json.loads(lines[6])["step"] == 3


def test_only_due_checkpoints_are_scored(run, gan, digits, scores):
    rows = evaluation.evaluate(run, gan, digits, every=2)
    assert {row["step"] for row in rows} == {2}
    assert results.scored_steps(run) == {2}
    assert [step for step in range(7) if results.is_due(step, 3)] == [3, 6]
    assert results.is_due(0, 0)


# --- Failures ---------------------------------------------------------------------------------


def test_samples_that_are_not_finite_are_counted_in_the_reason(tmp_path, digits, save, build):
    def generator(sample_shape, latent_dim, num_classes):
        z = keras.Input((latent_dim,), name="z")
        images = keras.layers.Reshape(sample_shape)(keras.layers.Dense(64)(z))
        scale = keras.ops.sqrt(1.0 - z[:, :1])  # NaN for 16 % of the latents
        return keras.Model({"z": z}, images * keras.ops.reshape(scale, (-1, 1, 1, 1)))

    gan = build(digits, generator=generator)
    save(gan, tmp_path, 5)
    rows = evaluation.evaluate(tmp_path, gan, digits, batch_size=100)
    for row in rows:
        number, rest = row["reason"].split(" ", 1)
        assert row["value"] is None
        assert rest == "of 300 samples of checkpoint 5 are not finite"
        assert 25 < int(number) < 75
    assert "NaN" not in open(results.path(tmp_path)).read()
    assert best.read(tmp_path) is None


def test_too_few_samples_are_a_reason(run, gan, digits):
    rows = evaluation.evaluate(run, gan, digits, steps=[1], num_samples=1)
    assert {row["reason"] for row in rows} == {"a covariance needs at least 2 samples, not 1"}


def test_a_damaged_checkpoint_is_a_reason_and_the_others_are_scored(run, gan, digits, scores):
    path = checkpoints.path(run, 2) + ".data-00000-of-00001"
    shutil.copy(path, f"{path}.whole")
    with open(path, "r+b") as file:
        file.truncate(100)
    rows = evaluation.evaluate(run, gan, digits)
    assert [row["value"] for row in rows] == [1.0, 1.0, None, None, 3.0, 3.0]
    assert "cannot read checkpoint" in rows[2]["reason"] and "\n" not in rows[2]["reason"]
    evaluation.evaluate(run, gan, digits)
    assert len(rows_on_disk(run)) == 6  # tried again, with the same outcome
    os.replace(f"{path}.whole", path)
    assert [row["value"] for row in evaluation.evaluate(run, gan, digits)] == [1, 1, 2, 2, 3, 3]


def test_a_checkpoint_deleted_meanwhile_is_skipped_with_one_line(
    run, gan, digits, scores, monkeypatch, caplog
):
    restore = checkpoints.restore_players

    def restore_after_pruning(gan, model_dir, step):
        if step == 2:
            delete(run, 2)
        restore(gan, model_dir, step)

    monkeypatch.setattr(checkpoints, "restore_players", restore_after_pruning)
    with caplog.at_level(logging.WARNING, "absl"):
        rows = evaluation.evaluate(run, gan, digits)
    assert [row["step"] for row in rows] == [1, 1, 3, 3]
    assert messages(caplog) == ["checkpoint 2 was deleted before it was scored, skipped"]
