"""`text:/path`: lines of a text file as sequences of characters, for discrete generators."""

import collections
import os

import gin
import numpy as np

from compare_gan_tf.data.own_images import SPLITS, held_out
from compare_gan_tf.data.split import Dataset, Split
from compare_gan_tf.errors import UserError
from compare_gan_tf.kinds import require_number

PAD = " "


@gin.configurable("text", module="data", denylist=["name", "path"])
def load(name: str, path: str, length: int = 32, most_characters: int = 96) -> Dataset:
    """Reads a file in UTF-8; a sample is uint8 [length], indices into `Dataset.vocabulary`.

    Longer lines become several samples, shorter ones are filled up with spaces.

    Args:
      name: of the data set.
      path: of the file.
      length: characters of a sample.
      most_characters: size of the vocabulary, 2 to 256; rarer characters become spaces, counted in
        `Dataset.notes`.

    Raises:
      UserError: there is no such file, or too little in it.
    """
    require_number("text.length", length, least=1, whole=True)
    require_number("text.most_characters", most_characters, least=2, most=256, whole=True)
    pieces = [
        line[start : start + length].ljust(length, PAD)
        for line in _lines(path)
        for start in range(0, len(line), length)
    ]
    if not pieces:
        raise UserError(f"there are no lines in {path}")
    counts = collections.Counter("".join(pieces))
    counts[PAD] += 1
    common = {char for char, _ in counts.most_common(most_characters - 1)} | {PAD}
    vocabulary = tuple(sorted(common))
    rare = sum(number for char, number in counts.items() if char not in common)
    codes = {char: code for code, char in enumerate(vocabulary)}
    samples = [[codes.get(char, codes[PAD]) for char in piece] for piece in pieces]
    samples = np.array(samples, np.uint8)
    where = held_out(len(samples), path, "lines")
    splits = {split: Split(samples[where == split]) for split in SPLITS if (where == split).any()}
    notes = (f"{rare} characters that are too rare became spaces",) if rare else ()
    return Dataset(name, splits, vocabulary=vocabulary, notes=notes)


def _lines(path: str) -> list[str]:
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return [line.strip() for line in file if line.strip()]
    except UnicodeDecodeError as error:
        raise UserError(
            f"the text {path} is not in UTF-8 ({error.reason} at byte {error.start}): save it as"
            " UTF-8"
        ) from error
    except OSError as error:
        raise UserError(f"the text {path} cannot be read: {error}") from error
