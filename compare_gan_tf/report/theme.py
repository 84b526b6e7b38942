"""How figures look: colours that also the colour-blind tell apart, for light and dark pages.

The functions that make figures use `LIGHT`; a page shows the same figure in `DARK` by putting each
colour's counterpart in its place.
"""

import dataclasses
import html
import math

import plotly.graph_objects as go

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif'
HEIGHT = 420  # pixels of a figure
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_DASH_ARRAYS = ("none", "7 3", "2.5 2.5", "8 2.5 2.5 2.5", "11 4", "12 3 3 3")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down")
_DECADES = 10.0  # the ratio of a score's ends from which its axis is logarithmic


@dataclasses.dataclass(frozen=True)
class Theme:
    """Colours of a figure, as #rrggbb; `series` in the order of Okabe and Ito's hues."""

    page: str
    text: str
    quiet: str
    lines: str
    series: tuple[str, ...]
    low: str  # one end of a scale whose middle is `middle`
    middle: str
    high: str


LIGHT = Theme(
    "#ffffff", "#1f2226", "#5b616b", "#e1e4e9",
    ("#0072b2", "#d55e00", "#009e73", "#b35a92", "#a37800", "#3f93c8", "#6b7280", "#882255"),
    "#c4560a", "#f4f4f2", "#0f6cab",
)  # fmt: skip
DARK = Theme(
    "#16181c", "#e4e6ea", "#a3a9b3", "#34383f",
    ("#58b0ea", "#f28a4b", "#2fc79a", "#dd9cc6", "#e3c04f", "#a9d8fb", "#b3bac5", "#d9728f"),
    "#f0985b", "#2b2f36", "#5fb4ee",
)  # fmt: skip
THEMES = {"light": LIGHT, "dark": DARK}


def in_the_dark() -> dict[str, str]:
    """{colour of LIGHT: its counterpart of DARK}, both as #rrggbb and as the head of rgba()."""
    pairs = {}
    for field in dataclasses.fields(Theme):
        light, dark = getattr(LIGHT, field.name), getattr(DARK, field.name)
        pairs |= dict(zip(light, dark, strict=True)) if field.name == "series" else {light: dark}
    return pairs | {_head(one): _head(other) for one, other in pairs.items()}


def _head(colour: str) -> str:
    """As in rgba(0,114,178, of #0072b2."""
    return "rgba({},{},{},".format(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))


def faint(colour: str, opacity: float = 0.15) -> str:
    """A colour that lets others through."""
    return f"{_head(colour)}{opacity})"


def template(theme: Theme = LIGHT) -> go.layout.Template:
    """What every figure is drawn with."""
    axis = {
        "gridcolor": theme.lines, "linecolor": theme.lines, "zerolinecolor": theme.lines,
        "automargin": True, "title": {"standoff": 10}, "ticks": "", "showline": True,
    }  # fmt: skip
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": theme.text},
            "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": theme.series, "xaxis": axis, "yaxis": axis,
            "margin": {"l": 56, "r": 16, "t": 56, "b": 48},
            "hoverlabel": {
                "align": "left", "bgcolor": theme.page, "bordercolor": theme.lines,
                "font": {"color": theme.text, "family": FONT}, "namelength": -1,
            },
            "legend": {"font": {"size": 12}, "itemsizing": "constant", "tracegroupgap": 4},
            "modebar": {
                "bgcolor": "rgba(0,0,0,0)", "color": theme.quiet, "activecolor": theme.series[0]
            },
        }
    )  # fmt: skip


def figure(title: str, traces=(), **layout) -> go.Figure:
    """A figure in LIGHT, with a title that is shown as the text that it is.

    `meta` tells a page where its legend is: in the one of the "page", or "below" the figure; and
    which axes of a heat map have "variants" as places, which go when they are hidden.
    """
    layout = {"height": HEIGHT, "template": template(), "meta": {"legend": "page"}, **layout}
    return go.Figure(
        list(traces),
        {"title": {"text": safe(title), "x": 0.0, "xanchor": "left", "pad": {"l": 12}}, **layout},
    )


def safe(text: object) -> str:
    """Text that Plotly shows letter by letter: it would read tags and entities in it as HTML."""
    letters = "".join(one if one.isprintable() else "\ufffd" for one in str(text))
    return html.escape(letters, quote=False)


def named(variant: str) -> dict[str, str]:
    """What belongs to a variant is shown and hidden together."""
    return {"name": safe(variant), "legendgroup": safe(variant)}


def scale(values) -> dict[str, str]:
    """Fields of an axis: logarithmic, with ticks at 1, 2 and 5, where values span a decade."""
    kind = axis_kind(values)
    return {"type": kind} if kind == "linear" else {"type": kind, "dtick": "D2", "tickformat": "~g"}


def axis_kind(values) -> str:
    """The word log where positive values span a decade or more, else "linear"."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    spans = known and min(known) > 0 and max(known) / min(known) >= _DECADES
    return "log" if spans else "linear"


@dataclasses.dataclass(frozen=True)
class Style:
    """What a variant looks like in every figure; `number` is the place of its colour."""

    number: int
    dash: str
    symbol: str

    @property
    def colour(self) -> str:
        """Of a light page."""
        return LIGHT.series[self.number]

    @property
    def dash_array(self) -> str:
        """The dash in a sample of a line of 26 pixels."""
        return _DASH_ARRAYS[DASHES.index(self.dash)]


def styles(variants: list[dict[str, str]]) -> list[Style]:
    """One for each variant: the first axis that varies gives the colour, the others dash and mark.

    Where only one axis varies, or the first has more values than there are colours, variants take
    the colours in turn, and a new dash and mark each time round.
    """
    firsts, rests = _places(variants)
    several = len(set(firsts)) > 1 and len(set(rests)) > 1 and max(firsts) < len(LIGHT.series)
    if not several:
        count = len(LIGHT.series)
        firsts, rests = zip(*(divmod(i, count)[::-1] for i in range(len(variants))), strict=True)
    return [
        Style(first, DASHES[rest % len(DASHES)], SYMBOLS[rest % len(SYMBOLS)])
        for first, rest in zip(firsts, rests, strict=True)
    ]


def _places(variants) -> tuple[list[int], list[int]]:
    """Of each variant, the place of its value of the first axis that varies, and of its others."""
    axes = [axis for axis in variants[0] if len({one[axis] for one in variants}) > 1]
    first = axes[0] if axes else None
    keys = [one.get(first) for one in variants]
    others = [tuple(one[axis] for axis in axes[1:]) for one in variants]
    return tuple(
        [list(dict.fromkeys(values)).index(value) for value in values] for values in (keys, others)
    )
