"""Samples that are no images as PNG: points and lines of text, for a light and for a dark page.

Made without pyplot, so that no global state of matplotlib is read or written.
"""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from compare_gan_tf.report.theme import LIGHT, Theme

_SIZE = (4.6, 4.4)  # inches
_DOTS_PER_INCH = 180


def scatter(points: np.ndarray, limits: np.ndarray, *, theme: Theme = LIGHT) -> bytes:
    """A PNG of points [n, 2 or more], the first two coordinates.

    Args:
      points: float [n, D].
      limits: [2, 2], from (x, y) to (x, y).
      theme: its colours.
    """
    figure, axes = _axes(theme)
    second = points[:, 1] if points.shape[1] > 1 else np.zeros(len(points))
    axes.scatter(points[:, 0], second, s=3, alpha=0.5, linewidths=0, color=theme.series[0])
    axes.set_xlim(limits[0][0], limits[1][0])
    axes.set_ylim(limits[0][1], limits[1][1])
    axes.set_aspect("equal")
    return _png(figure)


def text(lines: list[str], *, theme: Theme = LIGHT) -> bytes:
    """A PNG of lines of text, in letters of one width."""
    figure = Figure(figsize=(4.6, 0.2 * len(lines)), dpi=_DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    figure.patch.set_alpha(0.0)
    style = {"family": "monospace", "fontsize": 9, "color": theme.text, "parse_math": False}
    figure.text(0.02, 0.98, "\n".join(lines), verticalalignment="top", **style)
    return _png(figure)


def _axes(theme: Theme):
    figure = Figure(figsize=_SIZE, dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    figure.patch.set_alpha(0.0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0.0)
    axes.grid(color=theme.lines, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=theme.text, labelsize=8, length=0)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(theme.lines)
    return figure, axes


def _png(figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", transparent=True)
    return buffer.getvalue()
