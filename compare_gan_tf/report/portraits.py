"""Figures of the runs themselves: how they learn, what they were set to, what they cost."""

import math

import numpy as np
import plotly.graph_objects as go

from compare_gan_tf.comparison.outcomes import Board, selected
from compare_gan_tf.comparison.records import Comparison, label
from compare_gan_tf.comparison.table import Table, interval_text, metric_name, metric_title
from compare_gan_tf.report import theme
from compare_gan_tf.report.standings import Looks

_MOST_VALUES = 12  # of a setting, which then has a tick for each
_BEST, _LAST = "circle", "circle-open"  # marks of checkpoints


def learning(board: Board, looks: Looks) -> go.Figure:
    """The score by step of each variant's best setting: the median of its seeds and their range."""
    curves = {label(one.variant): _by_step(one.chosen, board.metric) for one in board.outcomes}
    values = [value for curve in curves.values() for ones in curve.values() for value in ones]
    figure = theme.figure(
        f"Learning curves on {board.task}",
        xaxis={"title": {"text": "training step"}},
        yaxis={"title": {"text": theme.safe(metric_name(board.metric))}} | theme.scale(values),
    )
    for name, curve in curves.items():
        if curve:
            _seeds(figure, curve, name, looks[name])
    return figure


def _by_step(runs, metric: str) -> dict[int, list[float]]:
    """{step: the scores of the seeds that have one there}."""
    found: dict[int, list[float]] = {}
    for run in runs:
        for step, value in run.scores[metric].curve if metric in run.scores else ():
            if value is not None and math.isfinite(value):
                found.setdefault(step, []).append(value)
    return dict(sorted(found.items()))


def _seeds(figure, curve, name, look):
    steps, several = list(curve), any(len(ones) > 1 for ones in curve.values())
    low, middle, high = (
        [float(reduce(ones)) for ones in curve.values()] for reduce in (min, np.median, max)
    )
    shared, name = theme.named(name), theme.safe(name)
    if several:
        figure.add_scatter(
            x=steps + steps[::-1], y=high + low[::-1], fill="toself", mode="lines",
            line={"width": 0}, fillcolor=theme.faint(look.colour, 0.08), hoverinfo="skip",
            showlegend=False, **shared,
        )  # fmt: skip
    figure.add_scatter(
        x=steps, y=middle, mode="lines",
        line={"color": look.colour, "dash": look.dash, "width": 2.2},
        customdata=[
            f"{one:.4g} [{first:.4g}, {last:.4g}], {len(ones)} seeds"
            for one, first, last, ones in zip(middle, low, high, curve.values(), strict=True)
        ],
        hovertemplate=f"{name}<br>step %{{x}}: %{{customdata}}<extra></extra>", **shared,
    )  # fmt: skip


def plane(table: Table, looks: Looks, task: str, x: str, y: str) -> go.Figure:
    """Quality against diversity: a mark for each run."""
    rows = table.where(task=task, diversity=x, quality=y)
    figure = theme.figure(
        f"{metric_title(y)} against {metric_name(x)} on {task}",
        xaxis={"title": {"text": theme.safe(metric_name(x))}},
        yaxis={"title": {"text": theme.safe(metric_name(y))}},
    )
    for name, look in looks.items():
        own = [row for row in rows if row["variant"] == name and None not in (row["x"], row["y"])]
        figure.add_scatter(
            x=[row["x"] for row in own], y=[row["y"] for row in own], mode="markers",
            **theme.named(name), text=[theme.safe(row["run"]) for row in own],
            marker={"color": look.colour, "symbol": look.symbol, "size": 8, "opacity": 0.75},
            hovertemplate="%{text}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
        )  # fmt: skip
    return figure


def ends(table: Table, looks: Looks, task: str, metric: str) -> go.Figure:
    """The best checkpoint and the last one of each variant, joined."""
    rows = [row for row in table.where(task=task) if None not in (row["best"], row["last"])]
    figure = theme.figure(
        f"Best against last checkpoint on {task}",
        height=130 + 30 * max(3, len(rows)),
        xaxis={"title": {"text": f"median {theme.safe(metric_name(metric))} over seeds"}}
        | theme.scale([row[key] for row in rows for key in ("best", "last")]),
        yaxis={"type": "category", "autorange": "reversed"},
        meta={"legend": "below"},
    )
    for row in rows:
        colour = looks[row["variant"]].colour
        figure.add_scatter(
            x=[row["best"], row["last"]], y=[theme.safe(row["variant"])] * 2, mode="lines+markers",
            **theme.named(row["variant"]), showlegend=False,
            line={"color": theme.LIGHT.quiet, "width": 1.5},
            marker={"color": colour, "symbol": [_BEST, _LAST], "size": 11, "opacity": 1.0}
            | {"line": {"width": 2, "color": colour}},
            customdata=[f"{key}: {interval_text(row, key)}" for key in ("best", "last")],
            hovertemplate="%{y}<br>%{customdata}<extra></extra>",
        )  # fmt: skip
    for key, symbol in (("best", _BEST), ("last", _LAST)) if rows else ():  # for the legend alone
        figure.add_scatter(
            x=[None], y=[None], mode="markers", name=f"{key} checkpoint", hoverinfo="skip",
            marker={"color": theme.LIGHT.quiet, "symbol": symbol, "size": 11, "line": {"width": 2}},
        )  # fmt: skip
    return figure


