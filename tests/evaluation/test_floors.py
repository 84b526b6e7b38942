"""The floor: what real samples score in place of fakes."""

import os
import types

import numpy as np
import pytest

from compare_gan_tf import data, evaluation
from compare_gan_tf.evaluation import engine, outcomes, pairs
from compare_gan_tf.evaluation.outcomes import Outcome
from compare_gan_tf.evaluation.stores import RunStore
from compare_gan_tf.metrics import registry
from compare_gan_tf.metrics.features import Extracted, raw_features
from compare_gan_tf.runs import best, results


def floors(run):
    return results.read(results.floor_path(run))


def test_the_floor_is_the_metric_between_two_real_splits(run, gan, digits):
    rows = evaluation.evaluate(run, gan, digits, steps=[1], metrics=["fid", "kid_full"])
    found = {(row["split"], row["metric"]): row for row in floors(run)}
    assert found.keys() == {(s, m) for s in ("validation", "test") for m in ("fid", "kid_full")}
    expected = pairs.evaluate(
        "digits/test", "digits/train", metrics="fid,kid_full", num_samples=300
    )
    for row in expected.rows:
        assert found["test", row["metric"]]["value"] == pytest.approx(row["value"], rel=1e-6)
        assert found["test", row["metric"]]["interval"] == pytest.approx(row["interval"], rel=1e-6)
    assert not {row["step"] for row in rows} & {row["step"] for row in floors(run)}


def test_it_has_a_protocol_of_its_own_and_belongs_to_the_scores_of_the_same(run, gan, digits):
    rows = evaluation.evaluate(run, gan, digits, steps=[1])
    rows += evaluation.evaluate(run, gan, digits, steps=[1], truncation=0.5)
    rows += evaluation.evaluate(run, gan, digits, steps=[1], num_samples=100)
    known = floors(run)
    for row in rows:
        floor = results.floor_of(row, known)
        assert floor["protocol"]["n_fake"] == row["protocol"]["n_fake"]
        assert floor["protocol"]["real_split"] == row["protocol"]["real_split"] == row["split"]
        assert floor["protocol"]["fake"] == "real samples of the split train"
        assert floor["protocol"]["ema"] is None and floor["protocol_id"] != row["protocol_id"]
    assert len(known) == 4  # of 300 and of 100 fakes, on two splits: truncation makes no other


@pytest.mark.parametrize(
    ("value", "retry", "lacks"), [(1.0, True, 0), (None, False, 0), (None, True, 1)]
)
def test_a_floor_that_failed_is_tried_again_only_if_asked(tmp_path, value, retry, lacks):
    fid = registry.find("fid")()
    protocol = types.SimpleNamespace(id="one", to_dict=lambda: {"metric": "fid"})
    comparisons = {"test": types.SimpleNamespace(protocols={fid: protocol})}
    settings = {"floors": comparisons, "select_by": None, "retry_failed": retry}
    before = RunStore(str(tmp_path), {}, **settings)
    assert before.lacking_floors == {"test": [fid]}
    outcome = Outcome("fid", value, None if value else "it failed", None)
    before.note_floor("test", engine.Scored(fid, [[outcomes.row(outcome, protocol, 0.1)]], []))
    assert len(RunStore(str(tmp_path), {}, **settings).lacking_floors) == lacks


def test_it_is_worked_out_once(run, gan, digits):
    seen = []

    class Counting:
        name, weights_sha256, resize, scaling = "counting", None, "none", "none"

        def check(self, sample_shape):
            pass

        def __call__(self, images):
            seen.append(len(images))
            return Extracted(np.asarray(images, np.float32).reshape(len(images), -1)[:, 20:30])

    options = {"extractor": Counting()}
    evaluation.evaluate(run, gan, digits, steps=[1], **options)
    assert sum(seen) == 600 + 600 + 600  # fakes, reals, and reals in place of fakes
    evaluation.evaluate(run, gan, digits, steps=[1], **options)
    assert sum(seen) == 1800
    evaluation.evaluate(run, gan, digits, steps=[2], **options)
    assert sum(seen) == 1800 + 600 + 600  # nothing but fakes and the reals they compare with
    assert len(floors(run)) == 2


def test_without_it_nothing_is_scored_but_fakes(run, gan, digits):
    evaluation.evaluate(run, gan, digits, steps=[1], floor=False)
    assert not os.path.exists(results.floor_path(run))


