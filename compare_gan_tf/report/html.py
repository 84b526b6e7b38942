"""A page that is one file: it opens from a disk and asks nobody for anything."""

import base64
import functools
import gzip
import json
import os
import pathlib

import jinja2
import plotly
import plotly.graph_objects as go

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
    return base64.b64encode(gzip.compress(_PLOTLY.read_bytes(), 9, mtime=0)).decode()


def plain(figure: go.Figure) -> dict:
    """A figure as JSON without its template, which the page knows; what is not finite is null."""
    found = json.loads(figure.to_json())
    found["layout"].pop("template", None)
    return found


def data(figures: dict[str, go.Figure], tables: dict[str, dict] | None = None) -> dict:
    """What the page's script draws: figures by name, tables to save, and both themes."""
    return {
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


def render(name: str, values: dict) -> str:
    """A page from a template of this folder; all that is put in is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": data_uri, "number": number, "metric_title": metric_title}
    environment.globals["plotly_js"] = plotly_js
    return environment.get_template(name).render(values)


def data_uri(png: bytes) -> str:
    """A PNG that stands in the page."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def number(value: float) -> str:
    """Five significant digits, without an exponent for everyday sizes."""
    everyday = 1e-3 <= abs(value) < 1e5 or value == 0
    return f"{value:#.5g}".rstrip(".") if everyday else f"{value:.4e}"


def metric_title(metric: str) -> str:
    """FID, Kid full: what is short is an abbreviation."""
    return metric.upper() if len(metric) <= 3 else metric.replace("_", " ").capitalize()
