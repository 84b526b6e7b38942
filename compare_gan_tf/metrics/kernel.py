"""Kernel Inception Distance: the squared maximum mean discrepancy of a cubic kernel.

Bińkowski et al., Demystifying MMD GANs, 2018, section 4; with k(x, y) = (x.y / d + 1)^3 of features
of d columns, m reals x and n fakes y, the unbiased estimate is that of Gretton et al., A Kernel
Two-Sample Test, 2012, eq. 3:

    sum_{i != j} k(x_i, x_j) / m(m-1) + sum_{i != j} k(y_i, y_j) / n(n-1)
        - 2 sum_{ij} k(x_i, y_j) / mn

The estimate may be below 0. Numpy and float64 only.
"""

import dataclasses
from collections.abc import Callable, Iterator

import gin
import numpy as np

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import (
    Collected,
    TwoOrMore,
    UndefinedScore,
    check_features,
)
from compare_gan_tf.metrics.rows import CHUNK, Rows
from compare_gan_tf.settings.signatures import Count, Index

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]  # x [m, d], y [n, d] -> float64 [m, n]


class KernelSums:
    """Sums of the kernel over pairs of samples, for each pair of blocks.

    Attributes:
      real, fake: [B, B], over pairs of different samples of one side.
      cross: [B, B], over pairs of a real sample and a fake.
      reals, fakes: [B], how many samples of each block there are.
    """

    def __init__(self, blocks: int):
        self.real, self.fake, self.cross = np.zeros((3, blocks, blocks))
        self.reals, self.fakes = np.zeros((2, blocks))

    def estimate(self) -> float:
        """The unbiased squared discrepancy of all samples."""
        return self._estimate(np.ones(len(self.reals), bool))

    def left_out(self) -> np.ndarray:
        """[B] estimates without one block each."""
        blocks = len(self.reals)
        return np.array([self._estimate(np.arange(blocks) != block) for block in range(blocks)])

    def _estimate(self, kept: np.ndarray) -> float:
        chosen = np.ix_(kept, kept)
        m, n = self.reals[kept].sum(), self.fakes[kept].sum()
        within = self.real[chosen].sum() / (m * (m - 1)) + self.fake[chosen].sum() / (n * (n - 1))
        return float(within - 2.0 * self.cross[chosen].sum() / (m * n))


