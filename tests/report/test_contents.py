"""What is read from a run's files."""

import math

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.report import contents, page


def test_a_term_that_a_row_lacks_is_a_gap():
    log = [{"step": 1, "seconds": 1.0, "d/loss": 2.0}, {"step": 2, "d/loss": None, "g/loss": 3}]
    series = contents.loss_series(log)
    assert set(series) == {"d/loss", "g/loss"}
    (steps, (first, second)), (_, (third, fourth)) = series["d/loss"], series["g/loss"]
    assert steps == [1, 2] and first == 2.0 and fourth == 3.0
    assert math.isnan(second) and math.isnan(third)


def test_a_split_under_two_protocols_has_two_series():
    rows = [
        {"step": 1, "metric": "fid", "split": "test", "value": 1.0, "protocol_id": "a"},
        {"step": 1, "metric": "fid", "split": "test", "value": 2.0, "protocol_id": "b"},
        {"step": 1, "metric": "fid", "split": "validation", "value": 3.0, "protocol_id": "c"},
    ]
    assert contents.score_series(rows) == {
        "fid": {"test (a)": ([1], [1.0]), "test (b)": ([1], [2.0]), "validation": ([1], [3.0])}
    }


def test_a_column_holds_one_protocol():
    row = {"step": 1, "metric": "fid", "split": "test", "value": 1.0}
    first = row | {"protocol": {"n_fake": 10_000, "resize": "none"}, "protocol_id": "a"}
    second = row | {"protocol": {"n_fake": 50_000, "resize": "none"}, "protocol_id": "b"}
    other = row | {"metric": "kid", "protocol": {}, "protocol_id": "c"}
    assert contents.column([first, other], "fid", "test") == [first]
    assert list(contents.columns([first, second])) == [("fid", "test", "a"), ("fid", "test", "b")]
    with pytest.raises(UserError, match="different protocols do not compare: n_fake 10000 and 500"):
        contents.column([first, second], "fid", "test")


def test_nested_facts_become_dotted_names():
    value = {"a": {"b": 1, "c": None}, "d": ["x", "y"], "e": [{"f": True}], "g": []}
    assert contents.flat(value) == [
        ("a.b", "1"), ("a.c", "none"), ("d", "x y"), ("e[0].f", "True"), ("g", ""),
    ]  # fmt: skip


def _score(dataset, split, step=5, **protocol):
    fields = {"dataset": dataset, "real_split": split, "extractor": "raw", **protocol}
    return {"step": step, "metric": "fid", "split": split, "value": 1.0, "protocol": fields,
            "protocol_id": str(fields)}  # fmt: skip


def test_the_facts_are_of_one_data_set_and_name_a_protocol_that_differs():
    chosen, foreign = _score("digits", "validation"), _score("mnist", "test")
    assert contents.reported([chosen, foreign], chosen) is None
    other = _score("digits", "test", extractor="inception")
    assert contents.reported([chosen, foreign, other], chosen) is other
    assert contents.other_fields(other, chosen) == ["extractor"]
    alike = _score("digits", "test", n_real=9)
    assert contents.other_fields(alike, chosen) == []
    facts = page._score_facts([chosen, foreign, alike], chosen, [])
    assert list(facts) == ["Best step", "FID on digits, validation", "FID on digits, test"]
    facts = page._score_facts([chosen, other], chosen, [])
    assert list(facts)[2] == "FID, test (another extractor)"
