"""Writes the rows of docs/configs.md from the headers and bindings of the packaged configs.

    make docs

What is between the tables, and the order of the rows, is the page's own. A config that has no row
yet gets one at the end of the table with others of its folder.
"""

import pathlib
import re

from compare_gan_tf.config import gin_files
from compare_gan_tf.config.gin_statements import Reference, statements
from compare_gan_tf.errors import UserError

PAGE = pathlib.Path(__file__).parents[1] / "configs.md"
FIELDS = ("Paper", "Published", "Protocol", "Hardware", "Steps")
_ROW = re.compile(r"\| `(\S+\.gin)` \|.*")


def names() -> list[str]:
    """The configs that have a row: all but the pieces that others include, and studies."""
    found = gin_files.packaged_configs()
    return [name for name in found if not name.startswith(("base/", "study/"))]


def header(name: str) -> dict[str, str]:
    """{field: text} of the comment that a config begins with; lines that go on are indented.

    Raises:
      UserError: a field is missing or there is an unknown one.
    """
    text = gin_files.read(gin_files.find_config(name))
    comment = "".join(re.findall(r"\A(?:#.*\n)+", text))
    lines = comment.replace("\n#   ", " ").replace("# ", "").splitlines()
    found = dict(line.split(": ", 1) for line in lines if ": " in line)
    if tuple(found)[:5] != FIELDS or set(found) - {*FIELDS, "Note"} or len(found) < len(lines):
        raise UserError(
            f"{name} must begin with the comments {', '.join(FIELDS)}, and may add Note"
        )
    return found


def bindings(name: str) -> dict[str, object]:
    """{"selector.parameter": value} of a config and of all that it includes; later ones win."""
    return {str(key): value for key, value in statements(gin_files.expanded(name)).items()}


def data_set(name: str) -> str:
    """The data set of a config, as it is bound."""
    bound = bindings(name)
    parts = [f"`{bound['data.load.name']}`"]
    if "data.load.image_size" in bound:
        parts.append(f"{bound['data.load.image_size']} px")
    for setting in ("view", "labels"):
        function = bound.get(f"data.load.{setting}")
        if isinstance(function, Reference):
            start = f"{function.selector}."
            given = [
                f"{k.removeprefix(start)}={v}" for k, v in bound.items() if k.startswith(start)
            ]
            parts.append(f"`{function.selector}{'(' + ', '.join(given) + ')' if given else ''}`")
    return ", ".join(parts)


def row(name: str) -> str:
    """A line of the table."""
    fields = header(name)
    paper, *others = (fields[field] for field in FIELDS)
    cells = [f"`{name}`", paper, data_set(name), *others]
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def page(text: str) -> str:
    """The page with a new row for every config, without those of configs that are gone."""
    lines, missing = text.splitlines(), set(names())
    for line in lines:
        if found := _ROW.fullmatch(line):
            missing.discard(found[1])
    for name in sorted(missing):
        lines.insert(_place(lines, name), f"| `{name}` |")
    kept = [line for line in lines if not (r := _ROW.fullmatch(line)) or r[1] in names()]
    rows = [row(r[1]) if (r := _ROW.fullmatch(line)) else line for line in kept]
    return "\n".join(rows) + "\n"


def _place(lines: list[str], name: str) -> int:
    """Where a new row goes: below the last one of its folder, or of all."""
    folder = f"{pathlib.PurePath(name).parent}/".removeprefix("./")
    at = [(i, r[1]) for i, line in enumerate(lines) if (r := _ROW.fullmatch(line))]
    beside = [i for i, other in at if other.startswith(folder)]
    return (beside or [i for i, _ in at])[-1] + 1


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
