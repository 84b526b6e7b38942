"""`npz:/path`: images, or points, as arrays in a file written by `numpy.savez`."""

import gin
import numpy as np

from compare_gan_tf.data import array_names, broken_files, label_values, npz
from compare_gan_tf.data import labels as label_rules
from compare_gan_tf.data.naming import NameOrFalse, printable, some_of
from compare_gan_tf.data.own_images import SPLITS, Settings, held_out
from compare_gan_tf.data.split import Dataset, Split
from compare_gan_tf.errors import UserError, as_user_error
from compare_gan_tf.settings.signatures import Count, checked


@gin.configurable("npz", module="data", denylist=["name", "path", "settings"])
@checked(name="npz")
def load(
    name: str,
    path: str,
    settings: Settings,
    classes: Count | None = None,
    label_array: NameOrFalse | None = None,
    max_bytes: Count | None = None,
) -> Dataset:
    """Reads the arrays, which are held in memory.

    Names are `images` and `labels` (or x and y, data and targets, or none), or for each split
    `train_images`, `train_labels` (or x_train, y_train) and so on. Images are uint8 [N, H, W] or
    [N, H, W, C], C = 1, 3 or 4; floats in [0, 1] are rounded to uint8. Float [N, D] are points.
    Labels are whole numbers [N], texts [N], or probabilities float [N, K]. An array `class_names`
    of texts [K] says what the classes are called. Others are passed over, as `Dataset.notes` says.

    Args:
      name: of the data set.
      path: of the file.
      settings: see `data.load`.
      classes: how many; None for one more than the largest label.
      label_array: name of the array with the labels, without that of the split; False if none is to
        be used; None for the names above.
      max_bytes: that the arrays may take; None for the memory of the machine.

    Raises:
      UserError: the file cannot be read or would have to be unpickled, arrays are of another shape
        or do not fit together, labels are out of range or in an array of another name, or values
        are not finite.
    """
    headers = npz.headers(path)
    roles = array_names.roles(headers, path, label_array, "npz.label_array")
    names = {name for pair in roles.parts.values() for name in (*pair, roles.class_names) if name}
    found = npz.read(path, sorted(names), max_bytes)
    return dataset(name, *_by_role(found, roles), path, settings, classes)


def by_split(arrays: dict, where: str) -> tuple[dict[str, tuple], np.ndarray | None, list[str]]:
    """What arrays in memory are, by their names: the arguments of `dataset` that say so.

    Raises:
      UserError: see `array_names.roles`.
    """
    headers = {name: npz.Header(array.shape, array.dtype) for name, array in arrays.items()}
    return _by_role(arrays, array_names.roles(headers, where))


def _by_role(arrays: dict, roles: array_names.Roles):
    parts = {
        split: (arrays[images], None if labels is None else arrays[labels])
        for split, (images, labels) in roles.parts.items()
    }
    return parts, arrays.get(roles.class_names), roles.notes


def dataset(
    name: str,
    found: dict[str, tuple],
    class_names: np.ndarray | None,
    notes: list[str],
    where: str,
    settings: Settings,
    classes: int | None = None,
    setting: str = "npz.classes",
) -> Dataset:
    """The data set of arrays as `load` reads them.

    Args:
      name: of it.
      found: {split, or "" for what has none: (images, labels or None)}.
      class_names: texts [K], what the classes are called, or None.
      notes: about the arrays.
      where: they come from, for messages.
      settings: see `data.load`.
      classes: how many; None for one more than the largest label.
      setting: that says so, for messages.

    Raises:
      UserError: as for `load`.
    """
    parts, notes = {}, list(notes)
    for split, (images, labels) in found.items():
        place = f"{where}, {split}" if split else where
        samples, kept, note = _samples(images, place, settings)
        notes += [note] if note else []
        if labels is not None and labels.shape[:1] != (len(kept),):
            number = len(labels) if labels.ndim else 1
            raise UserError(f"{place} has {len(kept)} images and {number} labels")
        parts[split] = samples, None if labels is None else labels[kept]
    num_classes, called = None, None
    if any(labels is not None for _, labels in parts.values()):
        parts, num_classes, called = _with_labels(parts, classes, class_names, where, setting)
    elif class_names is not None:
        raise UserError(f"{where} has names of classes and no labels: add labels")
    if "" in parts:
        parts = _split(*parts[""], where)
    splits = {split: Split(*parts[split]) for split in SPLITS if split in parts}
    return Dataset(name, splits, num_classes, called, notes=tuple(notes))


