"""Samples as files: a grid or a scatter diagram, a folder of PNG files, arrays, lines of text."""

import contextlib
import math
import os
import re
import shutil
import zipfile
from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from compare_gan_tf import staging
from compare_gan_tf.data.images import encode_png
from compare_gan_tf.errors import UserError
from compare_gan_tf.report import figures, samples
from compare_gan_tf.sampling.sources import Source, Wanted, batches

# {format: extension of its file}; "png" is a folder of files.
FORMATS = {"grid": ".png", "png": "", "npz": ".npz", "txt": ".txt"}
_LARGEST_PICTURE = 2**28  # bytes
_MOST_POINTS = 100_000  # of a scatter diagram
_FILE = re.compile(r"\d{7}(_\d+)?\.png")


def format_of(output: str, asked: str | None) -> str:
    """The format that the name of a file or folder says.

    Args:
      output: path.
      asked: one of `FORMATS`, which the name must fit; None for any.

    Raises:
      UserError: the name says none, or another than is asked for.
    """
    extension = os.path.splitext(output)[1].lower()
    said = {ending: name for name, ending in FORMATS.items() if ending}.get(extension)
    if output.endswith("/") or os.path.isdir(output):
        said = "png"
    if asked is None and said is None:
        raise UserError(
            f"--output={_shown(output)}: a name ends in .png (a grid), .npz, .txt, or in / for a"
            " folder of PNG files"
        )
    if asked is None or asked == said or (asked == "png" and said is None):
        return asked or said
    ending = FORMATS[asked] or "/"
    raise UserError(
        f"--output={_shown(output)} is no name for --format={asked}: let it end in {ending}"
    )


def require_free(output: str, format_: str, *, overwrite: bool) -> None:
    """Refuses an output in whose place something is that may not be replaced.

    Raises:
      UserError: names it.
    """
    if "://" in output:
        raise UserError(f"--output={output}: samples are written to local files")
    if format_ != "png":
        staging.require_free(os.path.abspath(output), overwrite=overwrite)
        return
    if os.path.isdir(output) and os.listdir(output) and not overwrite:
        raise UserError(f"{_shown(output)} is not empty: name another folder, or give --overwrite")
    staging.require_replaceable(os.path.abspath(output), _foreign)


