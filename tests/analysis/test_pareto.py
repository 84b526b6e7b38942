"""The Pareto front, against its definition."""

import numpy as np
import pytest

from compare_gan_tf import analysis
from compare_gan_tf.errors import UserError

UP = {"lower_is_better": (False, False)}


def by_definition(points):
    """Indices of pairs that no other is as good as in both, and better in one; more is better."""
    return [
        i for i, p in enumerate(points) if not any((q >= p).all() and (q > p).any() for q in points)
    ]


@pytest.mark.parametrize("seed", range(10))
def test_it_is_what_the_definition_says(seed):
    points = np.random.default_rng(seed).integers(8, size=(30, 2)).astype(float)
    front = analysis.pareto_front(*points.T, **UP)
    assert sorted(front) == by_definition(points)
    assert (np.diff(points[front, 0]) <= 0.0).all() and (np.diff(points[front, 1]) >= 0.0).all()


def test_directions():
    fid, similarity = [10.0, 20.0, 30.0, 25.0], [0.5, 0.3, 0.1, 0.4]
    assert analysis.pareto_front(fid, similarity, lower_is_better=(True, True)).tolist() == [
        0,
        1,
        2,
    ]
    recall = [0.5, 0.7, 0.1, 0.9]
    assert analysis.pareto_front(fid, recall, lower_is_better=(True, False)).tolist() == [0, 1, 3]


def test_equal_pairs_are_all_on_it_and_failed_ones_never():
    assert analysis.pareto_front([1.0, 1.0, 0.5], [1.0, 1.0, 1.0], **UP).tolist() == [0, 1]
    assert analysis.pareto_front([1.0, np.nan, 9.0], [1.0, 2.0, np.nan], **UP).tolist() == [0]
    assert analysis.pareto_front([np.nan], [1.0], **UP).tolist() == []


def test_what_is_no_pair_is_refused():
    with pytest.raises(UserError, match="2 and 1 scores"):
        analysis.pareto_front([1.0, 2.0], [1.0], **UP)
    with pytest.raises(UserError, match="lower_is_better is True: it must be two of"):
        analysis.pareto_front([1.0], [1.0], lower_is_better=True)
