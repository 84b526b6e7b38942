"""Draws the pictures of the pages: curves of losses, and scores under known defects.

    make docs

The curves are the code's own losses, and the scores those of the tables in docs/evaluation.md.
"""

import re

import matplotlib
import numpy as np
import parts
from matplotlib import pyplot as plt

from compare_gan_tf.report.theme import DARK, LIGHT

BLUE, ORANGE, GREEN = LIGHT.series[:3]
PALE_BLUE = DARK.series[5]  # below a thin line
SHORT = {"Points on a ring of Gaussians": "ring", "Lines of text": "text"}
LOGITS = np.linspace(-4.0, 4.0, 161, dtype=np.float32)
_ROW = re.compile(r"^\| (\w+) \| (higher|lower|) \| (.*) \|$")
STYLE = {
    "axes.edgecolor": LIGHT.lines, "axes.grid": True, "axes.labelcolor": LIGHT.quiet,
    "axes.spines.right": False, "axes.spines.top": False, "axes.titlesize": 9,
    "figure.facecolor": LIGHT.page, "font.family": "sans-serif", "font.size": 9,
    "grid.color": LIGHT.lines, "legend.frameon": False, "svg.fonttype": "none",
    "svg.hashsalt": "compare_gan_tf", "text.color": LIGHT.text, "xtick.color": LIGHT.quiet,
    "ytick.color": LIGHT.quiet,
}  # fmt: skip


# --- Curves -----------------------------------------------------------------------------------


def with_slope(function, points=LOGITS):
    """(values, derivatives) of a function of a vector, elementwise, both float32 [n]."""
    import tensorflow as tf

    at = tf.constant(points)
    with tf.GradientTape() as tape:
        tape.watch(at)
        values = function(at)
    slopes = tape.gradient(values, at, unconnected_gradients="zero")
    return np.asarray(values), np.asarray(slopes)


def of_loss(loss) -> dict[str, tuple]:
    """{who pays: (values, slopes)} of an adversarial loss, by the logit that it is paid for."""
    import tensorflow as tf

    def part(name):
        return lambda logits: getattr(loss(logits, logits), name) + tf.zeros_like(logits)

    names = {"D, of a real": "real", "D, of a fake": "fake", "G, of a fake": "generator"}
    return {who: with_slope(part(name)) for who, name in names.items()}


def losses() -> dict[str, dict]:
    """{page: {title: curves}} of all pages with curves."""
    from compare_gan_tf.objectives import (
        boundary_seeking,
        f_divergences,
        f_gan,
        loss_sensitive,
        relativistic,
    )
    from compare_gan_tf.objectives import losses as ours

    adversarial = ("non_saturating", "minimax", "wasserstein", "least_squares",
                   "least_squares_on_probabilities", "hinge")  # fmt: skip
    divergences = ("kl", "reverse_kl", "pearson", "squared_hellinger", "jensen_shannon",
                   "total_variation")  # fmt: skip
    margins = ("logistic", "squared", "margin_hinge")
    distances = ("squared", "half_squared", "cross_entropy")
    costs = ("negative", "rectified", "softened")
    return {
        "losses": {name: of_loss(getattr(ours, name)) for name in adversarial},
        "f_gan": {
            name: of_loss(_of_divergence(f_gan, f_divergences, name)) for name in divergences
        },
        "relativistic": {"by the margin": _each(relativistic, margins)},
        "boundary_seeking": {"by F": _each(boundary_seeking, distances)},
        "loss_sensitive": {"cost by the logit": _each(loss_sensitive, costs)},
    }


def _of_divergence(f_gan, f_divergences, name: str):
    divergence = getattr(f_divergences, name)()
    return lambda real, fake: f_gan.f_gan(real, fake, divergence=divergence)


def _each(module, names) -> dict[str, tuple]:
    return {name: with_slope(getattr(module, name)) for name in names}


