"""`sentences`: short English sentences out of a small grammar, as text that needs no download."""

import numpy as np

from compare_gan_tf.data.split import Dataset, Split

SIZES = {"train": 20_000, "validation": 5_000, "test": 5_000}
VOCABULARY = tuple(" .abcdefghijklmnopqrstuvwxyz")
_SEED = 20180501
# The words of each place have one length, so that together they fill a line.
_WORDS = (
    ("the", "her", "our", "one"),
    ("quick", "small", "brave", "young", "white"),
    ("fox", "dog", "cat", "cow", "hen"),
    ("finds", "wants", "keeps", "takes", "loses"),
    ("his", "her", "its"),
    ("old", "new", "red", "big"),
    ("hat", "box", "cup", "map", "pen"),
)


def sentences(number: int, seed: int) -> list[str]:
    """Such as "the quick fox finds his old hat.": each word drawn evenly out of its list."""
    rng = np.random.default_rng([seed, _SEED])
    drawn = [[words[i] for i in rng.integers(len(words), size=number)] for words in _WORDS]
    return [" ".join(words) + "." for words in zip(*drawn, strict=True)]


def load() -> Dataset:
    """Samples uint8 [N, 32], indices into `Dataset.vocabulary`."""
    codes = {char: code for code, char in enumerate(VOCABULARY)}
    splits = {}
    for seed, (name, size) in enumerate(SIZES.items()):
        lines = [[codes[char] for char in line] for line in sentences(size, seed)]
        splits[name] = Split(np.array(lines, np.uint8))
    return Dataset("sentences", splits, vocabulary=VOCABULARY)
