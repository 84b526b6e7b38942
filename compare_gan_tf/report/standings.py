"""Figures of variants against one another, each of a table of `comparison.tables`.

`looks` gives each variant its style; where tables have rows of several data sets, a figure is of
one.
"""

import plotly.graph_objects as go

from compare_gan_tf.comparison.table import Table, interval_text, metric_name
from compare_gan_tf.report import theme
from compare_gan_tf.report.theme import Style

Looks = dict[str, Style]
_ROW = 30  # pixels of a variant
_WIDTH = 2.2  # of a line


def leaderboard(table: Table, looks: Looks, task: str, metric: str) -> go.Figure:
    """The median of each variant's best setting with its interval, the best on top."""
    rows = [row for row in table.where(task=task) if row["best"] is not None]
    figure = theme.figure(
        f"Leaderboard on {task}",
        height=110 + _ROW * max(3, len(rows)),
        xaxis={
            "title": {
                "text": f"median {theme.safe(metric_name(metric))} of the best setting, over seeds"
            }
        }
        | theme.scale([row["best"] for row in rows]),
        yaxis={"autorange": "reversed", "type": "category"},
        showlegend=False,
    )
    for row in rows:
        look, name = looks[row["variant"]], theme.safe(row["variant"])
        ends = [row["best"] if row[key] is None else row[key] for key in ("best_low", "best_high")]
        whisker = {
            "type": "data", "symmetric": False, "thickness": 2, "width": 5,
            "array": [ends[1] - row["best"]], "arrayminus": [row["best"] - ends[0]],
        }  # fmt: skip
        figure.add_scatter(
            x=[row["best"]], y=[name], mode="markers", error_x=whisker,
            **theme.named(row["variant"]),
            marker={"color": look.colour, "symbol": look.symbol, "size": 11},
            customdata=[[interval_text(row, "best"), row["seeds"], theme.safe(row["setting"])]],
            hovertemplate="%{y}<br>%{customdata[0]} over %{customdata[1]} seeds<br>"
            "%{customdata[2]}<extra></extra>",
        )  # fmt: skip
    return figure


def budget(table: Table, looks: Looks, task: str, metric: str) -> go.Figure:
    """The expected best of k runs by k, with its band."""
    rows = [row for row in table.where(task=task) if row["expected"] is not None]
    figure = theme.figure(
        f"Budget curves on {task}",
        xaxis={"title": {"text": "runs that are trained"}, "type": "log", "dtick": "D1"}
        if max((row["budget"] for row in rows), default=1) > 30
        else {"title": {"text": "runs that are trained"}},
        yaxis={"title": {"text": f"expected best {theme.safe(metric_name(metric))}"}}
        | theme.scale([row["expected"] for row in rows]),
    )
    for name, look in looks.items():
        own = [row for row in rows if row["variant"] == name]
        _line_with_band(figure, own, "budget", "expected", name, look, "%{x} runs")
    return figure


def profile(table: Table, looks: Looks, metric: str) -> go.Figure:
    """The share of runs that reach a multiple of the median score, by that multiple."""
    figure = theme.figure(
        "Performance profile",
        xaxis={
            "title": {
                "text": f"{theme.safe(metric_name(metric))}, as a multiple of the median run"
            },
            "type": theme.axis_kind([row["ratio"] for row in table.rows]),
        },
        yaxis={"title": {"text": "share of runs"}, "tickformat": ".0%", "range": [-0.02, 1.02]},
    )
    for name, look in looks.items():
        own = table.where(variant=name)
        _line_with_band(figure, own, "ratio", "share", name, look, "%{x:.3f} times")
    return figure


def _line_with_band(figure, rows, x, y, name, look, where):
    """A line of a variant; its band is shown and hidden with it."""
    if not rows:
        return
    shared, name = theme.named(name), theme.safe(name)
    inside = [row for row in rows if None not in (row[f"{y}_low"], row[f"{y}_high"])]
    if len(inside) > 1:
        places = [row[x] for row in inside]
        upper, lower = ([row[f"{y}_{end}"] for row in inside] for end in ("high", "low"))
        figure.add_scatter(
            x=places + places[::-1], y=upper + lower[::-1], fill="toself", mode="lines",
            line={"width": 0}, fillcolor=theme.faint(look.colour, 0.08), hoverinfo="skip",
            showlegend=False, **shared,
        )  # fmt: skip
    figure.add_scatter(
        x=[row[x] for row in rows], y=[row[y] for row in rows], mode="lines",
        line={"color": look.colour, "dash": look.dash, "width": _WIDTH},
        customdata=[interval_text(row, y) for row in rows],
        hovertemplate=f"{name}<br>{where}: %{{customdata}}<extra></extra>", **shared,
    )  # fmt: skip


