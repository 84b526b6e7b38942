"""Label files, and what is read of them."""

import pytest

from compare_gan_tf.data import folders
from compare_gan_tf.errors import UserError, first_line

NAMES = [f"{number}.png" for number in range(6)]
NUMBERS = [(name, number % 2) for number, name in enumerate(NAMES)]
TEXTS = [(name, ["dog", "cat"][number % 2]) for number, name in enumerate(NAMES)]


def lines(rows, separator=","):
    return "\n".join(separator.join(map(str, row)) for row in rows)


def refused(root, **settings):
    with pytest.raises(UserError) as error:
        folders.find(str(root), **settings)
    message = first_line(error.value)
    assert "\n" not in message
    return message
