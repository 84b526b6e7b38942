"""Checkpoints under several metrics: one pass, no score lost or done again, the best by any."""

import functools
import json
import os

import gin
import numpy as np
import pytest

from compare_gan_tf import evaluation
from compare_gan_tf.architectures import mlp
from compare_gan_tf.config import configurables
from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import outcomes
from compare_gan_tf.evaluation.generators import Players
from compare_gan_tf.layers import batch_norm
from compare_gan_tf.metrics import presets, registry
from compare_gan_tf.metrics.features import Extracted
from compare_gan_tf.runs import best, checkpoints, results

NAMES = ["fid", "kid_full", "precision_recall"]
SCORES = ["fid", "kid_full", "precision", "recall"]


def written(run):
    return results.read(results.path(run))


def partial(run):
    return results.read(results.partial_path(run))


class Counting:
    name, weights_sha256, resize, scaling, logit_bias = "counting", None, "none", "none", None

    def __init__(self):
        self.seen = 0

    def check(self, sample_shape):
        pass

    def __call__(self, images):
        self.seen += len(images)
        return Extracted(np.asarray(images, np.float32).reshape(len(images), -1)[:, 20:30])


def test_all_metrics_share_one_pass_and_nothing_is_done_twice(run, gan, digits):
    extractor = Counting()
    options = {"extractor": extractor, "metrics": NAMES, "floor": False}
    rows = evaluation.evaluate(run, gan, digits, steps=[1, 2], **options)
    assert extractor.seen == 2 * 600 + 600  # fakes of two checkpoints, reals once
    assert [(r["step"], r["split"], r["metric"]) for r in rows] == [
        (step, split, score)
        for step in (1, 2)
        for split in ("validation", "test")
        for score in SCORES
    ]
    assert written(run) == rows and not os.path.exists(results.partial_path(run))
    assert len({r["protocol_id"] for r in rows}) == 2 * 3
    assert evaluation.evaluate(run, gan, digits, steps=[1, 2], **options) == rows
    assert extractor.seen == 1800
    more = evaluation.evaluate(
        run, gan, digits, steps=[1, 2], **options | {"metrics": [*NAMES, "authenticity"]}
    )
    assert extractor.seen == 1800 + 1800  # one metric more, one pass more
    assert len(more) == 20 and all(row in more for row in rows)


def interrupted(monkeypatch, calls):
    """Metrics as they are, until one call too many; returns their names as they are called."""
    called, original = [], outcomes.outcomes

    def dying(metric, *sides):
        called.append(metric.name)
        if len(called) > calls:
            raise KeyboardInterrupt
        return original(metric, *sides)

    monkeypatch.setattr(outcomes, "outcomes", dying)
    return called


@pytest.mark.parametrize("calls", [0, 1, 4, 6])
def test_a_process_that_dies_between_metrics_loses_none(run, gan, digits, monkeypatch, calls):
    """Of two checkpoints: 3 metrics on each of 2 splits."""
    options = {"steps": [1, 2], "metrics": NAMES, "floor": False}
    with monkeypatch.context() as patch:
        called = interrupted(patch, calls)
        with pytest.raises(KeyboardInterrupt):
            evaluation.evaluate(run, gan, digits, **options)
    whole = 2 if calls >= 6 else 0  # splits of checkpoint 1
    assert len(written(run)) == (8 if whole else 0)
    assert results.scored_steps(run) == ({1} if whole else set())  # may be deleted
    noted = {(row["split"], row["protocol"]["metric"]) for row in partial(run)}
    assert len(noted) == calls % 6
    with monkeypatch.context() as patch:
        again = interrupted(patch, 100)
        rows = evaluation.evaluate(run, gan, digits, **options)
    assert len(called[:calls]) + len(again) == 12  # each metric, split and checkpoint once
    assert written(run) == rows and len(rows) == 16 and partial(run) == []
    assert all(row["value"] is not None for row in rows)


def test_scores_that_were_noted_are_moved_where_the_write_died(run, gan, digits, monkeypatch):
    append = results.append

    def dying(path, *rows):
        if path == results.path(run):
            raise KeyboardInterrupt
        append(path, *rows)

    with monkeypatch.context() as patch:
        patch.setattr(results, "append", dying)
        with pytest.raises(KeyboardInterrupt):
            evaluation.evaluate(run, gan, digits, steps=[1], metrics=NAMES)
    assert written(run) == [] and len(partial(run)) == 8
    monkeypatch.setattr(outcomes, "outcomes", None)
    rows = evaluation.evaluate(run, gan, digits, steps=[1], metrics=NAMES, floor=False)
    assert written(run) == rows and len(rows) == 8 and partial(run) == []
    assert best.read(run)["step"] == 1


