"""Which arrays of a file, or of a dict, are images, labels and names of classes: by their names."""

from collections.abc import Mapping
from typing import NamedTuple

from compare_gan_tf.data.naming import refuse_lost_labels, some_of
from compare_gan_tf.data.npz import Header
from compare_gan_tf.data.own_images import SPLIT_NAMES, SPLITS
from compare_gan_tf.errors import UserError

# With or without the name of a split, in any case; the first that is there.
_IMAGES = ("images", "image", "imgs", "x", "data", "arr_0")
_LABELS = ("labels", "label", "y", "targets", "target", "arr_1")
_CLASS_NAMES = ("class_names", "classes", "label_names")


class Roles(NamedTuple):
    """What arrays are.

    Attributes:
      parts: {split, or "" if there are none: (name of the images, name of the labels or None)}.
      class_names: name of the array with the names of the classes, or None.
      notes: about those that are passed over.
    """

    parts: dict[str, tuple[str, str | None]]
    class_names: str | None
    notes: list[str]


def roles(
    headers: Mapping[str, Header],
    where: str,
    label_array: str | bool | None = None,
    setting: str | None = None,
) -> Roles:
    """Finds out what arrays are.

    Args:
      headers: of the arrays, by name.
      where: they come from, for messages.
      label_array: name of the labels, without that of a split; False for none; None for the rule.
      setting: that is bound to `label_array`, for messages; None if there is none.

    Raises:
      UserError: the names tell of no images, some of a split and others of none, or one that is not
        understood may be that of the labels.
    """
    kinds = {"images": _IMAGES, "labels": _LABELS}
    if label_array is not None:
        kinds["labels"] = (label_array.lower(),) if label_array else ()
    places = {name: _place(name, (*kinds["images"], *kinds["labels"])) for name in headers}
    parts = {}
    for split in ("", *SPLITS):
        images = _first(places, split, kinds["images"])
        if images:
            parts[split] = images, _first(places, split, kinds["labels"])
    if not parts:
        raise UserError(
            f"{where} has the arrays {some_of(headers) or 'of no name'}: name them images and"
            " labels, or train_images, train_labels, test_images and so on"
        )
    if "" in parts and len(parts) > 1:
        raise UserError(
            f"{where} has arrays with and without the name of a split: {some_of(headers)}"
        )
    class_names = next((each for each in _CLASS_NAMES if _is_text(headers.get(each))), None)
    used = {name for pair in parts.values() for name in (*pair, class_names)}
    others = [name for name in headers if name not in used]
    has_labels = any(labels for _, labels in parts.values())
    refuse_lost_labels(others, where, setting, label_array, has_labels)
    left = some_of(f"{name} ({headers[name]})" for name in others)
    return Roles(parts, class_names, [f"arrays passed over: {left}"] if left else [])


def _place(name: str, kinds: tuple[str, ...]) -> tuple[str, str] | None:
    """(split or "", kind) that an array's name says, or None."""
    lower = name.lower()
    if lower in kinds:
        return "", lower
    for kind in kinds:
        for word in (lower.removeprefix(f"{kind}_"), lower.removesuffix(f"_{kind}")):
            if word != lower and word in SPLIT_NAMES:
                return SPLIT_NAMES[word], kind
    return None


def _first(places: dict, split: str, kinds: tuple[str, ...]) -> str | None:
    return next(
        (name for kind in kinds for name, place in places.items() if place == (split, kind)), None
    )


def _is_text(header) -> bool:
    return header is not None and header.dtype.kind in "US" and len(header.shape) == 1
