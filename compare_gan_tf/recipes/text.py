"""A recipe as a gin file to edit, and as lines to print."""

import re
import textwrap
from collections.abc import Sequence

from compare_gan_tf.data.naming import printable
from compare_gan_tf.recipes.networks import Part

_WIDTH = 100
# The lines at the top that later commands read: "# key: value".
_FIELDS = ("Written by", "Data")


def data_line(name: str, number: int, channels: int, num_classes: int | None) -> str:
    """What the data set is, in a line that another look at the same data gives again."""
    colours = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    classes = f"{num_classes} classes" if num_classes else "no classes"
    images = "1 image" if number == 1 else f"{number:,} images"
    return f"{printable(name)}: {images}, {colours}, {classes}"


def as_gin(parts: Sequence[Part], *, name: str, command: str, facts: str) -> str:
    """The text of a gin file.

    Args:
      parts: see `choice.choose`; includes come first, for later bindings win.
      name: of the data set.
      command: that wrote it.
      facts: see `data_line`.
    """
    lines = [
        f"# Written by: {command}",
        f"# Data: {facts}",
        "#",
        "# Edit this file before the training has begun; or copy it, and train the copy in another",
        "# folder by --gin_config. compare-gan describe --gin_config=FILE shows the networks.",
        "",
    ]
    ordered = sorted(parts, key=lambda part: not any(map(_is_include, part.bindings)))
    for part in ordered:
        lines += textwrap.wrap(
            f"{part.title.capitalize()}: {part.reason}.",
            _WIDTH,
            initial_indent="# ",
            subsequent_indent="# ",
            break_long_words=False,
        )
        includes = [line for line in part.bindings if _is_include(line)]
        lines += [*includes, *(line for line in part.bindings if not _is_include(line)), ""]
    lines += ["# The images.", f"data.load.name = {name!r}"]
    return "\n".join(lines) + "\n"


def _is_include(line: str) -> bool:
    return line.startswith("include ")


def read_fields(text: str) -> dict[str, str]:
    """{"Written by": command, "Data": facts} of a gin file, as far as they are still in it."""
    found = re.findall(rf"^# ({'|'.join(_FIELDS)}): (.*)$", text, re.MULTILINE)
    return dict(found)