def test_scores_noted_of_other_weights_do_not_count(run, gan, digits, save, monkeypatch):
    with monkeypatch.context() as patch:
        interrupted(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            evaluation.evaluate(run, gan, digits, steps=[1], metrics=NAMES)
    before = {row["checkpoint"] for row in partial(run)}
    save(gan, run, 1, seed=77)
    rows = evaluation.evaluate(run, gan, digits, steps=[1], metrics=NAMES)
    assert len(rows) == 8 and not before & {row["checkpoint"] for row in rows}
    assert partial(run) == []


# --- The best ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "step", "metric"),
    [
        ({"metrics": NAMES}, 1, "fid"),
        ({"metrics": NAMES, "select_by": "recall"}, 3, "recall"),  # higher is better
        ({"metrics": ["precision_recall", "kid_full"]}, 2, "precision"),  # the first, without FID
    ],
)
def test_the_best_is_chosen_by_any_score(run, gan, digits, scores, options, step, metric):
    scores.update({(2, "validation", "precision"): 9, (1, "test", "recall"): 9})
    evaluation.evaluate(run, gan, digits, **options)
    kept = best.read(run)
    assert (kept["step"], kept["metric"], kept["split"]) == (step, metric, "validation")
    rows = written(run)
    lines = evaluation.summary(rows, kept)
    assert lines[0].startswith(f"best by {metric} on validation, step {step}: ")
    assert lines[1].startswith("last, step 3: ")
    assert f"{metric} test" in lines[0] and "[" not in lines[0]


def test_a_negative_seed_is_refused(run, gan, digits):
    with pytest.raises(UserError, match="evaluate.seed is -1: it must be a whole number, 0"):
        evaluation.evaluate(run, gan, digits, metrics=["fid"], num_samples=20, seed=-1)


def test_what_cannot_choose_is_refused(run, gan, digits):
    with pytest.raises(UserError, match="select_by is 'kid': it must be one of .* fid"):
        evaluation.evaluate(run, gan, digits, select_by="kid")
    with pytest.raises(UserError, match="select_by is 'd_sigma_max'"):
        evaluation.evaluate(
            run, gan, digits, metrics=["discriminator_norms"], select_by="d_sigma_max"
        )


# --- Generators -------------------------------------------------------------------------------


def test_a_conditional_run_is_scored_within_its_classes(tmp_path, digits, build, save):
    gan = build(digits, conditional=True)
    save(gan, tmp_path, 1)
    (row,) = evaluation.evaluate(
        tmp_path, gan, digits, metrics=["intra_class_fid"], splits=["train"], num_samples=500
    )
    assert row["value"] > 0


def test_metrics_that_run_the_networks_get_them_with_labels(tmp_path, digits, build, save):
    gan = build(digits, conditional=True)
    save(gan, tmp_path, 1)
    distance = registry.find("ppl")(paths=60)
    options = {"splits": ["train"], "num_samples": 120}
    metrics = [distance, "discriminator_accuracy", "discriminator_norms"]
    rows = evaluation.evaluate(tmp_path, gan, digits, metrics=metrics, **options)
    assert [row["reason"] for row in rows if row["value"] is None] == []
    found = {row["metric"]: row["value"] for row in rows}
    images = np.full((1, 8, 8, 1), 128, np.uint8)
    players = Players(gan, tag="x")
    logits = players._discriminated(images, np.array([3]))
    assert logits.shape == (1,)
    kernels = players._kernels()
    largest = max(np.linalg.norm(np.reshape(k, (-1, k.shape[-1])), 2) for k in kernels.values())
    assert found["d_sigma_max"] == pytest.approx(largest, rel=1e-6)
    alone = evaluation.evaluate(tmp_path, gan, digits, metrics=[distance], seed=1, **options)
    assert alone[0]["value"] > 0  # of the generator alone: no samples are made


