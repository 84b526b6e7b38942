"""Writes the table of docs/papers.md: the rows of experiments/ and their verdicts.

make docs
"""

import ast
import re

from parts import DOCS

PAGE = DOCS / "papers.md"
ROWS = DOCS.parent / "experiments" / "rows"
HEAD = "| row | claim | bounds held |\n|---|---|---|\n"


def title(name: str) -> str:
    """The claim of a row, as docs/results.md has it."""
    text = ast.get_docstring(ast.parse((ROWS / f"{name}.py").read_text()))
    return text.splitlines()[0].removesuffix(".")


def verdicts(results: str) -> dict[str, list[bool]]:
    """{claim: whether each bounded measure held} of the table in docs/results.md."""
    section = results.partition("## Claims of the papers at a small scale")[2]
    found, claim = {}, ""
    for line in section.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 5 and cells[0] != "claim" and not cells[0].startswith("---"):
            claim = cells[0] or claim
            held = found.setdefault(claim, [])
            if cells[4]:
                held.append(cells[4] == "yes")
    return found


def page(text: str, results: str) -> str:
    """The page with the table as the rows and the results have it now."""
    found = verdicts(results)
    lines = []
    for name in sorted(path.stem for path in ROWS.glob("*.py")):
        held = found[title(name)]
        count = f"{sum(held)} of {len(held)}" if held else "reported only"
        lines.append(f"| `{name}` | {title(name)} | {count if all(held) else f'**{count}**'} |")
    return text.partition(HEAD)[0] + HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(), (DOCS / "results.md").read_text()))
