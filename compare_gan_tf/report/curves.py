"""What changes while a run trains: its losses and its scores by step."""

import math

import plotly.graph_objects as go

from compare_gan_tf.report import theme

_FEW = 60  # points that get a mark each


def lines(
    series: dict[str, tuple[list, list]],
    *,
    title: str,
    y_label: str,
    mark: tuple[int, float, str] | None = None,
    levels: dict[str, float] | None = None,
) -> go.Figure:
    """Values by training step; NaN is a gap.

    The axis is logarithmic where all values are positive and span a decade: a first FID of 200
    would flatten all that follow.

    Args:
      series: {label: (steps, values)}.
      title: of the figure.
      y_label: what the values are.
      mark: (step, value, text) of the point to point out.
      levels: {label of a series: value of a line across, in the colour of the series}.
    """
    levels = {name: level for name, level in (levels or {}).items() if name in series}
    values = [value for _, values in series.values() for value in values]
    figure = theme.figure(
        title,
        xaxis={"title": {"text": "training step"}},
        yaxis={"title": {"text": theme.safe(y_label)}} | theme.scale([*values, *levels.values()]),
        hovermode="x unified",
        meta={"legend": "below"},
    )  # fmt: skip
    for index, (label, (steps, values)) in enumerate(series.items()):
        colour = theme.LIGHT.series[index % len(theme.LIGHT.series)]
        dash = theme.DASHES[index // len(theme.LIGHT.series) % len(theme.DASHES)]
        name = theme.safe(label)
        few = sum(map(math.isfinite, values)) <= _FEW
        figure.add_scatter(
            x=steps, y=values, name=name, mode="lines+markers" if few else "lines",
            line={"color": colour, "dash": dash, "width": 2}, marker={"color": colour, "size": 6},
            hovertemplate="%{y:.5g}",
        )  # fmt: skip
        if label in levels:
            ends = [min(steps), max(steps)]
            figure.add_scatter(
                x=ends, y=[levels[label]] * 2, name=f"{name}, real samples", mode="lines",
                line={"color": colour, "dash": "dot", "width": 1.5}, hovertemplate="%{y:.5g}",
            )  # fmt: skip
    if mark:
        _point_out(figure, *mark)
    return figure


def _point_out(figure: go.Figure, step: int, value: float, text: str) -> None:
    figure.add_scatter(
        x=[step], y=[value], name=theme.safe(text), mode="markers", hoverinfo="skip",
        marker={
            "size": 15, "color": "rgba(0,0,0,0)", "line": {"color": theme.LIGHT.text, "width": 2}
        },
    )  # fmt: skip