def cubic_kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(x.y / d + 1)^3 of x [m, d] and y [n, d]: float64 [m, n]."""
    values = np.asarray(x, np.float64) @ np.asarray(y, np.float64).T
    values /= x.shape[1]
    values += 1.0
    return values * values * values


def subset_sums(
    real: np.ndarray, fake: np.ndarray, real_blocks, fake_blocks, kernel: Kernel = cubic_kernel
) -> KernelSums:
    """Sums over all pairs of reals [m, d] and fakes [n, d] in memory.

    Args:
      real: [m, d].
      fake: [n, d].
      real_blocks: [m], the block of each real sample.
      fake_blocks: [n].
      kernel: of two sets of samples.
    """
    sums = KernelSums(intervals.BLOCKS)
    real, fake = np.asarray(real, np.float64), np.asarray(fake, np.float64)
    in_real, in_fake = _indicators(real_blocks), _indicators(fake_blocks)
    for rows, blocks, total in ((real, in_real, sums.real), (fake, in_fake, sums.fake)):
        values = kernel(rows, rows)
        np.fill_diagonal(values, 0.0)
        total += blocks.T @ values @ blocks
    sums.cross += in_real.T @ kernel(real, fake) @ in_fake
    sums.reals += in_real.sum(axis=0)
    sums.fakes += in_fake.sum(axis=0)
    return sums


def _indicators(blocks) -> np.ndarray:
    """Float64 [n, B] with a one where sample i lies in block b."""
    return (np.asarray(blocks)[:, None] == np.arange(intervals.BLOCKS)).astype(np.float64)


def unbiased_discrepancy(real: np.ndarray, fake: np.ndarray) -> float:
    """The unbiased squared discrepancy of reals [m, d] and fakes [n, d] in memory."""
    nowhere = np.zeros(len(real), int), np.zeros(len(fake), int)
    return subset_sums(real, fake, *nowhere).estimate()


class _KernelDistance(intervals.Jackknifed):
    """What the three estimates of KID have in common."""

    needs = {"real": ("features",), "fake": ("features",)}
    enough = {"real": 1_000, "fake": 1_000}
    bounds = (-np.inf, np.inf)


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Kid(_KernelDistance):
    """The mean of KID over random subsets, as in torch-fidelity, clean-fid and StyleGAN.

    Each subset is drawn without replacement from both sides. With the same seed the subsets are
    those of torch-fidelity with the fakes as its first input.

    Attributes:
      subsets: number of subsets.
      subset_size: reals and fakes in each.
      seed: of the draws.
    """

    name = "kid"
    scores = {"kid": False}

    subsets: Count = 100
    subset_size: TwoOrMore = 1000
    seed: Index = 2020

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        found = list(self.sums(real, fake))
        value = float(np.mean([sums.estimate() for sums in found]))
        counts = (self.subset_size, len(real.features), len(fake.features))
        if not intervals.has_interval(*counts):
            return {self.name: intervals.Replicates(value, None)}
        left_out = np.mean([sums.left_out() for sums in found], axis=0)
        return {self.name: intervals.Replicates(value, left_out)}

    def kernel(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The kernel of x [m, d] and y [n, d], float64 [m, n]."""
        return cubic_kernel(x, y)

    def sums(self, real: Collected, fake: Collected) -> Iterator[KernelSums]:
        """Yields the sums of each subset, whose `estimate` is its KID; raises UndefinedScore."""
        check_features(real, fake, least=2)
        fewest = min(len(real.features), len(fake.features))
        if fewest < self.subset_size:
            fewer = f"{type(self).__name__}.subset_size = {max(2, fewest // 2)}"
            raise UndefinedScore(
                f"KID takes subsets of {self.subset_size} samples, one side has {fewest}: take "
                f"kid_full, which needs no subsets, or {fewer}"
            )
        rng = np.random.RandomState(self.seed)
        for _ in range(self.subsets):
            of_fake = rng.choice(len(fake.features), self.subset_size, replace=False)
            of_real = rng.choice(len(real.features), self.subset_size, replace=False)
            yield subset_sums(
                real.features.take(of_real),
                fake.features.take(of_fake),
                intervals.block_of(of_real),
                intervals.block_of(of_fake),
                self.kernel,
            )


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class KidBlocks(_KernelDistance):
    """The mean of KID over disjoint blocks of consecutive samples, as in compare_gan and TF-GAN.

    Both sides are split into ceil(max(m, n) / largest) blocks of about equal size. The interval is
    that of a mean of independent blocks; it needs 5 of them.

    compare_gan divides the sum over pairs of fakes by the number of reals; this metric does not.

    Attributes:
      largest: largest number of samples in a block.
    """

    name = "kid_blocks"
    scores = {"kid_blocks": False}

    largest: TwoOrMore = 1024

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        values = self.values(real, fake)
        left_out = (values.sum() - values) / (len(values) - 1) if len(values) >= 5 else None
        return {"kid_blocks": intervals.Replicates(float(values.mean()), left_out)}

    def values(self, real: Collected, fake: Collected) -> np.ndarray:
        """KID of each block; raises UndefinedScore."""
        check_features(real, fake, least=2)
        sizes = len(real.features), len(fake.features)
        blocks = -(-max(sizes) // self.largest)
        if min(sizes) < 2 * blocks:
            raise UndefinedScore(
                f"KID in {blocks} blocks needs two samples a block, one side has {min(sizes)}:"
                " take kid_full, or as many samples on both sides"
            )
        real_edges, fake_edges = (_edges(size, blocks) for size in sizes)
        return np.array(
            [
                unbiased_discrepancy(
                    real.features.between(*real_edges[block]),
                    fake.features.between(*fake_edges[block]),
                )
                for block in range(blocks)
            ]
        )


def _edges(size: int, blocks: int) -> list[tuple[int, int]]:
    """(first, last + 1) of each block; the larger ones come first."""
    sizes = [size // blocks + (block < size % blocks) for block in range(blocks)]
    ends = np.cumsum(sizes)
    return list(zip(ends - sizes, ends, strict=True))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class KidFull(_KernelDistance):
    """KID over all pairs of samples, without random draws; the time is quadratic."""

    name = "kid_full"
    scores = {"kid_full": False}

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        check_features(real, fake, least=2)
        sums = all_sums(real.features, fake.features, cubic_kernel)
        enough = intervals.has_interval(len(real.features), len(fake.features))
        left_out = sums.left_out() if enough else None
        return {"kid_full": intervals.Replicates(sums.estimate(), left_out)}


def all_sums(real: Rows, fake: Rows, kernel: Kernel) -> KernelSums:
    """Sums over all pairs of reals [m, d] and fakes [n, d], tile by tile."""
    sums = KernelSums(intervals.BLOCKS)
    _add_pairs(sums.real, real, real, kernel)
    _add_pairs(sums.fake, fake, fake, kernel)
    _add_pairs(sums.cross, real, fake, kernel)
    sums.reals += np.bincount(_blocks(real, 0), minlength=intervals.BLOCKS)
    sums.fakes += np.bincount(_blocks(fake, 0), minlength=intervals.BLOCKS)
    return sums


def _blocks(rows, start: int) -> np.ndarray:
    return intervals.block_of(np.arange(start, start + len(rows)))


def _add_pairs(total: np.ndarray, first: Rows, second: Rows, kernel: Kernel) -> None:
    """Adds the kernel's sums over pairs of `first` and `second`, or of different ones of one."""
    same = first is second
    for row, x in enumerate(first.chunks()):
        in_x = _indicators(_blocks(x, row * CHUNK))
        for column, y in enumerate(second.chunks()):
            if same and column < row:
                continue
            values = kernel(x, y)
            if same and column == row:
                np.fill_diagonal(values, 0.0)
            part = in_x.T @ values @ _indicators(_blocks(y, column * CHUNK))
            total += part + part.T if same and column > row else part