def draw_curves(curves: dict[str, dict]):
    """A figure with values on the left and slopes on the right, a row for each title."""
    size = (7.2, 2.1 * len(curves) + 0.5)
    figure, axes = plt.subplots(len(curves), 2, figsize=size, squeeze=False, sharex=True)
    for (title, found), (left, right) in zip(curves.items(), axes, strict=True):
        styles = ((PALE_BLUE, "-", 5.0), (ORANGE, "--", 1.5), (GREEN, "-", 1.5))
        for (who, (values, slopes)), style in zip(found.items(), styles, strict=True):
            how = dict(zip(("color", "linestyle", "linewidth"), style, strict=True))
            left.plot(LOGITS, values, label=who, **how)
            right.plot(LOGITS, slopes, **how)
        left.set_title(title, loc="left")
        right.set_title("slope", loc="left")
        _limit(left, [values for values, _ in found.values()])
        _limit(right, [slopes for _, slopes in found.values()])
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="upper center", ncols=3)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.32 / size[1]))
    return figure


def _limit(axis, curves) -> None:
    """Keeps one steep curve from flattening the others."""
    low, high = (f(np.concatenate(curves)) for f in (np.min, np.max))
    axis.set_ylim(max(low, -6.0) - 0.2, min(high, 6.0) + 0.2)


# --- Scores under defects ---------------------------------------------------------------------


def tables(text: str) -> dict[str, dict]:
    """{samples: {score: {"better": direction, defect: the cell}}} of docs/evaluation.md."""
    section = text.partition("## How each score responds to defects")[2].partition("\n## ")[0]
    found, title, heads = {}, "", []
    for line in section.splitlines():
        if line.endswith(":") and not line.startswith("|"):
            title, heads = line.removesuffix(":"), []
        elif line.startswith("| score |"):
            heads = [cell.strip() for cell in line.strip("|").split("|")][2:]
        elif (row := _ROW.match(line)) and heads:
            cells = dict(zip(heads, row[3].split(" | "), strict=True))
            found.setdefault(title, {})[row[1]] = {"better": row[2]} | cells
    return found


def number(cell: str) -> float:
    """The number of a cell such as "65.6 (-)"; NaN for "-"."""
    head = cell.split(" ")[0]
    return float("nan") if head == "-" else float(head)


def draw_scores(scores: list[str], found: dict[str, dict]):
    """A figure of bars for each score and each kind of samples; None if no table has them."""
    wanted = [(title, name) for name in scores for title in found if name in found[title]]
    wanted = [(title, name) for title, name in wanted if found[title][name]["better"]]
    if not wanted:
        return None
    columns = min(2, len(wanted))
    rows = -(-len(wanted) // columns)
    size = (4.2 * columns, 1.9 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for axis in axes.flat[len(wanted) :]:
        axis.set_visible(False)
    for (title, name), axis in zip(wanted, axes.flat, strict=False):
        _bars(axis, title, name, found[title][name])
    figure.tight_layout()
    return figure


def _bars(axis, title: str, name: str, cells: dict[str, str]) -> None:
    better, cells = cells["better"], {k: v for k, v in cells.items() if k != "better"}
    colours = {"(-)": ORANGE, "(+)": GREEN}
    values = [number(cell) for cell in cells.values()]
    fills = [colours.get(cell[-3:], LIGHT.series[6]) for cell in cells.values()]
    axis.barh(list(cells), np.nan_to_num(values), color=[BLUE, *fills[1:]], height=0.7)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    axis.margins(x=0.3)
    axis.set_title(f"{name}, {SHORT.get(title, title.lower())}: {better} is better", loc="left")
    for place, (cell, value) in enumerate(zip(cells.values(), values, strict=True)):
        side, shift = ("right", -3) if value < 0 else ("left", 3)
        at = {"xy": (np.nan_to_num(value), place), "xytext": (shift, 0), "va": "center"}
        axis.annotate(cell, textcoords="offset points", ha=side, fontsize=8, **at)


# --- Files ------------------------------------------------------------------------------------


def save(figure, room: str, page: str) -> None:
    """Writes docs/images/<room>/<page>.svg, the same bytes for the same figure."""
    target = parts.DOCS / "images" / room / f"{page}.svg"
    target.parent.mkdir(exist_ok=True)
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Draws all."""
    import metric_pages

    matplotlib.use("svg")
    plt.rcParams.update(STYLE)
    for page, curves in losses().items():
        save(draw_curves(curves), "objectives", page)
    found = tables((parts.DOCS / "evaluation.md").read_text())
    for page, names in metric_pages.modules().items():
        scores = [s for name in names for s in metric_pages.registry.find(name).scores]
        if figure := draw_scores(scores, found):
            save(figure, "metrics", page)


if __name__ == "__main__":
    main()
