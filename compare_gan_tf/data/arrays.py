"""`npz:/path`: images, or points, as arrays in a file written by `numpy.savez`."""

import os
import zipfile

import gin
import numpy as np

from compare_gan_tf.data import broken_files
from compare_gan_tf.data import labels as label_rules
from compare_gan_tf.data.own_images import SPLIT_NAMES, SPLITS, Settings, held_out
from compare_gan_tf.data.split import Dataset, Split
from compare_gan_tf.errors import UserError

_IMAGES = ("images", "x", "arr_0")
_LABELS = ("labels", "y", "arr_1")


@gin.configurable("npz", module="data", denylist=["name", "path", "settings"])
def load(name: str, path: str, settings: Settings, classes: int | None = None) -> Dataset:
    """Reads the arrays, which are held in memory.

    Names are `images` and `labels` (or x and y, or none), or for each split `train_images`,
    `train_labels` (or x_train, y_train) and so on. Images are uint8 [N, H, W] or [N, H, W, C], C =
    1, 3 or 4; floats in [0, 1] are rounded to uint8. Float [N, D] are points.

    Args:
      name: of the data set.
      path: of the file.
      settings: see `data.load`.
      classes: how many; None for one more than the largest label.

    Raises:
      UserError: the file cannot be read or would have to be unpickled, arrays are of another shape
        or do not fit together, labels are out of range, or values are not finite.
    """
    return dataset(name, by_split(_read(path), path), path, settings, classes)


def dataset(
    name: str, found: dict[str, tuple], where: str, settings: Settings, classes: int | None = None
) -> Dataset:
    """The data set of arrays as `load` reads them.

    Args:
      name: of it.
      found: {split, or "" for what has none: (images, labels or None)}.
      where: they come from, for messages.
      settings: see `data.load`.
      classes: how many; None for one more than the largest label.

    Raises:
      UserError: as for `load`.
    """
    parts, notes = {}, []
    for split, (images, labels) in found.items():
        place = f"{where}, {split}" if split else where
        images, kept, note = _checked(images, place, settings)
        notes += [note] if note else []
        if labels is not None and len(labels) != len(kept):
            raise UserError(f"{place} has {len(kept)} images and {len(labels)} labels")
        parts[split] = images, None if labels is None else labels[kept]
    num_classes = None
    if any(labels is not None for _, labels in parts.values()):
        parts, num_classes = _with_labels(parts, classes, where)
    if "" in parts:
        parts = _split(*parts[""], where)
    shapes = {images.shape[1:] for images, _ in parts.values()}
    if len(shapes) > 1:
        raise UserError(f"the splits of {where} differ in shape: {sorted(shapes)}")
    if "train" not in parts:
        raise UserError(f"{where} has no training images, only {', '.join(parts)}")
    splits = {split: Split(*parts[split]) for split in SPLITS if split in parts}
    return Dataset(name, splits, num_classes, notes=tuple(notes))


def _read(path: str) -> dict[str, np.ndarray]:
    try:
        with np.load(os.path.expanduser(path), allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise UserError(f"{path} is one array: save it by numpy.savez(path, images=...)")
            return {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        if isinstance(error, UserError):
            raise
        if "pickle" in str(error).lower() or "object arrays" in str(error).lower():
            raise UserError(
                f"{path} holds Python objects, which are never loaded, for loading them may run any"
                " code: save arrays of numbers, all images of one shape"
            ) from error
        raise UserError(f"{path} cannot be read as .npz: {error}") from error


def by_split(arrays: dict, where: str) -> dict[str, tuple]:
    """{split, or "" if there are none: (images, labels or None)}, by the names of the arrays.

    Raises:
      UserError: the names tell of no images, or some of a split and others of none.
    """
    found = {}
    for name, split in {"": "", **SPLIT_NAMES}.items():
        images = _first(arrays, name, _IMAGES)
        if images is not None:
            found[split] = images, _first(arrays, name, _LABELS)
    if "" in found and len(found) > 1:
        raise UserError(f"{where} has arrays with and without the name of a split: {list(arrays)}")
    if not found:
        raise UserError(
            f"{where} has the arrays {', '.join(map(str, arrays))}: name them images and labels, or"
            " train_images, train_labels, test_images and so on"
        )
    return found


def _first(arrays: dict, split: str, kinds: tuple[str, ...]):
    for kind in kinds:
        for name in (f"{split}_{kind}", f"{kind}_{split}") if split else (kind,):
            if name in arrays:
                return arrays[name]
    return None


def _checked(images, where: str, settings: Settings) -> tuple[np.ndarray, np.ndarray, str | None]:
    """(samples that can be used, bool [N] which those are, a note about the others)."""
    is_float = np.issubdtype(images.dtype, np.floating)
    is_points = is_float and images.ndim == 2
    if not is_points and (images.ndim not in (3, 4) or not (is_float or images.dtype == np.uint8)):
        raise UserError(
            f"the images of {where} are {images.dtype} of shape {list(images.shape)}: they must be"
            " uint8, or floats in [0, 1], [N, H, W] or [N, H, W, C]; points are floats [N, D]"
        )
    if not images.size:
        raise UserError(f"the images of {where} are empty: shape {list(images.shape)}")
    kept, note = np.ones(len(images), bool), None
    if is_float:
        kept = np.isfinite(images).reshape(len(images), -1).all(axis=1)
        if not kept.all():
            bad = np.flatnonzero(~kept)
            problems = [broken_files.Problem(f"sample {i}", "a value is not finite") for i in bad]
            note = settings.broken(problems, len(images), where)
        images = images[kept]
    if is_points:
        return images.astype(np.float32), kept, note
    if images.ndim == 3:
        images = images[..., None]
    if images.shape[-1] not in (1, 3, 4):
        raise UserError(
            f"the images of {where} have {images.shape[-1]} channels: shape {list(images.shape)} is"
            " read as [N, H, W, C], and C must be 1, 3 or 4"
        )
    images = _to_uint8(images, where) if is_float else images
    return _without_alpha(images, settings.background), kept, note


def _to_uint8(images, where: str) -> np.ndarray:
    low, high = float(images.min()), float(images.max())
    if low < 0 or high > 1:
        raise UserError(
            f"the images of {where} are floats from {low:.6g} to {high:.6g}: scale them to [0, 1],"
            " or save uint8"
        )
    return np.floor(images * 255 + 0.5).astype(np.uint8)


def _without_alpha(images, background) -> np.ndarray:
    if images.shape[-1] != 4:
        return images
    alpha = images[..., 3:].astype(np.float32) / 255
    mixed = images[..., :3] * alpha + np.asarray(background, np.float32) * (1 - alpha)
    return np.floor(mixed + 0.5).astype(np.uint8)


def _with_labels(parts: dict, num_classes: int | None, path: str) -> tuple[dict, int]:
    """The parts with checked labels, and the number of classes, which is that of all splits."""
    given = [np.asarray(labels) for _, labels in parts.values() if labels is not None]
    if num_classes is None and all(np.issubdtype(labels.dtype, np.integer) for labels in given):
        _, num_classes = label_rules.check(np.concatenate(given), None, path)
    checked = {}
    for split, (images, labels) in parts.items():
        if labels is None:
            raise UserError(f"{path} has labels for some splits, but none for {split}")
        labels, num_classes = label_rules.check(labels, num_classes, path)
        checked[split] = images, labels
    return checked, num_classes


def _split(images, labels, path: str) -> dict:
    where = held_out(len(images), path)
    return {
        split: (images[where == split], None if labels is None else labels[where == split])
        for split in SPLITS
        if (where == split).any()
    }
