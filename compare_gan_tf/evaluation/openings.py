"""Opens one side of a comparison from a path, a name, arrays or a GAN."""

import dataclasses
import os
from collections.abc import Mapping

import numpy as np

from compare_gan_tf import data
from compare_gan_tf.config.gin_errors import did_you_mean
from compare_gan_tf.data import folders, npz, own_images, zips
from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import references
from compare_gan_tf.evaluation.generators import Players
from compare_gan_tf.evaluation.modules import Module
from compare_gan_tf.evaluation.onnx import Onnx
from compare_gan_tf.evaluation.sides import Features, Samples, Side, Statistics

_IMAGES = ("images", "x", "arr_0")
_LABELS = ("labels", "y", "arr_1")
_MOMENTS = ("mu", "sigma")
_SPLIT = "test"  # default split of a data set
_RUN, _MODULE = "config.gin", "saved_model.pb"


@dataclasses.dataclass(frozen=True, kw_only=True)
class How:
    """Options for opening a side.

    Attributes:
      truncation: truncation of a generator's latents, 0 or more; 0 for none.
      standing: number of samples for a GAN's standing batch norm statistics; 0 for none.
      split: split of a data set that is named without one.
      trusted: whether modules and ONNX files of other origin are loaded, see `programs.require`.
    """

    truncation: float = 0.0
    standing: int = 0
    split: str = _SPLIT
    trusted: bool = False

    @property
    def of_module(self) -> dict:
        """The options of a generator in a file."""
        return {"truncation": self.truncation, "trusted": self.trusted}


def side(source, how: How | None = None) -> Side:
    """Opens one side.

    Args:
      source: one of: the path of an `.npz` with `images`, `features`, or `mu` and `sigma`; the path
        of a folder or a zip of images, of a SavedModel or of an ONNX generator; a TF Hub handle;
        the name of a data set and its split, such as "digits/test"; an array of images uint8
        [N, H, W, C] or of features float [N, D]; a dict of arrays named as in an `.npz`; a built
        GAN; or a `Side`.
      how: options.

    Raises:
      UserError: the source does not exist or cannot be used.
    """
    how = how or How()
    if isinstance(source, Side):
        return source
    if isinstance(source, str | os.PathLike):
        return _named(os.fspath(source), how)
    if isinstance(source, Mapping):
        return _of_arrays(dict(source), "the dict given")
    if hasattr(source, "sampling_generator"):
        return Players(
            source, tag="generator", truncation=how.truncation, standing=how.standing,
            checkpoint_rule="given",
        )  # fmt: skip
    values = np.asarray(source)
    kind = "features" if values.ndim == 2 else "images"
    return _of_arrays({kind: values}, "the array given")


def _named(text: str, how: How) -> Side:
    path = os.path.expanduser(text)
    if _is_data_set(text):
        return _data_set(text, how)
    if "://" in text:
        return Module(text, **how.of_module)
    if os.path.isdir(path):
        return _directory(path, how)
    opens = _FILES.get(os.path.splitext(path)[1].lower())
    if opens and os.path.isfile(path):
        return opens(path, how)
    if os.path.exists(path):
        raise UserError(
            f"{text} is neither a folder nor a regular file of the kinds {', '.join(_FILES)}: it"
            " cannot be compared"
        )
    hint = did_you_mean(text.partition("/")[0], data.names())
    raise UserError(f"{text!r} is no file, no folder and no data set{hint}")


def _is_data_set(text: str) -> bool:
    return text.partition("/")[0] in data.names() or text.partition(":")[0] in data.kinds()


def is_run(text: str) -> bool:
    """Whether a text is the folder of a run, and not a data set, a module or a handle."""
    path = os.path.expanduser(text)
    other = _is_data_set(text) or "://" in text or os.path.exists(os.path.join(path, _MODULE))
    return not other and os.path.exists(os.path.join(path, _RUN))


# --- Paths ------------------------------------------------------------------------------------


def _directory(path: str, how: How) -> Side:
    if os.path.exists(os.path.join(path, _MODULE)):
        return Module(path, **how.of_module)
    if is_run(path):
        raise UserError(
            f"{path} is the folder of a run: give the path of a module in its hub folder, a built"
            " GAN, or use compare-gan evaluate"
        )
    return _own_images(folders.find(path), path)


