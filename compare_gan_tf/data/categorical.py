"""`categorical`: draws of one of 20 symbols, as lines of one character, by known probabilities."""

import numpy as np

from compare_gan_tf.data.split import Dataset, Split

SYMBOLS = tuple("abcdefghijklmnopqrst")
SIZES = {"train": 20_000, "validation": 5_000, "test": 5_000}
_SEED = 20180430
_DEVIATION = 1.5


def probabilities() -> np.ndarray:
    """Of each symbol, float64 [20]: the softmax of normal numbers, always the same.

    KL(p || uniform) is 0.54 nats.
    """
    logits = _DEVIATION * np.random.default_rng(_SEED).standard_normal(len(SYMBOLS))
    return np.exp(logits) / np.exp(logits).sum()


def load() -> Dataset:
    """Samples uint8 [N, 1], indices into `Dataset.vocabulary`, for `GAN.alphabet = @Characters()`.

    Of a generator of them the divergence from the data is known exactly.
    """
    splits = {}
    for seed, (name, size) in enumerate(SIZES.items()):
        rng = np.random.default_rng([seed, _SEED])
        drawn = rng.choice(len(SYMBOLS), size=[size, 1], p=probabilities())
        splits[name] = Split(drawn.astype(np.uint8))
    return Dataset("categorical", splits, vocabulary=SYMBOLS)
