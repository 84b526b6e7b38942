"""A figure and an animation of a run in the plane."""

import math
import os

import numpy as np
import tensorflow as tf
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from compare_gan_tf.toy.path import FIELD_HALF, Frame

DATA, FIT, PATH, FIELD = "#0072b2", "#d55e00", "#222222", "PiYG"
_INCHES = (11.0, 4.8)
_FRAMES_PER_SECOND = 8


class _Picture:
    """The plane on the left, divergences by step on the right."""

    def __init__(self, frames: list[Frame], reals: np.ndarray, learned: dict):
        self._frames, self._reals, self._learned = frames, reals, learned
        self.figure = Figure(figsize=_INCHES, dpi=100, layout="constrained")
        FigureCanvasAgg(self.figure)
        self._plane, self._curves = self.figure.subplots(1, 2)
        size = max(np.abs(frame.field).max() for frame in frames)
        self._levels = np.linspace(-size, size, 21) if size > 0.0 else None
        if self._levels is not None:
            colours = ScalarMappable(Normalize(-size, size), FIELD)
            text = "D's logit; above 0: takes for real"
            self.figure.colorbar(colours, ax=self._plane, label=text, alpha=0.5, shrink=0.8)

    def draw(self, index: int) -> None:
        """Draws the run up to frame `index`."""
        self._draw_plane(self._frames[: index + 1])
        self._draw_curves(self._frames[: index + 1])

    def _draw_plane(self, frames: list[Frame]) -> None:
        axes, last = self._plane, frames[-1]
        axes.clear()
        if self._levels is not None:
            nodes = len(last.field)
            axis = (np.arange(nodes) + 0.5) * (2 * FIELD_HALF / nodes) - FIELD_HALF
            axes.contourf(
                axis, axis, last.field, levels=self._levels, cmap=FIELD, alpha=0.5, extend="both"
            )
        axes.plot(*self._reals.T, ".", color=DATA, markersize=3, alpha=0.5, label="data")
        axes.plot(*last.samples.T, ".", color=FIT, markersize=3, alpha=0.5, label="model")
        for deviations, label in ((1, "model, 1 and 2 deviations"), (2, None)):
            axes.add_patch(_ellipse(last, deviations, label))
        means = np.array([frame.mean for frame in frames])
        axes.plot(*means.T, color=PATH, linewidth=1.0, label="path of the mean")
        axes.set(xlim=(-FIELD_HALF, FIELD_HALF), ylim=(-FIELD_HALF, FIELD_HALF))
        axes.set_aspect("equal")
        axes.set(xlabel="x", ylabel="y", title=f"step {last.step}")
        axes.legend(loc="upper right", fontsize=8)

    def _draw_curves(self, frames: list[Frame]) -> None:
        axes, now = self._curves, frames[-1].step
        axes.clear()
        for name in frames[0].exact:
            steps = [frame.step for frame in frames]
            values = [frame.exact[name] for frame in frames]
            axes.plot(steps, values, label=f"{name}, exact: {values[-1]:.3f}")
        for name, (steps, values) in self._learned.items():
            until = [(s, v) for s, v in zip(steps, values, strict=True) if s <= now]
            if until:
                axes.plot(*zip(*until, strict=True), ":", label=f"D's estimate ({name})")
        shown = [v for frame in self._frames for v in frame.exact.values() if math.isfinite(v)]
        if shown:
            axes.set_ylim(-0.1, 1.1 * min(max(shown), 20.0))
        axes.set_xlim(0, max(self._frames[-1].step, 1))
        axes.set(xlabel="training step", ylabel="divergence in nats")
        if axes.get_legend_handles_labels()[1]:
            axes.legend(fontsize=8)


def _ellipse(frame: Frame, deviations: int, label: str | None) -> Ellipse:
    values, vectors = np.linalg.eigh(frame.covariance)
    width, height = 2.0 * deviations * np.sqrt(np.maximum(values, 0.0))
    angle = math.degrees(math.atan2(vectors[1, 0], vectors[0, 0]))
    return Ellipse(frame.mean, width, height, angle=angle, fill=False, color=FIT, label=label)


def write(folder: str, frames: list[Frame], reals: np.ndarray, learned: dict) -> list[str]:
    """Writes figure.png, the last frame, and animation.gif, all frames, into a folder.

    Args:
      folder: made if it does not exist.
      frames: of the run, by step.
      reals: points [n, 2].
      learned: {name: (steps, estimates)}, see `path.learned`.

    Returns:
      The paths of the two files.
    """
    picture = _Picture(frames, reals, learned)
    tf.io.gfile.makedirs(folder)
    paths = [os.path.join(folder, name) for name in ("figure.png", "animation.gif")]
    picture.draw(len(frames) - 1)
    picture.figure.savefig(paths[0])
    animation = FuncAnimation(picture.figure, picture.draw, frames=len(frames), repeat=False)
    animation.save(paths[1], writer=PillowWriter(fps=_FRAMES_PER_SECOND), dpi=60)
    return paths
