"""The figures of a comparison as files, for a paper."""

import asyncio
import concurrent.futures
import os

import plotly.graph_objects as go

from compare_gan_tf.comparison.records import Comparison
from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.report.all_figures import figures
from compare_gan_tf.storage import files

FORMATS = ("pdf", "png", "svg")
_WIDTH = 900  # pixels, of 1/96 inch in a PDF
_SCALE = 2  # of a PNG
_CURE = "install one, such as Debian's package chromium, or run plotly_get_chrome"


def write_figures(
    comparison: Comparison, folder: str, formats: tuple[str, ...] = ("pdf", "png")
) -> list[str]:
    """Writes every figure of the page of a comparison as `<folder>/<name>.<format>`.

    Chrome draws them, through the package kaleido; nothing is asked of a network. Files of these
    names are replaced.

    Args:
      comparison: the runs.
      folder: is made where it is not there.
      formats: of FORMATS.

    Returns:
      The paths.

    Raises:
      UserError: a format is none of FORMATS, kaleido or a browser is missing, or a file cannot be
        written.
    """
    unknown = [one for one in formats if one not in FORMATS]
    if unknown or not formats:
        named = unknown[0] if unknown else "none"
        raise UserError(f"figures are written as {', '.join(FORMATS)}, not as {named}")
    shown = figures(comparison)
    made = _drawn([one.figure for one in shown], formats)
    paths = [os.path.join(folder, f"{one.name}.{kind}") for one in shown for kind in formats]
    try:
        files.refuse_link(folder)
        os.makedirs(folder, exist_ok=True)
        for path, content in zip(paths, made, strict=True):
            files.write_bytes(path, content)
    except OSError as error:
        raise UserError(unwritable(f"cannot write into {folder}", error)) from error
    return paths


def _drawn(made: list[go.Figure], formats) -> list[bytes]:
    """Each figure in each format."""
    try:
        import kaleido
        from choreographer.errors import BrowserFailedError, ChromeNotFoundError
    except ImportError as error:
        raise UserError(
            "figures as files need the package kaleido: pip install 'compare_gan_tf[figures]'"
        ) from error

    async def draw() -> list[bytes]:
        async with kaleido.Kaleido(mathjax=False) as browser:
            return [
                await browser.calc_fig(one, opts=_options(one, kind))
                for one in made
                for kind in formats
            ]

    try:  # in a thread of its own, since a notebook has a loop in this one
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, draw()).result()
    except (ChromeNotFoundError, BrowserFailedError) as error:
        raise UserError(f"figures as files need Chrome or Chromium: {_CURE}") from error


def _options(figure: go.Figure, kind: str) -> dict:
    size = {"format": kind, "width": _WIDTH, "height": int(figure.layout.height)}
    return size | {"scale": _SCALE if kind == "png" else 1}
