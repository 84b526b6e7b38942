"""The doors: which scores are whose, and quantiles beside infinite values."""

import numpy as np
import pytest

from compare_gan_tf.analysis import scores as module
from compare_gan_tf.errors import UserError


def test_failed_runs_are_the_worst_whichever_direction_is_better():
    raw = [2.0, np.nan, -1.0, np.inf, -np.inf]
    assert module.costs_of(raw).tolist() == [2.0, np.inf, -1.0, np.inf, np.inf]
    assert module.costs_of(raw, False).tolist() == [-2.0, np.inf, 1.0, np.inf, np.inf]


@pytest.mark.parametrize(
    "given, tasks",
    [
        ([1, 2, 3], [[1, 2, 3]]),
        (np.array([1.0, 2.0]), [[1, 2]]),
        (np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), [[1, 3, 5], [2, 4, 6]]),
        ([[1, 2], [3, 4]], [[1, 2], [3, 4]]),  # a list is a list of tasks
        ([[1, 2, 3], [4]], [[1, 2, 3], [4]]),
        ((np.array([1.0]), [2, 3]), [[1], [2, 3]]),
    ],
)
def test_scores_by_task(given, tasks):
    assert [task.tolist() for task in module.tasks_of(given)] == tasks


def test_variants_with_different_tasks_are_refused():
    with pytest.raises(UserError, match=r"the variants have \[1, 2\] tasks"):
        module.variants_of([[1.0, 2.0], [[1.0], [2.0]]])
    with pytest.raises(UserError, match="1 variants: a comparison needs two"):
        module.variants_of([[1.0, 2.0]])


def test_seeds_that_cannot_be_common_are_refused():
    variants = module.variants_of([[[1.0], [2.0, 3.0]], [[1.0], [2.0, 3.0, 4.0]]])
    with pytest.raises(UserError, match=r"\[2, 3\] runs of task 1.*paired=False"):
        module.require_common_seeds(variants)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 1 / 3, 0.5, 0.975, 1.0])
def test_quantiles_are_those_of_numpy(share):
    values = np.sort(np.random.default_rng(0).normal(size=(4, 11)), axis=1)
    assert module.quantile(values, share) == pytest.approx(np.quantile(values, share, axis=1))


def test_quantiles_beside_infinite_values():
    values = np.array([1.0, 2.0, np.inf, np.inf])
    assert module.quantile(values, 1 / 3) == 2.0
    assert module.quantile(values, 0.5) == module.quantile(values, 0.9) == np.inf
    assert module.quantile(-values[::-1], 0.5) == -np.inf


def test_ties_share_their_mean_rank():
    assert module.midranks(np.array([3.0, np.inf, 1.0, 3.0, np.inf])).tolist() == [
        2.5, 4.5, 1.0, 2.5, 4.5,
    ]  # fmt: skip


def test_two_failures_do_not_differ():
    inf = np.inf
    assert module.difference([inf, 1.0, inf], [inf, inf, 1.0]).tolist() == [0.0, -inf, inf]
