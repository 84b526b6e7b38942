"""Vendi score: the effective number of different samples.

Friedman and Dieng, The Vendi Score: A Diversity Evaluation Metric for Machine Learning, 2023,
eq. 1: with the similarities K_ij = x_i.x_j of n features of length 1,

    exp(-sum_r v_r log v_r)

of the eigenvalues v of K / n, in [1, min(n, d)]. They are those of X^T X / n besides zeros, so that
the smaller of the two matrices, n x n or d x d, is enough. Numpy, SciPy and float64 only.
"""

import dataclasses
from collections.abc import Iterator

import gin
import numpy as np
import scipy.linalg

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, Rows, check_rows
from compare_gan_tf.metrics.rows import of_length_1


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Vendi(intervals.Jackknifed):
    """The Vendi score of the fakes' features, and of the reals' for reference.

    Higher is more diverse, and noise is diverse too: the fakes should have about the score of as
    many reals. It grows with the number of samples: compare equal numbers. Features of length 0 add
    nothing.
    """

    name = "vendi"
    needs = {"real": ("features",), "fake": ("features",)}
    scores = {"vendi": True, "vendi_real": None}
    enough = {"real": 1_000, "fake": 1_000}
    bounds = (1.0, np.inf)

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        check_rows(fake.features, least=1, what="features of the fakes")
        check_rows(real.features, least=1, what="features of the real samples")
        return {"vendi": vendi_score(fake.features), "vendi_real": vendi_score(real.features)}


def vendi_score(features: Rows) -> intervals.Replicates:
    """The score of features [n, d], n >= 1, and those without each block of samples."""
    count = len(features)
    blocks = intervals.BLOCKS if intervals.has_interval(count) else 0
    if count < features.shape[1]:
        value, *left_out = _of_few(features, blocks)
    else:
        value, *left_out = _of_many(features, blocks)
    return intervals.Replicates(value, np.array(left_out) if blocks else None)


def _of_few(features: Rows, blocks: int) -> Iterator[float]:
    """Yields the score and those without each block, by the matrix [n, n]."""
    rows = of_length_1(features.read())
    similar = rows @ rows.T
    yield _effective_number(similar / len(rows))
    for block in range(blocks):
        kept = intervals.block_of(np.arange(len(rows))) != block
        yield _effective_number(similar[np.ix_(kept, kept)] / kept.sum())


def _of_many(features: Rows, blocks: int) -> Iterator[float]:
    """Yields the score and those without each block, by the matrix [d, d]."""
    count, moments = len(features), np.zeros((features.shape[1],) * 2)
    for rows in features.chunks():
        rows = of_length_1(rows)
        moments += rows.T @ rows
    yield _effective_number(moments / count)
    for block in range(blocks):
        rows = of_length_1(features.take(np.arange(block, count, intervals.BLOCKS)))
        yield _effective_number((moments - rows.T @ rows) / (count - len(rows)))


def _effective_number(matrix: np.ndarray) -> float:
    """exp(-sum v log v) of the eigenvalues v; zeros, and what rounding has below, add nothing."""
    values = scipy.linalg.eigvalsh(matrix, check_finite=False)
    values = values[values > 0.0]
    return float(np.exp(-np.sum(values * np.log(values))))
