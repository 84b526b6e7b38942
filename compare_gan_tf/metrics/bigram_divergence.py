"""How far the pairs of neighbouring characters of generated text are from those of real text.

As n-grams compare language models in Gulrajani et al., Improved training of Wasserstein GANs, 2017,
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

_MOST = 10**6  # kinds of sequences that are counted, in each block of lines


def counts(lines: np.ndarray, length: int, symbols: int) -> np.ndarray:
    """How often each sequence of characters is in lines, int64 [symbols^length].

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
    """(KL(p || m) + KL(q || m)) / 2 in nats, 0 to log 2, of counts [K]; m = (p + q) / 2."""
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

    All neighbouring characters of all lines are counted, wherever they stand. It is 0 for equal
    shares and log 2 where no bigram is in both; of finite samples in equal shares it is about
    (k - 1) (1 / n + 1 / m) / 8, of n and m bigrams of k kinds.

    Features are the lines themselves (the extractor `raw_features`): a character is its number.

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
    """The largest number of a character.

    Raises:
      UndefinedScore: the features are no numbers of characters.
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
    """Counts [BLOCKS, symbols^length], of every BLOCKS-th line each."""
    counted, start = np.zeros((BLOCKS, symbols**length), np.int64), 0
    for chunk in rows.chunks():
        for block in range(BLOCKS):
            own = chunk[(block - start) % BLOCKS :: BLOCKS]
            counted[block] += counts(own.astype(np.int64), length, symbols)
        start += len(chunk)
    return counted
