"""What pages of objectives and of metrics have in common: formulas, pictures, docstrings."""

import parts
from parts import DOCS

WARNING = "<!-- written by docs/make/pages.py: run make docs -->"
_MOST_CONFIGS = 6


def cell(text: str) -> str:
    """A text for a cell of a table."""
    return text.replace("|", "&#124;")


def formulas(room: str, page: str) -> list[str]:
    """The lines with the formulas of a page."""
    lines = []
    for what, formula in parts.formulas()[room].get(page, {}).items():
        lines += [f"{what}:", "", "$$", formula, "$$", ""]
    return lines


def picture(room: str, page: str) -> list[str]:
    """The lines with the picture of a page; none if it has none."""
    if not (DOCS / "images" / room / f"{page}.svg").exists():
        return []
    what = "Each score under known defects" if room == "metrics" else "Values and slopes"
    return [f"![{what}](../images/{room}/{page}.svg)", ""]


def configs(names: set[str]) -> list[str]:
    """The lines that name configs with one of these parts."""
    found = parts.configs_with(names)
    if not found:
        return []
    shown = ", ".join(f"`{name}`" for name in found[:_MOST_CONFIGS])
    more = f" and {len(found) - _MOST_CONFIGS} more" if len(found) > _MOST_CONFIGS else ""
    return [f"[Configs](../configs.md) with it: {shown}{more}.", ""]


def directive(module: str, members: list[str]) -> list[str]:
    """The lines that mkdocstrings replaces by the docstrings of a module and of its members."""
    hidden = ["show_root_heading: false", "show_root_toc_entry: false", "members:"]
    listed = [f"        - {name}" for name in dict.fromkeys(members)]
    return [f"::: {module}", "    options:", *(f"      {line}" for line in hidden), *listed]