def _own_images(found, path: str) -> Side:
    """All images of a folder or a zip file as one side, without splits."""
    if found.split is not None and len(set(found.split)) > 1:
        splits = ", ".join(sorted(set(found.split)))
        raise UserError(
            f"{found.where} has the splits {splits}: name the folder of one of them, or"
            f" folder:{path}/test (zip:{path}/test)"
        )
    whole = np.full(len(found.records), "train", dtype="<U10")
    loaded = own_images.dataset(path, dataclasses.replace(found, split=whole),
                                own_images.Settings())  # fmt: skip
    split = loaded.splits["train"]
    return Samples(os.path.basename(os.path.normpath(path)), split.images, split.labels,
                   where=found.where, num_classes=loaded.num_classes)  # fmt: skip


def _npz(path: str) -> Side:
    names = npz.names(path)
    if not {"features", *_IMAGES} & set(names) and set(_MOMENTS) & set(names):
        return Statistics(os.path.basename(path), references.read(path), where=path)
    known = npz.read(path, ("features", *_IMAGES, *_LABELS), mapped=True)
    return _of_arrays(known or dict.fromkeys(names), path, os.path.basename(path))


_FILES = {
    ".npz": lambda path, how: _npz(path),
    ".zip": lambda path, how: _own_images(zips.find(path), path),
    ".onnx": lambda path, how: Onnx(path, **how.of_module),
}


# --- Arrays -----------------------------------------------------------------------------------


def _of_arrays(found: dict, where: str, name: str = "array") -> Side:
    images = next((found[key] for key in _IMAGES if key in found), None)
    labels = next((found[key] for key in _LABELS if key in found), None)
    if images is not None and "features" in found:
        raise UserError(f"{where} has both images and features: keep those that are to be compared")
    if images is not None:
        images = _images(np.asanyarray(images), where)
        return Samples(name, images, _labels(labels, len(images), where), where=where)
    if "features" in found:
        return Features(name, np.asanyarray(found["features"]), where=where)
    raise UserError(
        f"{where} has the arrays {', '.join(map(str, found)) or 'none'}: name them images or"
        " features; a file may also have mu and sigma"
    )


def _images(images: np.ndarray, where: str) -> np.ndarray:
    """Checks images; returns them as uint8 [N, H, W, C] with C = 1 or 3."""
    whole = images[..., None] if images.ndim == 3 else images
    fits = whole.dtype == np.uint8 and whole.ndim == 4 and whole.shape[-1] in (1, 3)
    if not fits or not whole.size:
        raise UserError(
            f"the images of {where} are {images.dtype} of shape {list(images.shape)}: they must be"
            " uint8 [N, H, W, C], one or more, with C = 1 or 3"
        )
    return whole


def _labels(labels, number: int, where: str) -> np.ndarray | None:
    if labels is None:
        return None
    labels = np.asanyarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) != number:
        raise UserError(
            f"the labels of {where} are {labels.dtype} of shape {list(labels.shape)}: they must be"
            f" integers [{number}], one for each image"
        )
    return labels


# --- Data sets --------------------------------------------------------------------------------


def _data_set(text: str, how: How) -> Side:
    name, slash, split = text.rpartition("/")
    own = text.partition(":")[0] in data.kinds()  # a path, whose last part need not be a split
    if not slash or (own and split not in own_images.SPLIT_NAMES):
        name, split = text, how.split
    return of_split(data.load(name), own_images.SPLIT_NAMES.get(split, split))


def of_split(dataset, split: str) -> Samples:
    """A side with one split of a data set.

    Raises:
      UserError: the data set has no such split.
    """
    if split not in dataset.splits:
        raise UserError(
            f"the data set {dataset.name} has no split {split!r}, only"
            f" {', '.join(dataset.splits)}: name one of these"
        )
    chosen = dataset.splits[split]
    # Other settings give other points under the same name, and altered images likewise.
    public = dataset.name in data.names() and dataset.is_images and not dataset.altered
    return Samples(
        dataset.name, chosen.images, chosen.labels, split, f"{dataset.name}/{split}",
        is_public=public, images_of=images_of(dataset), num_classes=dataset.num_classes,
    )  # fmt: skip


def images_of(dataset, *, unchanged: bool = True) -> str | None:
    """The name of the public data set whose images these are, or None.

    Args:
      dataset: a data set.
      unchanged: whether to return None for images that `load` changed, as by a view or a resize.
    """
    known = dataset.name in data.names() and dataset.is_images
    return None if not known or (unchanged and dataset.other_images) else dataset.name
