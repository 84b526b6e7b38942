"""The report's diagrams as PNG, each for a light and for a dark page.

Figures are made without pyplot, so that no global state of matplotlib is read or written.
"""

import dataclasses
import io
import math

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_SIZE = (5.8, 3.2)  # inches
_DOTS_PER_INCH = 180


@dataclasses.dataclass(frozen=True)
class Theme:
    """Colours of a diagram; its background is transparent."""

    text: str
    lines: str  # of grid and axes
    series: tuple[str, ...]


# Okabe and Ito's colours, which also the colour-blind tell apart; lighter on a dark page.
LIGHT = Theme(
    "#2b2d31", "#d5d8dd", ("#0072b2", "#d55e00", "#009e73", "#b35a92", "#8a6d00", "#3f7fa6")
)
DARK = Theme(
    "#d9dce1", "#41454d", ("#56b4e9", "#f0985a", "#3fc79a", "#e0a3c8", "#e6c95c", "#9fd3f2")
)
THEMES = {"light": LIGHT, "dark": DARK}


def lines(
    series: dict[str, tuple[list, list]],
    *,
    y_label: str,
    mark: tuple[int, float, str] | None = None,
    levels: dict[str, float] | None = None,
    theme: Theme = LIGHT,
) -> bytes:
    """A PNG of values by training step; NaN is a gap.

    Args:
      series: {label: (steps, values)}.
      y_label: what the values are.
      mark: (step, value, text) of the point to point out.
      levels: {label of a series: value of a line across, in the colour of the series}.
      theme: its colours.
    """
    figure, axes = _axes(theme)
    for index, (label, (steps, values)) in enumerate(series.items()):
        color = theme.series[index % len(theme.series)]
        if label in (levels or {}):
            axes.axhline(levels[label], color=color, linewidth=1.0, linestyle=(0, (1, 2)),
                         label=f"{_printable(label)}, real samples")  # fmt: skip
        few = sum(math.isfinite(value) for value in values) <= 60
        axes.plot(
            steps,
            values,
            label=_printable(label),
            color=color,
            linestyle=("-", "--", ":", "-.")[index // len(theme.series) % 4],
            linewidth=1.6,
            marker="o" if few else None,
            markersize=3.5,
        )
    if mark:
        _mark(axes, *mark, theme)
    axes.set_xlabel("training step", color=theme.text)
    axes.set_ylabel(_printable(y_label), color=theme.text, parse_math=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    columns = 1 if len(series) > 6 or max(map(len, series), default=0) > 40 else 2
    legend = axes.legend(
        frameon=False, labelcolor=theme.text, fontsize=8, ncols=columns,
        loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2,
    )  # fmt: skip
    for label in legend.get_texts():
        label.set_parse_math(False)
    return _png(figure)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def scatter(points: np.ndarray, limits: np.ndarray, *, theme: Theme = LIGHT) -> bytes:
    """A PNG of points [n, 2 or more], the first two coordinates.

    Args:
      points: float [n, D].
      limits: [2, 2], from (x, y) to (x, y).
      theme: its colours.
    """
    figure, axes = _axes(theme, size=(4.6, 4.4))
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


def _axes(theme: Theme, size=_SIZE):
    figure = Figure(figsize=size, dpi=_DOTS_PER_INCH, layout="constrained")
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


def _mark(axes, step, value, text, theme):
    axes.axvline(step, color=theme.text, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.plot([step], [value], "o", markersize=9, markerfacecolor="none", color=theme.text)
    left, right = axes.get_xlim()
    late = step > (left + right) / 2
    axes.annotate(
        text,
        (step, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if late else 5, -3),
        textcoords="offset points",
        horizontalalignment="right" if late else "left",
        verticalalignment="top",
        fontsize=8,
        color=theme.text,
    )


def _png(figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", transparent=True)
    return buffer.getvalue()