def write(
    source: Source,
    wanted: Wanted,
    output: str,
    format_: str,
    *,
    columns: int | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> str:
    """Draws samples and writes them; what is at `output` appears whole or not at all.

    Args:
      source: to draw from.
      wanted: which samples.
      output: path of the file or folder.
      format_: see `FORMATS`.
      columns: of a grid; None for one a class, or 8.
      overwrite: whether samples that are there are replaced.
      progress: whether a bar tells how far it is, if there is somebody to see it.

    Returns:
      What the samples are, in words.

    Raises:
      UserError: these samples cannot be written so, or not there.
    """
    require_free(output, format_, overwrite=overwrite)
    writer = _writer(source, wanted, format_, columns)
    bar = tqdm(
        total=wanted.number,
        desc="sample",
        unit="sample",
        dynamic_ncols=True,
        disable=None if progress else True,  # None: unless stderr is a terminal
    )

    def blocks():
        for made, labels in batches(source, wanted):
            yield made, labels
            bar.update(len(made))

    if format_ == "png":
        staged = staging.staged_folder(output, _foreign if overwrite else _first)
    else:
        staged = staging.staged_file(output, overwrite=overwrite)
    try:
        with bar, contextlib.closing(blocks()) as drawn, staged as path:
            if format_ == "npz":
                _require_room(source, wanted, path)
            return writer(path, drawn)
    except OSError as error:
        raise UserError(
            f"cannot write {_shown(output)}: {error.strerror or error}; free space there, or choose"
            " another --output"
        ) from error


def _writer(source: Source, wanted: Wanted, format_: str, columns: int | None) -> Callable:
    """The function (path, blocks) that writes a format; see `write`."""
    written = {
        "images": {"grid": _grid, "png": _files, "npz": _npz},
        "points": {"grid": _scatter, "npz": _npz},
        "text": {"txt": _lines, "npz": _npz},
    }[source.kind]
    if format_ not in written:
        raise UserError(
            f"samples of {source.where} are {source.kind}, which are not written as {format_}:"
            f" choose --format={'|'.join(written)}"
        )
    if source.kind == "text" and source.vocabulary is None:
        raise UserError(f"{source.where} has no metadata that tells its characters")
    if columns is not None and written[format_] is not _grid:
        raise UserError(f"--columns={columns} is for a grid of images: leave it out")
    write_ = written[format_]
    if write_ is _grid:
        return lambda path, drawn: _grid(path, drawn, source, wanted, columns)
    return lambda path, drawn: write_(path, drawn, source, wanted)


# --- Pictures ---------------------------------------------------------------------------------


def _grid(path, drawn, source: Source, wanted: Wanted, columns: int | None) -> str:
    """A grid with one column for each class; or row by row, class after class."""
    height, width, channels = source.sample_shape
    _require_colours(source)
    scale = max(1, round(samples.SIDE / height))
    cell = (height * scale + samples.GAP) * (width * scale + samples.GAP) * 3
    if wanted.number * cell > _LARGEST_PICTURE:
        raise UserError(
            f"a grid of {wanted.number:,} images of {width} x {height} pixels is too large: at most"
            f" --num={_LARGEST_PICTURE // cell}; write a folder or an .npz"
        )
    images = np.concatenate([made for made, _ in drawn])
    classes = wanted.classes or ()
    by_column = columns is None and 1 < len(classes) <= samples.MOST_CLASSES
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


def _require_colours(source: Source) -> None:
    if source.sample_shape[-1] not in (1, 3):
        raise UserError(
            f"images of {source.sample_shape[-1]} channels have no PNG: let --output end in .npz"
        )


def _name(source: Source, label: int) -> str:
    return source.class_names[label] if source.class_names else str(label)


def _files(folder, drawn, source: Source, wanted: Wanted) -> str:
    """A PNG for each image, called by its number and its label."""
    _require_colours(source)
    number = 0
    for images, labels in drawn:
        for index, image in enumerate(images):
            label = "" if labels is None else f"_{labels[index]}"
            with open(os.path.join(folder, f"{number:07}{label}.png"), "wb") as file:
                file.write(encode_png(image[..., 0] if image.shape[-1] == 1 else image))
            number += 1
    return f"{number:,} PNG files of {source.where}"


def _foreign(folder: str) -> str | None:
    """The first path in a folder that `_files` did not write."""
    for path, is_link in staging.contents(folder):
        if is_link or not (_FILE.fullmatch(path) or path == staging.MARKER):
            return path
    return None


def _first(folder: str) -> str | None:
    """The first path in a folder, None if it is empty."""
    return next((path for path, _ in staging.contents(folder)), None)


def _scatter(path, drawn, source: Source, wanted: Wanted) -> str:
    """A diagram of the points' first two coordinates."""
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
        file.write(figures.scatter(points, limits))
    return f"a diagram of {wanted.number:,} points of {source.where}"


# --- Arrays and text --------------------------------------------------------------------------


def _npz(path, drawn, source: Source, wanted: Wanted) -> str:
    """`images` (of points too, or `lines` of text), `labels` and `class_names`, as they come."""
    text = source.kind == "text"
    shape = (wanted.number,) if text else (wanted.number, *source.sample_shape)
    labels = []
    with zipfile.ZipFile(path, "w") as archive:
        with _member(archive, "lines" if text else "images") as file:
            kind = {"descr": np.lib.format.dtype_to_descr(_dtype(source)), "fortran_order": False}
            np.lib.format.write_array_header_1_0(file, kind | {"shape": shape})
            for made, some in drawn:
                values = np.array(_texts(made, source), _dtype(source)) if text else made
                file.write(np.ascontiguousarray(values, _dtype(source)).tobytes())
                labels += [] if some is None else [some]
        if labels:
            _add(archive, "labels", np.concatenate(labels))
        if source.class_names:
            _add(archive, "class_names", np.array(source.class_names, np.str_))
    return f"{wanted.number:,} {source.kind if not text else 'lines of text'} of {source.where}"


def _dtype(source: Source) -> np.dtype:
    kinds = {"images": "|u1", "points": "<f4", "text": f"<U{source.sample_shape[0]}"}
    return np.dtype(kinds[source.kind])


def _member(archive: zipfile.ZipFile, name: str):
    """A new array's file in an archive, of any size; the same samples give the same bytes."""
    info = zipfile.ZipInfo(f"{name}.npy")
    info.external_attr = 0o644 << 16
    return archive.open(info, "w", force_zip64=True)


def _add(archive: zipfile.ZipFile, name: str, values: np.ndarray) -> None:
    with _member(archive, name) as file:
        np.lib.format.write_array(file, values, allow_pickle=False)


def _require_room(source: Source, wanted: Wanted, path: str) -> None:
    """Refuses arrays that the disk has no room for, before they are made."""
    values = 1 if source.kind == "text" else math.prod(source.sample_shape)
    needed = wanted.number * values * _dtype(source).itemsize
    free = shutil.disk_usage(os.path.dirname(path)).free
    if needed > free:
        raise OSError(
            0, f"{wanted.number:,} samples take {needed:,} bytes, and {free:,} are free there"
        )


def _lines(path, drawn, source: Source, wanted: Wanted) -> str:
    """A line for each sample, in UTF-8."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for made, _ in drawn:
            file.writelines(f"{line}\n" for line in _texts(made, source))
    return f"{wanted.number:,} lines of text of {source.where}"


def _texts(codes: np.ndarray, source: Source) -> list[str]:
    return ["".join(source.vocabulary[code] for code in line) for line in codes]


def _shown(path: str) -> str:
    """A path that can be printed, whatever bytes it has."""
    return os.fsencode(path).decode(errors="backslashreplace")
