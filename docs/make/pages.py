"""Writes the pages of objectives, metrics and reference, and their place in mkdocs.yml.

    make docs

All they say comes from docstrings, signatures, the packaged configs and formulas.toml. What an
example of a page prints is what it printed here.
"""

import contextlib
import io
import pathlib
import re
from collections.abc import Callable

import metric_pages
import objective_pages
import reference
from parts import DOCS

CONFIG = DOCS.parent / "mkdocs.yml"
_OUTPUT = re.compile(r"```text\n(.*?)```", re.DOTALL)


def written(outputs: Callable[[str, str], str]) -> dict[str, str]:
    """{path below docs/: text} of all pages.

    Args:
      outputs: (path of a page, code of its example) -> what it prints.
    """
    pages = {
        f"objectives/{name}.md": objective_pages.page(name) for name in objective_pages.names()
    }
    pages["objectives/index.md"] = objective_pages.index()
    for name in metric_pages.modules():
        path = f"metrics/{name}.md"
        pages[path] = metric_pages.page(name, outputs)
    pages["metrics/index.md"] = metric_pages.index()
    pages |= reference.pages()
    return {path: text.rstrip() + "\n" for path, text in pages.items()}


# --- mkdocs.yml -------------------------------------------------------------------------------


def navigation(text: str, pages: dict[str, str]) -> str:
    """mkdocs.yml with these pages below "Objectives", "Metrics" and "Reference"."""
    for room in ("objectives", "metrics", "reference"):
        own = [path for path in pages if path.startswith(f"{room}/") and "/index" not in path]
        titles = {path: pages[path].split("\n")[0].removeprefix("# ") for path in own}
        block = [f"      - {room}/index.md"] * (f"{room}/index.md" in pages)
        block += [f'      - "{titles[path]}": {path}' for path in own]
        start, end = f"      # {room}: make docs\n", f"      # {room}: end\n"
        head, _, rest = text.partition(start)
        text = head + start + "\n".join(block) + "\n" + end + rest.partition(end)[2]
    return text


def run(path: str, code: str) -> str:
    """What a page's example prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, path, "exec"), {})
    return printed.getvalue()


def as_written(path: str, code: str) -> str:
    """What a page says that its example prints."""
    text = (DOCS / path).read_text() if (DOCS / path).exists() else ""
    found = _OUTPUT.search(text)
    return found[1] if found else ""


def main() -> None:
    """Writes the pages, and removes those that have gone."""
    pages = written(run)
    for room in ("objectives", "metrics", "reference"):
        for old in (DOCS / room).glob("*.md"):
            if str(old.relative_to(DOCS)) not in pages:
                old.unlink()
    for path, text in pages.items():
        target = pathlib.Path(DOCS / path)
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
    CONFIG.write_text(navigation(CONFIG.read_text(), pages))


if __name__ == "__main__":
    main()
