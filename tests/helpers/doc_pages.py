"""The pages of the documentation: their blocks of code, commands, links and anchors."""

import contextlib
import io
import os
import pathlib
import re
import shlex
import subprocess
import sys
import unicodedata
from typing import NamedTuple

import pytest

ROOT = pathlib.Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)```(\w*)(.*)\n((?:.*\n)*?)\1```$", re.MULTILINE)
_LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)")
_HEADING = re.compile(r"^#{1,6} (.+?)(?: \{#([\w.-]+)\})?$", re.MULTILINE)
_SHELL = ("", "sh", "bash")
_CODE = re.compile(r"`([^`]+)`")


class Block(NamedTuple):
    """A block of code."""

    language: str
    title: str  # of the file that it is, "" if it is none
    code: str


def pages() -> list[str]:
    """README.md and all pages of docs/, by their paths in the repository."""
    found = sorted((ROOT / "docs").rglob("*.md"))
    return ["README.md", *(str(path.relative_to(ROOT)) for path in found)]


def text(page: str) -> str:
    return (ROOT / page).read_text()


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in its order."""
    found = []
    for indent, language, rest, code in _FENCE.findall(text(page)):
        title = re.search(r'title="([^"]+)"', rest)
        lines = [line.removeprefix(indent) for line in code.splitlines()]
        found.append(Block(language, title[1] if title else "", "\n".join(lines) + "\n"))
    return found


def commands(page: str) -> list[list[str]]:
    """The arguments of each call of compare-gan in the blocks of a page, the first of a loop."""
    found = []
    for block in blocks(page):
        if block.language in _SHELL:
            code = block.code
            for name, first in re.findall(r"for (\w+) in (\S+) [^;]*; do", code):
                code = code.replace(f"${name}", first)
            for line in code.replace("\\\n", " ").splitlines():
                if line.strip().startswith("compare-gan "):
                    line = re.split(r" && | \| | > ", line)[0]
                    found.append(shlex.split(line.strip().removesuffix("&"), comments=True)[1:])
    return found


def write_files(page: str, folder: pathlib.Path) -> dict[str, str]:
    """Writes the blocks that are files; returns {name: code}."""
    files = {block.title: block.code for block in blocks(page) if block.title}
    for name, code in files.items():
        (folder / name).write_text(code)
    return files


def cells(page: str, column: int) -> list[str]:
    """The pieces of code in one column of all tables of a page."""
    found = []
    for line in text(page).splitlines():
        if line.startswith("| ") and not line.startswith("|---"):
            found += _CODE.findall(re.split(r" ?\| ?", line.strip("|"))[column])
    return found


# --- Python -----------------------------------------------------------------------------------


def run_python(page: str) -> None:
    """Runs the blocks of Python that are no files, one after the other, and compares the output.

    A block is compared with the block of text that follows it.
    """
    names, own = {"__name__": "page"}, blocks(page)
    for block, after in zip(own, [*own[1:], None], strict=True):
        if block.language != "python" or block.title:
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.code, page, "exec"), names)
        if after is not None and after.language == "text":
            assert_prints(printed.getvalue(), after.code)


def assert_prints(found: str, expected: str) -> None:
    """Compares words, and numbers up to what another processor rounds differently."""
    words, others = found.split(), expected.split()
    assert len(words) == len(others), f"prints\n{found}\nnot\n{expected}"
    for word, other in zip(words, others, strict=True):
        try:
            assert float(word) == pytest.approx(float(other), rel=2e-2, abs=2e-3), found
        except ValueError:
            assert word == other, found


def run_as_a_reader(page: str, folder: pathlib.Path) -> None:
    """Runs all commands and all Python of a page in their order, in processes of their own.

    A block of Python has what those before it have made.
    """
    write_files(page, folder)
    own = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": own, "TF_CPP_MIN_LOG_LEVEL": "2"}
    python = ""
    for block in blocks(page):
        if block.title or block.language not in ("", "python"):
            continue
        python += block.code if block.language else ""
        command = [sys.executable, "-c", python] if block.language else ["bash", "-ec", block.code]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{block.code}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


# --- Links ------------------------------------------------------------------------------------


def links(page: str) -> list[tuple[pathlib.Path, str]]:
    """(file, anchor or "") of each relative link of a page."""
    found = []
    for target in _LINK.findall(_without_code(page)):
        if not re.match(r"\w+:", target):
            path, _, anchor = target.partition("#")
            file = (ROOT / page).parent / path if path else ROOT / page
            found.append((file, anchor))
    return found


def _without_code(page: str) -> str:
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text(page)))


def anchors(file: pathlib.Path) -> set[str]:
    """The anchors that a page has on GitHub and on the site alike."""
    content = _FENCE.sub("", file.read_text())
    found = set(re.findall(r"^::: (\S+)", content, re.MULTILINE))
    for heading, own in _HEADING.findall(content):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        found |= {own} if own else {_on_github(plain)} & {_on_the_site(plain)}
    return found


def _on_github(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _on_the_site(heading: str) -> str:
    """As Markdown's extension toc has it."""
    ascii_ = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_).strip().lower())
