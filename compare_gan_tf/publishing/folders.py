"""Exports in folders, of this machine or of any file system that TensorFlow knows."""

import os
from collections.abc import Sequence

import tensorflow as tf

from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.export import cards, exporter
from compare_gan_tf.publishing.published import Published
from compare_gan_tf.storage import files, staging

_PARTIAL = ".partial"


def push(folder: str, names: Sequence[str], to: str, *, overwrite: bool) -> Published:
    """Copies files of an export into a folder, and the manifest last.

    Each file appears whole. Files that are there already are not copied again.

    Raises:
      UserError: the folder cannot be written, or has something else.
    """
    to = to.rstrip("/") if files.is_remote(to) else os.path.abspath(os.path.expanduser(to))
    files.refuse_link(to)
    try:
        _copy(folder, names, to, overwrite)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(unwritable(f"cannot write to {to}", error)) from error
    return Published(to, to)


def _copy(folder: str, names: Sequence[str], to: str, overwrite: bool) -> None:
    there = _files(to)
    missing = [name for name in (*names, cards.MANIFEST) if not _is_there(folder, name, to, there)]
    replaced = [path for path in there if path in missing or not _belongs(path, names)]
    for path in replaced:
        whole = os.path.join(to, path)
        if not exporter.is_name_of_export(path.removesuffix(_PARTIAL)):
            raise UserError(f"{whole} is of no export: choose another folder")
        if not overwrite:
            raise UserError(
                f"{whole} is of another export: give --overwrite to replace it, or choose another"
                " folder"
            )
    if cards.MANIFEST in replaced:  # first, so that no mixture looks whole
        replaced.remove(cards.MANIFEST)
        tf.io.gfile.remove(os.path.join(to, cards.MANIFEST))
    for path in set(replaced) - set(missing):
        tf.io.gfile.remove(os.path.join(to, path))
    for name in missing:
        _copy_one(os.path.join(folder, name), os.path.join(to, name))


def _files(folder: str) -> list[str]:
    """The files in a folder, by their paths relative to it; none if there is no such folder.

    Raises:
      UserError: one is a link.
    """
    if not files.exists(folder):
        return []
    if not tf.io.gfile.isdir(folder):
        raise UserError(f"{folder} is a file: choose another folder")
    found = []
    for path, is_link in staging.contents(folder):
        whole = os.path.join(folder, path)
        if is_link:
            files.refuse_link(whole)
        if not tf.io.gfile.isdir(whole):
            found.append(path)
    return found


def _is_there(folder: str, name: str, to: str, there: Sequence[str]) -> bool:
    ours, theirs = os.path.join(folder, name), os.path.join(to, name)
    if name not in there or tf.io.gfile.stat(ours).length != tf.io.gfile.stat(theirs).length:
        return False
    return cards.digest(ours) == cards.digest(theirs)


def _belongs(path: str, names: Sequence[str]) -> bool:
    """Whether a file is one of the export, or what an interrupted copy of one left."""
    return path.removesuffix(_PARTIAL) in (*names, cards.MANIFEST)


def _copy_one(source: str, target: str) -> None:
    tf.io.gfile.makedirs(os.path.dirname(target))
    tf.io.gfile.copy(source, target + _PARTIAL, overwrite=True)
    tf.io.gfile.rename(target + _PARTIAL, target, overwrite=True)
