"""Lets indented formulas and tables of docstrings stay as they are written.

Markdown takes only four spaces for a block of code; the docstrings of this package take two as
well. mkdocstrings runs this extension when it reads the sources.
"""

import re

import griffe

_ITEM = re.compile(r"\s*([*-]|\d+\.) ")
_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields):$", re.MULTILINE)


def kept(text: str) -> str:
    """The text with every paragraph that is indented by two or three spaces made a block.

    The items of a section such as Args, which are indented, too, stay as they are.
    """
    made, in_section = [], False
    for paragraph in text.split("\n\n"):
        in_section = paragraph.startswith(" ") and in_section
        made.append(_block(paragraph) if _is_block(paragraph) and not in_section else paragraph)
        in_section = in_section or bool(_SECTION.search(paragraph))
    return "\n\n".join(made)


def _is_block(paragraph: str) -> bool:
    lines = [line for line in paragraph.split("\n") if line.strip()]
    indents = [len(line) - len(line.lstrip()) for line in lines]
    return bool(indents) and 2 <= min(indents) < 4 and not _ITEM.match(lines[0])


def _block(paragraph: str) -> str:
    return "\n".join(f"    {line[2:]}" for line in paragraph.split("\n"))


class Blocks(griffe.Extension):
    """Changes the docstrings of all objects."""

    def on_object(self, *, obj, **others) -> None:
        if obj.docstring is not None:
            obj.docstring.value = kept(obj.docstring.value)
