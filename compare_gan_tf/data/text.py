"""`text:/path`: lines of a text file as sequences of characters, for discrete generators."""

import collections
import os
from typing import Annotated

import gin
import numpy as np

from compare_gan_tf.data.own_images import SPLITS, held_out
from compare_gan_tf.data.records import require_file
from compare_gan_tf.data.split import Dataset, Split
from compare_gan_tf.errors import UserError, as_user_error
from compare_gan_tf.settings.signatures import Count, Number, checked

PAD = " "
Characters = Annotated[int, Number(least=2, most=256, whole=True)]  # indices are uint8


@gin.configurable("text", module="data", denylist=["name", "path"])
@checked(name="text")
def load(
    name: str,
    path: str,
    length: Count = 32,
    most_characters: Characters = 96,
    max_bytes: Count = 2**28,
) -> Dataset:
    """Reads a file in UTF-8; a sample is uint8 [length], indices into `Dataset.vocabulary`.

    Longer lines become several samples, shorter ones are filled up with spaces.

    Args:
      name: of the data set.
      path: of the file.
      length: characters of a sample.
      most_characters: size of the vocabulary, 2 to 256; rarer characters become spaces, counted in
        `Dataset.notes`.
      max_bytes: of the file; memory of some ten times as many is needed.

    Raises:
      UserError: there is no such file, it is larger, or there is too little in it.
    """
    pieces = [
        line[start : start + length].ljust(length, PAD)
        for line in _lines(path, max_bytes)
        for start in range(0, len(line), length)
    ]
    if not pieces:
        raise UserError(f"there are no lines in {path}")
    every = np.frombuffer("".join(pieces).encode("utf-32-le"), np.uint32)
    codes, first, numbers = np.unique(every, return_index=True, return_counts=True)
    order = np.argsort(first)  # of equally many the one that comes first is kept
    counts = collections.Counter(
        dict(zip(map(chr, codes[order]), numbers[order].tolist(), strict=True))
    )
    counts[PAD] += 1
    common = {char for char, _ in counts.most_common(most_characters - 1)} | {PAD}
    vocabulary = tuple(sorted(common))
    rare = sum(number for char, number in counts.items() if char not in common)
    numbers = [vocabulary.index(char if char in common else PAD) for char in map(chr, codes)]
    samples = np.array(numbers, np.uint8)[np.searchsorted(codes, every)].reshape(-1, length)
    where = held_out(len(samples), path, "lines")
    splits = {split: Split(samples[where == split]) for split in SPLITS if (where == split).any()}
    notes = (f"{rare} characters that are too rare became spaces",) if rare else ()
    return Dataset(name, splits, vocabulary=vocabulary, notes=notes)


def _lines(path: str, max_bytes: int) -> list[str]:
    with as_user_error(f"the text {path} cannot be read as UTF-8", OSError, ValueError):
        size = require_file(os.path.expanduser(path))
        if size > max_bytes:
            raise UserError(
                f"the text {path} has {size:,} bytes: take a part of it, or raise text.max_bytes ="
                f" {max_bytes}"
            )
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return [line.strip() for line in file if line.strip()]