# --- Samples -------------------------------------------------------------------------------------


def _samples(images, where: str, settings: Settings) -> tuple[np.ndarray, np.ndarray, str | None]:
    """(samples that can be used, bool [N] which those are, a note about the others).

    Samples are points float32 [n, D], or images uint8 [n, H, W, 1 or 3].
    """
    is_float, shape = np.issubdtype(images.dtype, np.floating), list(images.shape)
    if images.ndim == 3:
        images = images[..., None]
    is_points = is_float and images.ndim == 2
    is_images = images.ndim == 4 and images.shape[-1] in (1, 3, 4)
    if not images.size or not (is_points or (is_images and (is_float or images.dtype == np.uint8))):
        raise UserError(
            f"the images of {where} are {images.dtype} of shape {shape}: they must be uint8, or"
            " floats in [0, 1], [N, H, W] or [N, H, W, C] with N, H, W > 0 and C = 1, 3 or 4;"
            " points are floats [N, D]"
        )
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
    images = _to_uint8(images, where) if is_float else images
    return _without_alpha(images, settings.background), kept, note


def _to_uint8(images, where: str) -> np.ndarray:
    low, high = float(images.min(initial=0.0)), float(images.max(initial=0.0))
    if low < 0 or high > 1:
        raise UserError(
            f"the images of {where} are floats from {low:.6g} to {high:.6g}: scale them to [0, 1]"
            " (in Python also to [-1, 1]), or give uint8"
        )
    return np.floor(images * 255 + 0.5).astype(np.uint8)


def _without_alpha(images, background) -> np.ndarray:
    if images.shape[-1] != 4:
        return images
    alpha = images[..., 3:].astype(np.float32) / 255
    mixed = images[..., :3] * alpha + np.asarray(background, np.float32) * (1 - alpha)
    return np.floor(mixed + 0.5).astype(np.uint8)


# --- Labels --------------------------------------------------------------------------------------


def _with_labels(parts: dict, num_classes: int | None, called, path: str, setting: str):
    """(parts with checked labels, number of classes, their names), the same for all splits."""
    for split, (_, labels) in parts.items():
        if labels is None:
            raise UserError(f"{path} has labels for some splits, but none for {split}")
    given = [labels for _, labels in parts.values()]
    called = None if called is None else tuple(map(printable, _texts(called, path)))
    if any(labels.dtype.kind in "US" for labels in given):
        joined = [text for labels in given for text in _texts(labels, path)]
        names = [f"sample {number}" for number in range(len(joined))]
        joined, found, own = label_values.numbered(joined, names, path)
        lost = sorted(set(own or ()) - set(called or own or ()))
        if lost:
            raise UserError(f"class_names of {path} lacks {some_of(lost)}")
        if own is not None and called is not None:
            joined = np.array([called.index(own[i]) if i >= 0 else -1 for i in joined])
        called, num_classes = called or own, num_classes or found
        given = np.split(joined, np.cumsum([len(labels) for labels in given])[:-1])
    if num_classes is None and called is not None:
        num_classes = len(called)
    if num_classes is None and all(labels.dtype.kind in "iu" for labels in given):
        flat = [label_rules.check(labels.reshape(-1), 2**31, path)[0] for labels in given]
        _, num_classes = label_rules.check(np.concatenate(flat), None, path, setting)
    checked = {}
    for (split, (images, _)), labels in zip(parts.items(), given, strict=True):
        labels, num_classes = label_rules.check(labels, num_classes, path, setting)
        checked[split] = images, labels
    return checked, num_classes, called


def _texts(array: np.ndarray, path: str) -> list[str | None]:
    if array.dtype.kind not in "US" or array.ndim != 1:
        raise UserError(f"texts of {path} are {array.dtype} {list(array.shape)}: they must be [N]")
    what = f"texts of {path} are not in UTF-8"
    with as_user_error(what, UnicodeDecodeError, cure="save them as str"):
        texts = np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array
    return [text or None for text in texts.tolist()]


def _split(images, labels, path: str) -> dict:
    where = held_out(len(images), path)
    return {
        split: (images[where == split], None if labels is None else labels[where == split])
        for split in SPLITS
        if (where == split).any()
    }