def test_metrics_that_need_a_generator_or_no_fakes_have_none(run, gan, digits):
    names = ["ppl", "ms_ssim_real", "discriminator_norms", "ms_ssim"]
    evaluation.evaluate(run, gan, digits, steps=[1], metrics=names, splits=["test"])
    assert {row["metric"] for row in floors(run)} == {"ms_ssim"}


def test_where_no_split_has_samples_enough_there_is_none(run, gan, digits):
    evaluation.evaluate(run, gan, digits, steps=[1], num_samples=1300, splits=["test"])
    assert floors(run) == []
    one = data.Dataset("npz:/x", {name: digits.splits["test"] for name in ("train",)})
    options = {"splits": ["train"], "extractor": raw_features()}
    (row,) = evaluation.evaluate(run, gan, one, steps=[1], **options)
    assert row["value"] > 0 and floors(run) == []


def test_it_does_not_count_as_a_score_of_a_checkpoint(run, gan, digits):
    evaluation.evaluate(run, gan, digits, steps=[2])
    assert results.scored_steps(run) == {2}
    assert best.read(run)["step"] == 2


def test_a_process_that_dies_in_it_goes_on_where_it_stopped(run, gan, digits, monkeypatch):
    original = engine.Engine.score

    def dying(self, comparisons, *arguments):
        for number, one in enumerate(original(self, comparisons, *arguments)):
            if number == 1 and comparisons[0].is_floor:
                raise KeyboardInterrupt
            yield one

    options = {"steps": [1], "metrics": ["fid", "kid_full"]}
    with monkeypatch.context() as patch:
        patch.setattr(engine.Engine, "score", dying)
        with pytest.raises(KeyboardInterrupt):
            evaluation.evaluate(run, gan, digits, **options)
    assert len(results.read(results.path(run))) == 4 and len(floors(run)) == 1
    evaluation.evaluate(run, gan, digits, **options)
    assert len(floors(run)) == 4
    assert len({(row["split"], row["metric"]) for row in floors(run)}) == 4


def test_the_summary_ends_with_it(run, gan, digits):
    rows = evaluation.evaluate(run, gan, digits, steps=[1])
    lines = evaluation.summary(rows, best.read(run), floors(run))
    assert len(lines) == 3
    assert lines[2].startswith("floor, real samples in place of fakes: fid validation ")
    assert "fid test" in lines[2] and lines[2].count("[") == 2
    assert len(evaluation.summary(rows, best.read(run))) == 2


# --- Better than real samples -----------------------------------------------------------------


def scored(metric, value, interval=None, step=5, name=None, **changes):
    protocol = {"metric": name or metric, "n_fake": 300}
    row = {"run": "r", "step": step, "checkpoint": "c", "split": "test", "metric": metric,
           "value": value, "reason": None, "interval": interval, "protocol": protocol,
           "protocol_id": f"{metric}-1", "seconds": 0.1, "time": ""}  # fmt: skip
    return row | changes


FLOORS = [
    scored("fid", 6.3, [2.4, 10.2], step=0),
    scored("coverage", 0.9, [0.85, 0.95], step=0, name="prdc"),
    scored("kid", 0.1, step=0),
]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (scored("fid", 5.5), "within its interval: chance"),
        (scored("fid", 2.3), "beyond its interval: fakes that repeat"),
        (scored("fid", 6.3), None),
        (scored("fid", 9.0), None),
        (scored("coverage", 0.93, name="prdc"), "within its interval: chance"),  # higher is better
        (scored("coverage", 0.99, name="prdc"), "beyond its interval"),
        (scored("coverage", 0.5, name="prdc"), None),
        (scored("kid", 0.0), "beyond its interval"),  # which has no width
        (scored("fid", None, reason="none"), None),
        (scored("fid", 5.5, split="validation"), None),  # it has no floor
        (scored("mine", 5.5), None),
    ],
)
def test_better_than_the_floor_is_explained_in_one_line(row, expected):
    floors = [*FLOORS, scored("mine", 9.0, step=0)]  # a metric that nobody knows
    lines = evaluation.summary([row], None, floors)
    said = [line for line in lines if line.startswith("better than the floor")]
    assert len(said) == (expected is not None)
    if expected:
        assert expected in said[0]
        assert said[0].endswith(f"({row['metric']} test, step 5)") and said[0] == lines[-1]


def test_scores_of_one_meaning_share_a_line():
    rows = [scored("fid", 5.5), scored("coverage", 0.91, name="prdc"), scored("fid", 5.0, step=4)]
    *_, line = evaluation.summary(rows, {"step": 4, "metric": "fid", "split": "test"}, FLOORS)
    assert line.endswith("(fid test, step 4; fid test, step 5; coverage test, step 5)")
