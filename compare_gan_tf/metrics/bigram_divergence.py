"""Divergence between the bigrams of generated text and those of real text.

The comparison of n-grams follows Gulrajani et al., Improved training of Wasserstein GANs, 2017,
appendix H. Numpy only.
"""

import dataclasses
import math
from typing import ClassVar

import gin
import numpy as np

from compare_gan_tf.metrics.base import Rows, UndefinedScore, check_features
from compare_gan_tf.metrics.intervals import BLOCKS, Jackknifed, Replicates, has_interval
from compare_gan_tf.settings.signatures import Count

_MOST = 10**6  # possible sequences; each block of lines has a count for each of them


def counts(lines: np.ndarray, length: int, symbols: int) -> np.ndarray:
    """The number of occurrences of each sequence of characters, int64 [symbols^length].

    Args:
      lines: characters, int [n, L] in [0, symbols).
      length: of the sequences, 1 to L.
      symbols: number of characters.
    """
    places = lines.shape[1] - length + 1
    codes = np.zeros((len(lines), places), np.int64)
    for offset in range(length):
        codes = codes * symbols + lines[:, offset : offset + places]
    return np.bincount(codes.reshape(-1), minlength=symbols**length)


def jensen_shannon(first: np.ndarray, second: np.ndarray) -> float:
    """(KL(p || m) + KL(q || m)) / 2 in nats, in [0, log 2], of counts [K]; m = (p + q) / 2."""
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2

    def relative(values):
        there = values > 0
        return np.sum(values[there] * np.log(values[there] / middle[there]))

    return float((relative(p) + relative(q)) / 2)


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class BigramDivergence(Jackknifed):
    """Jensen-Shannon divergence between the bigrams of the fakes and those of real lines, in nats.

    All pairs of neighbouring characters count, at any position. The divergence is 0 for equal
    distributions, and log 2 if no bigram is in both. For n and m bigrams of k kinds from one
    distribution it is about (k - 1) (1 / n + 1 / m) / 8.

    Features are the lines themselves (the extractor `raw_features`): a character is its index.

    Attributes:
      length: of the sequences; 2 for bigrams.
    """

    name: ClassVar[str] = "bigram_divergence"
    needs: ClassVar[dict] = {"real": ("features",), "fake": ("features",)}
    scores: ClassVar[dict] = {"bigram_divergence": False}
    bounds: ClassVar[tuple[float, float]] = (0.0, math.log(2.0))

    length: Count = 2

    def replicates(self, real, fake):
        check_features(real, fake, least=1)
        if self.length > real.features.shape[1]:
            raise UndefinedScore(
                f"BigramDivergence.length is {self.length} but lines have "
                f"{real.features.shape[1]} characters"
            )
        symbols = 1 + max(_largest(real.features), _largest(fake.features))
        if symbols**self.length > _MOST:
            raise UndefinedScore(
                f"{symbols} characters make {symbols**self.length:,} sequences of {self.length}, "
                f"at most {_MOST:,} are counted: take a lower BigramDivergence.length"
            )
        blocks = [_counted(side.features, self.length, symbols) for side in (real, fake)]
        totals = [counted.sum(0) for counted in blocks]
        left_out = None
        if has_interval(len(real.features), len(fake.features)):
            real_ones, fakes = (n - block for n, block in zip(totals, blocks, strict=True))
            without = zip(real_ones, fakes, strict=True)
            left_out = np.array([jensen_shannon(*both) for both in without])
        return {self.name: Replicates(jensen_shannon(*totals), left_out)}


def _largest(rows: Rows) -> int:
    """The largest index of a character.

    Raises:
      UndefinedScore: the features are not indices of characters.
    """
    largest = 0
    for chunk in rows.chunks():
        if (chunk < 0).any() or (chunk != np.floor(chunk)).any() or (chunk >= _MOST).any():
            raise UndefinedScore(
                f"the features are no characters, which are whole numbers below {_MOST:,}: it is"
                " for lines of text under the extractor raw_features"
            )
        largest = max(largest, int(chunk.max()))
    return largest


def _counted(rows: Rows, length: int, symbols: int) -> np.ndarray:
    """The counts of each block of lines, [BLOCKS, symbols^length]."""
    counted, start = np.zeros((BLOCKS, symbols**length), np.int64), 0
    for chunk in rows.chunks():
        for block in range(BLOCKS):
            own = chunk[(block - start) % BLOCKS :: BLOCKS]
            counted[block] += counts(own.astype(np.int64), length, symbols)
        start += len(chunk)
    return counted
