"""Writes samples as pictures: a grid, a folder of PNG files, or a scatter plot of points."""

import io
import os
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

from compare_gan_tf.data.images import encode_png
from compare_gan_tf.errors import UserError
from compare_gan_tf.report import drawings, samples
from compare_gan_tf.sampling.sources import Source, Wanted

FILE = r"\d{7}(_\d+)?\.png"  # names of the files in a folder
_LARGEST_GRID = 2**28  # bytes
_MOST_POINTS = 100_000  # in a scatter plot
_MOST_FRAMES = 2_000  # in a film
_FILM_SIDE = 256  # pixels, at least
_MILLISECONDS = 60  # of a frame
_MILLISECONDS_OF_A_GRID, _MILLISECONDS_OF_THE_LAST = 250, 2000  # of a film of a training
_CAPTION = 20  # pixels above a grid
_MOST_ROWS = 4  # for each column with a class; with more a grid would be a ribbon


def grid(path, drawn, source: Source, wanted: Wanted, columns: int | None) -> str:
    """Writes a grid: a column a class, or one class after another: of few, or with `columns`."""
    height, width, _ = source.sample_shape
    scale = max(1, round(samples.SIDE / height))
    cell = (height * scale + samples.GAP) * (width * scale + samples.GAP) * 3
    if wanted.number * cell > _LARGEST_GRID:
        raise UserError(
            f"a grid of {wanted.number:,} images of {width} x {height} pixels is too large: at most"
            f" --num={_LARGEST_GRID // cell}; write a folder or an .npz"
        )
    images = np.concatenate([made for made, _ in drawn])
    classes = () if source.repeats > 1 else wanted.classes or ()
    columns = columns or (source.repeats if source.repeats > 1 else None)
    by_column = columns is None and 1 < len(classes) <= samples.MOST_CLASSES
    by_column = by_column and wanted.number <= _MOST_ROWS * len(classes) ** 2
    columns = min(len(classes) if by_column else columns or samples.COLUMNS, wanted.number)
    if classes and not by_column:
        images = images[np.argsort(np.arange(wanted.number) % len(classes), kind="stable")]
    empty = [(0, -wanted.number % columns), (0, 0), (0, 0), (0, 0)]
    images = np.pad(images, empty, constant_values=samples.GREY)
    with open(path, "wb") as file:
        file.write(samples.grid_png(images, samples.Layout(columns)))
    names = ", ".join(_name(source, label) for label in classes[:columns])
    shown = f"; classes by column: {names}" if by_column else ""
    return f"a grid of {wanted.number:,} images of {source.where}{shown}"


def _name(source: Source, label: int) -> str:
    return source.class_names[label] if source.class_names else str(label)


def files(folder, drawn, source: Source, wanted: Wanted) -> str:
    """Writes a PNG file for each image, named by its number and its label."""
    number = 0
    for images, labels in drawn:
        for index, image in enumerate(images):
            label = "" if labels is None else f"_{labels[index]}"
            with open(os.path.join(folder, f"{number:07}{label}.png"), "wb") as file:
                file.write(encode_png(image[..., 0] if image.shape[-1] == 1 else image))
            number += 1
    return f"{number:,} PNG files of {source.where}"


def scatter(path, drawn, source: Source, wanted: Wanted) -> str:
    """Writes a scatter plot of the points' first two coordinates."""
    if wanted.number > _MOST_POINTS:
        raise UserError(
            f"a diagram of {wanted.number:,} points is too full: at most --num={_MOST_POINTS};"
            " write an .npz"
        )
    points = np.concatenate([made for made, _ in drawn])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.where(high > low, 0.05 * (high - low), 1.0)
    limits = np.stack([low - margin, high + margin])
    if points.shape[1] == 1:
        limits = np.hstack([limits, [[-1.0], [1.0]]])
    with open(path, "wb") as file:
        file.write(drawings.scatter(points, limits))
    return f"a diagram of {wanted.number:,} points of {source.where}"


def require_film(wanted: Wanted) -> None:
    """Checks that a film would not be too long.

    Raises:
      UserError: it would.
    """
    if wanted.number > _MOST_FRAMES:
        raise UserError(
            f"a film of {wanted.number:,} frames is too long: at most {_MOST_FRAMES:,}; lower --num"
            " or --interpolate"
        )


def film(path, drawn, source: Source, wanted: Wanted, kind: str) -> str:
    """Writes an animation of the samples, one a frame; `kind` is gif, webp or mp4."""
    scale = max(1, round(_FILM_SIDE / source.sample_shape[0]))
    frames = [
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        for images, _ in drawn
        for image in images.repeat(scale, axis=1).repeat(scale, axis=2)
    ]
    _save(path, frames, kind, _MILLISECONDS)
    return f"a film of {wanted.number:,} frames of {source.where}"


def film_of_grids(path, grids: Iterable[tuple[int, bytes]], kind: str) -> str:
    """Writes an animation of the grids of a training, each with its step; the last one stays.

    Args:
      path: of the file.
      grids: (training step, PNG) of each frame, of one size.
      kind: gif, webp or mp4.

    Returns:
      A short description.
    """
    frames, steps = [], []
    for step, png in grids:
        grid = Image.open(io.BytesIO(png)).convert("RGB")
        frame = Image.new("RGB", (grid.width, grid.height + _CAPTION), "white")
        frame.paste(grid, (0, _CAPTION))
        ImageDraw.Draw(frame).text((_CAPTION // 4, _CAPTION // 4), f"step {step:,}", fill="black")
        frames, steps = [*frames, frame], [*steps, step]
    last = [_MILLISECONDS_OF_THE_LAST] if len(frames) > 1 else []
    spans = [_MILLISECONDS_OF_A_GRID] * (len(frames) - len(last)) + last
    _save(path, frames, kind, spans)
    return f"a film of {len(frames)} grids, of the steps {steps[0]:,} to {steps[-1]:,}"


def _save(path, frames: list[Image.Image], kind: str, milliseconds) -> None:
    if kind == "mp4":
        _save_mp4(path, frames, milliseconds)
        return
    options = {"lossless": True} if kind == "webp" else {}
    frames[0].save(
        path, kind.upper(), save_all=True, append_images=frames[1:], duration=milliseconds, loop=0,
        **options,
    )  # fmt: skip


def _save_mp4(path, frames: list[Image.Image], milliseconds: int | list[int]) -> None:
    """Writes H.264, which has one rate: a frame that stays for longer is written several times."""
    ffmpeg = import_ffmpeg()
    spans = [milliseconds] * len(frames) if isinstance(milliseconds, int) else milliseconds
    size, unit = frames[0].size, min(spans)
    container = ["-f", "mp4"]  # whatever the name of the file is until it is whole
    film = ffmpeg.write_frames(
        path, size, fps=1000 / unit, macro_block_size=2, output_params=container
    )
    film.send(None)
    for frame, span in zip(frames, spans, strict=True):
        for _ in range(round(span / unit)):
            film.send(frame.convert("RGB").tobytes())
    film.close()


def import_ffmpeg():
    """The package that writes .mp4 files.

    Raises:
      UserError: it is not installed.
    """
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise UserError(
            "a film as .mp4 needs ffmpeg: pip install 'compare_gan_tf[video]', or let --output end"
            " in .gif or .webp"
        ) from error
    return imageio_ffmpeg
