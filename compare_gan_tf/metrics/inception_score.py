"""Inception Score: the confidence of a classifier on fakes, and the variety of its classes.

Salimans et al., Improved Techniques for Training GANs, 2016, section 4:

    exp(mean_x KL(p(y | x) || mean_x p(y | x)))

in [1, number of classes]. It needs no real samples. Numpy and float64 only.
"""

import dataclasses
from typing import ClassVar

import gin
import numpy as np

from compare_gan_tf.metrics import intervals
from compare_gan_tf.metrics.base import Collected, UndefinedScore, check_rows
from compare_gan_tf.settings.signatures import Count, Index


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class InceptionScore(intervals.Jackknifed):
    """The mean of the score over splits of the fakes; higher is better.

    The paper and most PyTorch code take 10 splits; compare_gan, TF-GAN and StudioGAN take one.
    Fewer fakes give a lower score. The networks of NVIDIA and torch-fidelity have no bias in the
    last layer.

    Attributes:
      splits: number of splits into consecutive fakes, of about equal size.
      bias: whether the logits include the bias of the last layer.
      shuffle_seed: seed of a permutation of the fakes before they are split; None for no
        permutation. 2020 gives the splits of torch-fidelity.
    """

    name = "inception_score"
    needs = {"real": (), "fake": ("logits",)}
    scores = {"inception_score": True}
    # For each class but one: the bias of the score's logarithm is then 1 % at most.
    samples_of_class: ClassVar[int] = 50
    bounds = (1.0, np.inf)

    splits: Count = 1
    bias: bool = True
    shuffle_seed: Index | None = None

    def numbers(self, real: Collected, fake: Collected) -> dict:
        enough = self.splits * self.samples_of_class * (fake.logits.shape[1] - 1)
        return {"fake": (len(fake.logits), enough)}

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        sums = self._sums(fake)
        value = float(np.mean(sums.scores(np.ones(intervals.BLOCKS))))
        if not intervals.has_interval(len(fake.logits) // self.splits):
            return {"inception_score": intervals.Replicates(value, None)}
        left_out = 1.0 - np.eye(intervals.BLOCKS)
        left_out = np.array([np.mean(sums.scores(kept)) for kept in left_out])
        return {"inception_score": intervals.Replicates(value, left_out)}

    def split_scores(self, fake: Collected) -> np.ndarray:
        """[splits] scores, whose mean is the Inception Score; raises UndefinedScore."""
        return self._sums(fake).scores(np.ones(intervals.BLOCKS))

    def _sums(self, fake: Collected) -> "_Sums":
        if fake.logits is None:
            raise UndefinedScore("the extractor has no logits, which the Inception Score is of")
        check_rows(fake.logits, least=max(2, self.splits), what="logits of the fakes")
        if not self.bias and fake.logit_bias is None:
            raise UndefinedScore("the bias of the logits is not known: set InceptionScore.bias")
        offset = 0.0 if self.bias else np.asarray(fake.logit_bias, np.float64)
        splits = self._split_of_each(len(fake.logits))
        sums, start = _Sums(self.splits, fake.logits.shape[1]), 0
        for chunk in fake.logits.chunks():
            chosen = np.arange(start, start + len(chunk))
            sums.add(chunk - offset, splits[chosen], intervals.block_of(chosen))
            start += len(chunk)
        return sums

    def _split_of_each(self, count: int) -> np.ndarray:
        """The split of each fake, [n]; split i has the shuffled fakes [i n / s, (i + 1) n / s)."""
        edges = [count * i // self.splits for i in range(self.splits + 1)]
        splits = np.repeat(np.arange(self.splits), np.diff(edges))
        if self.shuffle_seed is None:
            return splits
        order = np.random.RandomState(self.shuffle_seed).permutation(count)
        found = np.empty(count, np.int64)
        found[order] = splits
        return found


class _Sums:
    """Sums over the fakes of each split and block, from which scores of any blocks follow."""

    def __init__(self, splits: int, classes: int):
        self._probabilities = np.zeros((splits, intervals.BLOCKS, classes))
        self._negative_entropies = np.zeros((splits, intervals.BLOCKS))
        self._counts = np.zeros((splits, intervals.BLOCKS))

    def add(self, logits: np.ndarray, splits: np.ndarray, blocks: np.ndarray) -> None:
        logits = np.asarray(logits, np.float64)
        logits = logits - logits.max(axis=1, keepdims=True)
        logits = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        probabilities = np.exp(logits)
        np.add.at(self._probabilities, (splits, blocks), probabilities)
        entropies = np.sum(probabilities * logits, axis=1)
        np.add.at(self._negative_entropies, (splits, blocks), entropies)
        np.add.at(self._counts, (splits, blocks), 1.0)

    def scores(self, kept: np.ndarray) -> np.ndarray:
        """[splits] scores of the fakes in the blocks whose entry of `kept` [B] is 1."""
        counts = self._counts @ kept
        mean = np.einsum("sbk,b->sk", self._probabilities, kept) / counts[:, None]
        of_mean = np.sum(mean * np.log(np.maximum(mean, np.finfo(np.float64).tiny)), axis=1)
        return np.exp(self._negative_entropies @ kept / counts - of_mean)
