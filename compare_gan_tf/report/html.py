"""A page that is one file: it opens from a disk and asks nobody for anything."""

import base64
import functools
import gzip
import hashlib
import html
import json
import os
import pathlib
import re

import jinja2
import markupsafe
import plotly
import plotly.graph_objects as go

from compare_gan_tf.comparison.table import interval_text, metric_title
from compare_gan_tf.report import theme

_HERE = os.path.dirname(__file__)
_PLOTLY = pathlib.Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["lasso2d", "select2d"],
}


@functools.cache
def plotly_js() -> str:
    """Plotly's library, compressed and in letters: 2 MB instead of 4.8; browsers inflate it."""
    return _packed(_PLOTLY.read_bytes())


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def plain(figure: go.Figure) -> dict:
    """A figure as JSON without its template, which the page knows; what is not finite is null."""
    found = json.loads(figure.to_json())
    found["layout"].pop("template", None)
    return found


def data(figures: dict[str, go.Figure], tables: dict[str, dict] | None = None) -> str:
    """What the page's script draws: figures by name, tables to save, and both themes; packed."""
    found = {
        "figures": {name: plain(one) for name, one in figures.items()},
        "tables": tables or {},
        "templates": {
            name: json.loads(go.Figure(layout={"template": theme.template(one)}).to_json())[
                "layout"
            ]["template"]
            for name, one in theme.THEMES.items()
        },
        "dark": theme.in_the_dark(),
        "config": CONFIG,
    }
    return _packed(json.dumps(found, allow_nan=False).encode())


def render(name: str, values: dict) -> str:
    """A page from a template of this folder; all that is put in is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "data_uri": data_uri, "number": number, "metric_title": metric_title, "cell": cell,
        "interval": interval_text, "safe_in_figures": theme.safe,
    }  # fmt: skip
    script, css = (
        markupsafe.Markup(environment.get_template(f"page.{kind}.jinja").render())
        for kind in ("js", "css")
    )
    parts = {"script": script, "style": _series_css() + css, "unused_styles": _unused_styles()}
    parts["policy"] = _policy(script, parts["style"])
    environment.globals |= {"plotly_js": plotly_js}
    return environment.get_template(name).render(values | parts)


def _policy(script: str, style: str) -> str:
    """What a browser may do with a page: draw it, run our script and Plotly, and load nothing.

    Plotly writes rules into a style that it adds without a text, and attributes of elements.
    """
    scripts = f"{_sha256(script)} {_sha256(_PLOTLY.read_text(encoding='utf-8'))}"
    return (
        f"default-src 'none'; script-src {scripts}; style-src-elem {_sha256(style)} {_sha256('')};"
        " style-src-attr 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _sha256(text: str) -> str:
    """The source expression of an inline element with this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@functools.cache
def _unused_styles() -> list[str]:
    """Of maps, which no page draws: Plotly adds a style by an id only if there is none."""
    return re.findall(r'getElementById\("([0-9a-f]{64})"\)', _PLOTLY.read_text(encoding="utf-8"))


def _series_css() -> markupsafe.Markup:
    """--series0 and on, as variables of the page in both themes."""
    rules = [
        ":root {" + " ".join(f"--series{i}: {one};" for i, one in enumerate(each.series)) + "}"
        for each in (theme.LIGHT, theme.DARK)
    ]
    light, dark = rules
    return markupsafe.Markup(f"{light}\n@media screen and (prefers-color-scheme: dark) {{{dark}}}")


def data_uri(png: bytes) -> str:
    """A PNG that stands in the page."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def number(value: float) -> str:
    """Five significant digits, without an exponent for everyday sizes."""
    everyday = 1e-3 <= abs(value) < 1e5 or value == 0
    return f"{value:#.5g}".rstrip(".") if everyday else f"{value:.4e}"


def duration(seconds: float) -> str:
    """As in 5 min 3 s: the two units that matter."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24) if hours >= 48 else (0, hours)
    parts = [(days, "d"), (hours, "h"), (0 if days else minutes, "min")]
    parts += [(0 if days or hours else seconds, "s")]
    return " ".join(f"{value:,} {unit}" for value, unit in parts if value) or "0 s"


def short(value: float) -> str:
    """Three digits and a letter for a power of a thousand: "1.25 M"."""
    for size, letter in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.4g}"


def plain_text(safe: str) -> str:
    """What `theme.safe` made safe, as it was."""
    return html.unescape(safe)


def cell(value, kind: str) -> str:
    """A value of a table as it is shown; nothing where it is not known."""
    if value is None or value == "":
        return ""
    if kind == "whole":
        return f"{value:,}"
    if kind == "share":
        return f"{value:.2f}"
    if kind == "number":
        return short(value) if abs(value) >= 1e6 else f"{value:.4g}"
    return str(value)
