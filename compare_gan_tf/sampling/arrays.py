"""Writes samples as arrays in an .npz, or text as lines, block by block as they are drawn."""

import math
import os
import shutil
import zipfile

import numpy as np

from compare_gan_tf.sampling.sources import Source, Wanted


def npz(path, drawn, source: Source, wanted: Wanted) -> str:
    """Writes an .npz with `images` (also for points; `lines` for text), `labels`, `class_names`."""
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
    """Opens a file of any size for a new array; it has no time stamp, so bytes are reproducible."""
    info = zipfile.ZipInfo(f"{name}.npy")
    info.external_attr = 0o644 << 16
    return archive.open(info, "w", force_zip64=True)


def _add(archive: zipfile.ZipFile, name: str, values: np.ndarray) -> None:
    with _member(archive, name) as file:
        np.lib.format.write_array(file, values, allow_pickle=False)


def require_room(source: Source, wanted: Wanted, path: str) -> None:
    """Checks that the disk has space for the arrays, before samples are drawn.

    Raises:
      OSError: it has not.
    """
    values = 1 if source.kind == "text" else math.prod(source.sample_shape)
    needed = wanted.number * values * _dtype(source).itemsize
    free = shutil.disk_usage(os.path.dirname(path)).free
    if needed > free:
        raise OSError(
            0, f"{wanted.number:,} samples take {needed:,} bytes, and {free:,} are free there"
        )


def lines(path, drawn, source: Source, wanted: Wanted) -> str:
    """Writes one line per sample, in UTF-8."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for made, _ in drawn:
            file.writelines(f"{line}\n" for line in _texts(made, source))
    return f"{wanted.number:,} lines of text of {source.where}"


def _texts(codes: np.ndarray, source: Source) -> list[str]:
    return ["".join(source.vocabulary[code] for code in line) for line in codes]