def cost(costs: Table, standing: Table, looks: Looks, task: str, metric: str) -> go.Figure:
    """The score of each variant's best setting against what one of its runs costs."""
    places = {row["variant"]: row for row in standing.where(task=task)}
    key = next(
        (k for k in ("multiply_adds", "seconds") if any(r[f"{k}_of_one"] for r in costs.rows)), None
    )
    figure = theme.figure(
        f"Score against cost on {task}",
        xaxis={"title": {"text": f"{(key or 'cost').replace('_', '-')} of one run"}},
        yaxis={"title": {"text": f"median {theme.safe(metric_name(metric))} of the best setting"}}
        | theme.scale([row["best"] for row in places.values()]),
    )
    for row in costs.where(task=task) if key else ():
        place, name = places[row["variant"]], theme.safe(row["variant"])
        if place["best"] is None or row[f"{key}_of_one"] is None:
            continue
        look = looks[row["variant"]]
        figure.add_scatter(
            x=[row[f"{key}_of_one"]], y=[place["best"]], mode="markers",
            **theme.named(row["variant"]),
            marker={"color": look.colour, "symbol": look.symbol, "size": 12},
            customdata=[interval_text(place, "best")],
            hovertemplate=f"{name}<br>%{{x:.4g}}: %{{customdata}}<extra></extra>",
        )  # fmt: skip
    return figure


def importance(table: Table) -> go.Figure:
    """What explains the score, most on top."""
    names = [theme.safe(row["name"]) for row in table.rows]
    bar = go.Bar(
        x=[row["share"] for row in table.rows], y=names, orientation="h",
        marker={"color": theme.LIGHT.series[0]}, hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )  # fmt: skip
    return theme.figure(
        "Importance of settings",
        [bar],
        height=110 + 30 * max(3, len(names)),
        xaxis={"title": {"text": "share of the variance of the score"}, "tickformat": ".0%"},
        yaxis={"type": "category", "autorange": "reversed"},
    )


def parallel(comparison: Comparison, board: Board, looks: Looks) -> go.Figure:
    """Parallel coordinates: a line for each run through its settings to its score."""
    runs = [run for one in board.outcomes for run in one.runs]
    names = list(dict.fromkeys(name for run in runs for name in run.setting))
    columns = {axis: [run.variant[axis] for run in runs] for axis in comparison.axes}
    columns |= {name: [run.setting.get(name) for run in runs] for name in names}
    columns = {name: values for name, values in columns.items() if len(set(map(repr, values))) > 1}
    columns |= {comparison.metric: [_finite(selected(run, comparison.metric)) for run in runs]}
    places = [_heights(values) for values in columns.values()]
    figure = theme.figure(
        f"Settings and scores on {board.task}",
        xaxis={
            "tickmode": "array", "tickvals": list(range(len(columns))), "showgrid": True,
            "ticktext": [theme.safe(name) for name in columns], "zeroline": False,
            "gridcolor": theme.LIGHT.quiet, "range": [-0.15, len(columns) - 0.55],
        },
        yaxis={"visible": False, "range": [-0.08, 1.08]},
        annotations=[
            _tick(x, height, text) for x, (_, ticks) in enumerate(places) for height, text in ticks
        ],
    )  # fmt: skip
    heights = list(zip(*(one for one, _ in places), strict=True))
    for name, look in looks.items():
        own = [i for i, run in enumerate(runs) if label(run.variant) == name]
        _through(figure, [runs[i] for i in own], [heights[i] for i in own], name, look, columns)
    return figure


def _through(figure, runs, heights, name, look, columns):
    """One trace for a variant: the lines of its runs, apart by gaps."""
    if not runs:
        return
    length = len(columns) + 1
    figure.add_scatter(
        x=[*range(len(columns)), None] * len(runs),
        y=[height for own in heights for height in (*own, None)],
        text=[text for run in runs for text in [_said(run, columns)] * length],
        mode="lines+markers", **theme.named(name), opacity=0.55,
        line={"color": look.colour, "width": 1.2}, marker={"size": 4, "color": look.colour},
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _said(run, columns: dict[str, list]) -> str:
    """What is shown of a run: its name, its settings and its scores."""
    facts = [f"{name}: {run.setting[name]}" for name in columns if name in run.setting]
    facts += [
        f"{name}: {one.best:.4g}"
        for name, one in run.scores.items()
        if name in columns and one.best is not None
    ]
    return "<br>".join(map(theme.safe, [run.name, *facts, *([run.reason] if run.reason else [])]))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _heights(values: list) -> tuple[list[float | None], list[tuple[float, str]]]:
    """Values on an axis from 0 to 1, and its ticks (height, text)."""
    there = [value for value in values if value is not None]
    distinct = list(dict.fromkeys(there))
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in there)
    if numbers and distinct:
        logarithmic = theme.axis_kind(there) == "log"
        scale = math.log if logarithmic else float
        low, high = scale(min(there)), scale(max(there))
        span = (high - low) or 1.0
        shown = sorted(distinct) if len(distinct) <= _MOST_VALUES else [min(there), max(there)]
        place = {one: (scale(one) - low) / span for one in distinct}
    else:
        shown = sorted(distinct, key=str)
        place = {one: i / max(1, len(shown) - 1) for i, one in enumerate(shown)}
    ticks = [(place[one], f"{one:.3g}" if isinstance(one, float) else str(one)) for one in shown]
    return [None if value is None else place[value] for value in values], ticks


def _tick(x: int, height: float, text: str) -> dict:
    return {
        "x": x, "y": height, "text": theme.safe(text), "showarrow": False, "xanchor": "left",
        "xshift": 5, "font": {"size": 11, "color": theme.LIGHT.text},
        "bgcolor": theme.faint(theme.LIGHT.page, 0.75),
    }  # fmt: skip