def pairwise(table: Table, task: str, order: list[str] = ()) -> go.Figure:
    """A matrix: how likely the variant of the row beats that of the column; rows by `order`."""
    rows = table.where(task=task)
    names = list(dict.fromkeys(row["first"] for row in rows))
    names.sort(key=lambda name: order.index(name) if name in order else len(order))
    cells = {(row["first"], row["second"]): row for row in rows}

    def matrix(value):
        return [[value(cells.get((a, b))) for b in names] for a in names]

    shown = [theme.safe(name) for name in names]
    heat = go.Heatmap(
        x=shown, y=shown, z=matrix(lambda row: row and row["probability"]), zmin=0, zmax=1,
        text=matrix(lambda row: f"{row['probability']:.2f}".lstrip("0") if row else ""),
        texttemplate="%{text}" if len(names) <= 16 else None, xgap=2, ygap=2,
        customdata=matrix(lambda row: interval_text(row, "probability") if row else ""),
        hovertemplate="%{y}<br>beats %{x}<br>with probability %{customdata}<extra></extra>",
        colorscale=[[0, theme.LIGHT.low], [0.5, theme.LIGHT.middle], [1, theme.LIGHT.high]],
        colorbar={"thickness": 10, "outlinewidth": 0, "tickformat": ".1f"}, hoverongaps=False,
    )  # fmt: skip
    return theme.figure(
        f"Probability of improvement on {task}",
        [heat],
        height=170 + _ROW * max(4, len(names)),
        xaxis={"type": "category", "showgrid": False, "tickangle": -45 if len(names) > 3 else 0},
        yaxis={"type": "category", "showgrid": False, "autorange": "reversed"},
        meta={"legend": "page", "variants": ["x", "y"]},
    )


def ranks(table: Table, task: str) -> go.Figure:
    """How likely each rank of each variant is, the best mean rank on top."""
    rows = table.where(task=task)
    means = {row["variant"]: row["mean_rank"] for row in rows}
    names = sorted(means, key=means.get)
    heat = go.Heatmap(
        x=list(range(1, len(names) + 1)), y=[theme.safe(name) for name in names],
        z=[[row["probability"] for row in rows if row["variant"] == name] for name in names],
        zmin=0, zmax=1, xgap=2, ygap=2, showscale=False,
        colorscale=[[0, theme.LIGHT.middle], [1, theme.LIGHT.high]],
        text=[[_share(row) for row in rows if row["variant"] == name] for name in names],
        texttemplate="%{text}" if len(names) <= 16 else None,
        hovertemplate="%{y}<br>rank %{x} with probability %{z:.2f}<extra></extra>",
    )  # fmt: skip
    return theme.figure(
        f"Probability of each rank on {task}",
        [heat],
        height=110 + _ROW * max(4, len(names)),
        xaxis={"title": {"text": "rank among all variants"}, "showgrid": False, "dtick": 1},
        yaxis={"type": "category", "showgrid": False, "autorange": "reversed"},
        meta={"legend": "page", "variants": ["y"]},
    )


def _share(row: dict) -> str:
    """As in .25; nothing of what hardly happens."""
    share = row["probability"]
    return "" if share < 0.005 else "1" if share > 0.995 else f"{share:.2f}".lstrip("0")


def top(table: Table, looks: Looks, task: str, metric: str) -> go.Figure:
    """The best 5 % of each variant's runs: each run, and their distribution."""
    rows = [row for row in table.where(task=task) if row["score"] is not None]
    figure = theme.figure(
        f"Best 5 % of the runs on {task}",
        yaxis={"title": {"text": theme.safe(metric_name(metric))}}
        | theme.scale([row["score"] for row in rows]),
        xaxis={"type": "category", "tickangle": -45},
        showlegend=False,
    )
    for name, look in looks.items():
        own = [row for row in rows if row["variant"] == name]
        figure.add_violin(
            x=[theme.safe(name)] * len(own), y=[row["score"] for row in own], **theme.named(name),
            points="all", pointpos=0, jitter=0.25, spanmode="hard", box={"visible": len(own) > 4},
            line={"color": look.colour, "width": 1.2}, fillcolor=theme.faint(look.colour, 0.2),
            marker={"color": look.colour, "size": 6, "symbol": look.symbol},
            text=[theme.safe(row["run"]) for row in own], hoveron="points",
            hovertemplate="%{text}<br>%{y:.4g}<extra></extra>",
        )  # fmt: skip
    return figure
