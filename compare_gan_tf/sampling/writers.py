"""Draws samples and writes them in the format that the name of the output selects."""

import contextlib
import os
import re
from collections.abc import Callable, Iterable

from tqdm import tqdm

from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.sampling import arrays, pictures
from compare_gan_tf.sampling.sources import Source, Wanted, batches
from compare_gan_tf.storage import files, staging

# {format: file name extension}; "png" is a folder of files.
FORMATS = {
    "grid": ".png", "png": "", "npz": ".npz", "txt": ".txt", "gif": ".gif", "webp": ".webp",
    "mp4": ".mp4",
}  # fmt: skip
FILMS = ("gif", "webp", "mp4")

_MEANS = {
    "grid": "a grid", "png": "a folder of PNG files", "npz": "arrays", "txt": "text",
    **dict.fromkeys(FILMS, "a film"),
}  # fmt: skip


def format_of(output: str, asked: str | None) -> str:
    """The format that the name of a file or folder selects.

    Args:
      output: path.
      asked: requested format, one of `FORMATS`, which the name must match; None for any.

    Raises:
      UserError: the name selects no format, or not the requested one.
    """
    extension = os.path.splitext(output)[1].lower()
    found = {ending: name for name, ending in FORMATS.items() if ending}.get(extension)
    if output.endswith("/") or os.path.isdir(output):
        found = "png"
    found = found or ("png" if asked == "png" else None)  # a folder may have any name
    if found is None or asked not in (None, found):
        if asked is not None:
            ending = f"{FORMATS[asked] or '/'} for --format={asked}"
        else:
            *others, last = (f"{end or '/'} ({_MEANS[name]})" for name, end in FORMATS.items())
            ending = f"{', '.join(others)} or {last}"
        raise UserError(f"--output={_shown(output)} must end in {ending}")
    return found


def require_free(output: str, format_: str, *, overwrite: bool) -> None:
    """Checks that the output does not exist, or may be replaced.

    Raises:
      UserError: it must not be replaced; the message names it.
    """
    if files.is_remote(output):
        raise UserError(f"--output={output}: samples are written to local files")
    if format_ == "mp4":
        pictures.import_ffmpeg()
    if format_ != "png":
        staging.require_free(os.path.abspath(output), overwrite=overwrite)
        return
    if os.path.isdir(output) and os.listdir(output) and not overwrite:
        raise UserError(f"{_shown(output)} is not empty: name another folder, or give --overwrite")
    try:
        staging.require_replaceable(os.path.abspath(output), _foreign)
    except OSError as error:  # such as a name that is too long
        raise UserError(unwritable(f"cannot write {_shown(output)}", error)) from error


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
    """Draws samples and writes them atomically: the output is complete, or is not there.

    Args:
      source: source of the samples.
      wanted: the request.
      output: path of the file or folder.
      format_: see `FORMATS`.
      columns: number of columns of a grid; None for one column per class, or 8.
      overwrite: whether to replace existing samples.
      progress: whether to show a progress bar if stderr is a terminal.

    Returns:
      A short description of what was written.

    Raises:
      UserError: the samples cannot be written in this format, or not at this place.
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
                arrays.require_room(source, wanted, path)
            return writer(path, drawn)
    except OSError as error:
        raise UserError(
            unwritable(f"cannot write {_shown(output)}", error, "choose another --output")
        ) from error


def film_of_grids(
    grids: Iterable[tuple[int, bytes]], output: str, format_: str, *, overwrite: bool = False
) -> str:
    """Writes the grids of a training as a film; see `write`.

    Args:
      grids: (training step, PNG) of each frame.
      output: path of the file.
      format_: one of `FILMS`.
      overwrite: whether to replace the file.
    """
    require_free(output, format_, overwrite=overwrite)
    try:
        with staging.staged_file(output, overwrite=overwrite) as path:
            return pictures.film_of_grids(path, grids, format_)
    except OSError as error:
        raise UserError(
            unwritable(f"cannot write {_shown(output)}", error, "choose another --output")
        ) from error


def _writer(source: Source, wanted: Wanted, format_: str, columns: int | None) -> Callable:
    """The function (path, blocks) that writes a format, see `write`."""
    written = {
        "images": {
            "grid": pictures.grid, "png": pictures.files, "npz": arrays.npz,
            **dict.fromkeys(FILMS, pictures.film),
        },
        "points": {"grid": pictures.scatter, "npz": arrays.npz},
        "text": {"txt": arrays.lines, "npz": arrays.npz},
    }[source.kind]  # fmt: skip
    if format_ not in written:
        raise UserError(
            f"samples of {source.where} are {source.kind}, which are not written as {format_}:"
            f" choose --format={'|'.join(written)}"
        )
    write_, channels = written[format_], source.sample_shape[-1]
    if source.kind == "text" and source.vocabulary is None:
        raise UserError(f"{source.where} has no metadata that tells its characters")
    if write_ in (pictures.grid, pictures.files, pictures.film) and channels not in (1, 3):
        raise UserError(f"images of {channels} channels have no PNG: let --output end in .npz")
    if columns is not None and write_ is not pictures.grid:
        raise UserError(f"--columns={columns} is for a grid of images: leave it out")
    if write_ is pictures.film:
        pictures.require_film(wanted)
        return lambda path, drawn: pictures.film(path, drawn, source, wanted, format_)
    if write_ is pictures.grid:
        return lambda path, drawn: pictures.grid(path, drawn, source, wanted, columns)
    return lambda path, drawn: write_(path, drawn, source, wanted)


def _foreign(folder: str) -> str | None:
    """The first path in a folder that `pictures.files` did not write; None if there is none."""
    for path, is_link in staging.contents(folder):
        if is_link or not (re.fullmatch(pictures.FILE, path) or path == staging.MARKER):
            return path
    return None


def _first(folder: str) -> str | None:
    """The first path in a folder, None if it is empty."""
    return next((path for path, _ in staging.contents(folder)), None)


def _shown(path: str) -> str:
    """A printable form of a path, which may hold any bytes."""
    return os.fsencode(path).decode(errors="backslashreplace")