def test_truncation_is_in_the_protocol_and_in_the_samples(run, gan, digits):
    options = {"steps": [1], "splits": ["test"]}
    whole = evaluation.evaluate(run, gan, digits, **options)
    (cut,) = evaluation.evaluate(run, gan, digits, truncation=0.1, **options)
    assert cut["protocol"]["truncation"] == 0.1 and "truncated0.1" in cut["protocol_id"]
    assert cut["value"] != whole[0]["value"]


def test_standing_statistics_are_taken_anew_for_each_checkpoint(tmp_path, digits, build, save):
    network = functools.partial(mlp.generator, units=8, depth=1, norm=batch_norm)
    gan = build(digits, generator=network)
    norm = next(v for v in gan.generator.variables if "moving_mean" in v.path)
    save(gan, tmp_path, 1, seed=0)
    stored = norm.numpy()
    options = {"splits": ["test"], "metrics": ["fid"]}
    moving = evaluation.evaluate(tmp_path, gan, digits, **options)
    np.testing.assert_array_equal(norm.numpy(), stored)
    (standing,) = evaluation.evaluate(tmp_path, gan, digits, standing=500, **options)
    taken = norm.numpy()
    assert np.abs(taken - stored).max() > 0.1
    assert standing["protocol"]["normalisation"] == "standing500"
    assert standing["value"] != moving[0]["value"]
    os.remove(results.path(tmp_path))
    (again,) = evaluation.evaluate(tmp_path, gan, digits, standing=500, batch_size=64, **options)
    assert again["value"] == pytest.approx(standing["value"], rel=1e-3)
    np.testing.assert_allclose(norm.numpy(), taken, rtol=1e-5)
    checkpoints.restore_players(gan, str(tmp_path), 1)
    np.testing.assert_array_equal(norm.numpy(), stored)  # the checkpoint is as it was


def test_a_preset_names_split_numbers_and_metrics(run, gan, digits):
    preset = presets.Preset(metrics=("fid", "kid_full"), real_split="train", n_real=1000, n_fake=90)
    rows = evaluation.evaluate(run, gan, digits, steps=[1], preset=preset)
    found = {r["split"]: (r["protocol"]["n_real"], r["protocol"]["n_fake"]) for r in rows}
    assert found == {"validation": (300, 300), "train": (1000, 90)}
    rows = evaluation.evaluate(run, gan, digits, steps=[1], preset=preset, num_samples=80)
    assert {row["protocol"]["n_fake"] for row in rows} == {80}
    with pytest.raises(
        UserError, match="num_real is 50000, .* has 1197 samples: .*hold_out = False"
    ):
        evaluation.evaluate(run, gan, digits, steps=[1], preset="mimicry", extractor=Counting())


def test_gin_binds_metrics_with_their_settings(run, gan, digits, no_bindings):
    configurables.load()
    gin.parse_config(
        """
        evaluate.metrics = [@metrics.Fid(), @metrics.PrecisionRecall()]
        metrics.PrecisionRecall.k = 4
        evaluate.splits = ("test",)
        """
    )
    rows = evaluation.evaluate(run, gan, digits, steps=[1])
    assert [row["metric"] for row in rows] == ["fid", "precision", "recall"]
    assert rows[1]["protocol"]["settings"] == {"k": 4, "strict": False}
    assert rows[1]["protocol_id"] == rows[2]["protocol_id"] != rows[0]["protocol_id"]


def test_a_metric_that_a_side_cannot_serve_is_a_row_with_the_reason(run, gan, digits):
    rows = evaluation.evaluate(run, gan, digits, steps=[1], metrics=["fid", "held_out_gap"])
    reasons = {row["reason"] for row in rows if row["metric"] == "fid_gap"}
    (reason,) = reasons
    assert "needs real samples that no model was trained on: name them by held_out" in reason
    (gap,) = evaluation.evaluate(
        run, gan, digits, steps=[1], metrics=["held_out_gap"], splits=["train"]
    )[:1]
    assert gap["value"] is not None and gap["metric"] == "fid_gap"


def test_rows_are_strict_json(run, gan, digits):
    evaluation.evaluate(run, gan, digits, steps=[1], metrics=["kid", *NAMES])
    for line in open(results.path(run)):
        json.loads(line, parse_constant=lambda name: pytest.fail(name))
    assert registry.find("kid")().subset_size == 1000  # more than there are: a reason
    assert {r["reason"] is None for r in written(run) if r["metric"] == "kid"} == {False}
