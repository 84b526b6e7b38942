import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import base, rows
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.kernel import Kid


@pytest.fixture(params=[1 << 30, 1000, 0])
def memory(request, monkeypatch):
    """Everything in memory, some of it, and nothing."""
    monkeypatch.setattr(rows, "MEMORY", request.param)


def test_rows_come_back_as_they_were_appended(memory, tmp_path):
    expected = np.random.default_rng(0).normal(size=(500, 2, 3)).astype(np.float32)
    with Rows(tmp_path) as rows:
        for start in range(0, 500, 13):
            rows.append(expected[start : start + 13])
        assert (len(rows), rows.shape, rows.dtype) == (500, (500, 2, 3), np.float32)
        np.testing.assert_array_equal(rows.read(), expected)
        for size in (1, 7, 500, 1000):
            chunks = list(rows.chunks(size))
            assert [len(chunk) for chunk in chunks[:-1]] == [size] * (len(chunks) - 1)
            np.testing.assert_array_equal(np.concatenate(chunks), expected)
        rows.append(expected[:5])
        np.testing.assert_array_equal(rows.between(490, 600)[10:], expected[:5])


def test_taken_rows_are_in_the_order_of_their_indices(memory):
    expected = np.arange(300, dtype=np.int32)[:, None] * np.ones(4, np.int32)
    rows = Rows()
    rows.append(expected[:100])
    rows.append(expected[100:])
    for indices in ([], [5], [299, 0, 0, 7, 8, 6], np.arange(300)[::-1]):
        np.testing.assert_array_equal(rows.take(indices), expected[np.array(indices, int)])


def test_rows_leave_no_file_behind(memory, tmp_path):
    rows = Rows(tmp_path)
    rows.append(np.zeros((100, 100)))
    rows.close()
    assert not list(tmp_path.iterdir())
    assert len(rows) == 0


def test_no_rows():
    assert Rows().shape == (0,)
    assert Rows.of(np.zeros((0, 3))).read().shape == (0, 3)
    assert list(Rows().chunks()) == []


def test_rows_of_another_kind_are_refused():
    rows = Rows()
    rows.append(np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="float64"):
        rows.append(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"\(4,\)"):
        rows.append(np.zeros((2, 4), np.float32))


def test_a_change_of_an_appended_array_does_not_reach_the_rows():
    array, rows = np.zeros((2, 3)), Rows()
    rows.append(array)
    array += 1
    assert not rows.read().any()


def test_rows_that_are_not_finite_are_counted():
    array = np.zeros((10, 3))
    array[4, 1], array[7] = np.nan, np.inf
    with pytest.raises(UndefinedScore, match="2 of 10 features are not finite"):
        base.check_rows(Rows.of(array), least=1, what="features")
    with pytest.raises(UndefinedScore, match="10 features, at least 11"):
        base.check_rows(Rows.of(array), least=11, what="features")


def test_features_of_two_extractors_are_refused():
    sides = (Collected(features=Rows.of(np.zeros((5, d)))) for d in (3, 4))
    with pytest.raises(UndefinedScore, match="same extractor"):
        base.check_features(*sides, least=2)


def test_a_setting_below_its_least_value_is_named():
    with pytest.raises(UserError, match=r"Kid.subsets is 0: it must be a whole number, 1 or more"):
        Kid(subsets=0)


def test_picked_rows_are_rows_of_their_own(memory):
    expected = np.random.default_rng(0).normal(size=(3000, 2))
    rows = Rows()
    rows.append(expected)
    indices = np.arange(3000)[::-1]
    with rows.picked(indices) as picked:
        np.testing.assert_array_equal(picked.read(), expected[indices])
    assert rows.picked([]).shape == (0, 2)
    np.testing.assert_array_equal(rows.read(), expected)
