"""`load`, which gin binds: a data set by its name."""

import dataclasses
import difflib
from collections.abc import Callable
from typing import Annotated

import gin
import numpy as np

from compare_gan_tf.data import broken_files, decode, resizing
from compare_gan_tf.data import labels as label_rules
from compare_gan_tf.data.cache import DISK_BUDGET, Cache, LocalFolder
from compare_gan_tf.data.decoded_cache import DecodedImages
from compare_gan_tf.data.flips_and_crops import Augmentation
from compare_gan_tf.data.lazy_images import LazyImages
from compare_gan_tf.data.own_images import Settings
from compare_gan_tf.data.split import Dataset, Split
from compare_gan_tf.data.table import DATASETS, KINDS
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.kinds import require_shape, tried
from compare_gan_tf.settings.signatures import Count, Index, Number, OneOf, Several, checked

__all__ = ["Dataset", "Split", "kinds", "load", "names"]

# Crops of arrays are made by the pipeline; a set that keeps nothing needs no cache.
_ALWAYS = frozenset(("min_crop_area", "cache"))
_VIEW = "@adaptive_palette(), with parentheses, or a function of images such as @binarised"
Channels = Annotated[int, OneOf(1, 3)]
Colour = Annotated[tuple[int, int, int], Several(Number(least=0, most=255), number=3)]
Share = Annotated[float, Number(above=0, most=1)]
MEMORY_BUDGET = 3 * 2**28  # bytes: 768 MiB, so that data and buffers together stay under 1 GiB


def names() -> list[str]:
    """The names `load` accepts, beside own data."""
    return sorted(DATASETS)


def kinds() -> list[str]:
    """The kinds of own data, as in "folder:/path"."""
    return sorted(KINDS)


# --- Loading ---------------------------------------------------------------------------------


@gin.configurable(module="data")
@checked(name="data.load")
def load(
    name: str = "digits",
    data_dir: str | None = None,
    *,
    image_size: Count | None = None,
    channels: Channels | None = None,
    crop: resizing.Crop | None = None,
    resize: resizing.Resize | None = None,
    background: Colour = decode.WHITE,
    max_pixels: Count = decode.MAX_PIXELS,
    hold_out: bool = True,
    broken: broken_files.Policy = broken_files.refuse_broken,
    labels: label_rules.Labelling | None = None,
    labelled_only: bool = False,
    view: Callable[[np.ndarray], np.ndarray] | None = None,
    flip: bool = False,
    min_crop_area: Share | None = None,
    memory_budget: Index = MEMORY_BUDGET,
    disk_budget: Index = DISK_BUDGET,
    cache_folder: LocalFolder | None = None,
) -> Dataset:
    """Loads a data set by its name, or own data as "folder:/path", "zip:", "npz:", "tfrecord:".

    Args:
      name: see `names` and `kinds`.
      data_dir: folder of tfds, with the prepared sets; None for tfds' own.
      image_size: height and width of the samples; None for the set's own.
      channels: 1 or 3; None for the set's own.
      crop: the part of each image that is used, see `resizing`; None for the set's own rule.
      resize: how that part gets its size, see `resizing`; None for the set's own rule.
      background: RGB behind transparent pixels.
      max_pixels: of an image file; one that claims more is broken, and is not decoded.
      hold_out: False trains on the images held out for validation too, as papers do; there is then
        no split "validation", and no best checkpoint. A set whose validation images are of a split
        of its own, such as celeb_a, holds none out of training and stays as it is.
      broken: what to do about files that cannot be read, see `broken_files`.
      labels: other labels than the set's own, see `labels`.
      labelled_only: leaves out training samples whose label is -1, as the ancestor's labeled_only.
      view: of every image, see `views`.
      flip: mirrors every second training image.
      min_crop_area: below 1, training takes random crops of at least this share of an image; 1
        takes none; None for the set's own rule, which only ImageNet has.
      memory_budget: bytes; a set that is not larger is decoded once and held in memory.
      disk_budget: bytes; a larger set that fits in them is decoded once for all runs, into a file
        of `cache_folder`, where the files unused for longest make way. With 0 nothing is kept, and
        images are decoded anew each time, as those that are cropped at random always are.
      cache_folder: on a local disk, the faster the better; None for compare_gan_tf in
        $XDG_CACHE_HOME, or ~/.cache. The indices of large sets are kept there too.

    Raises:
      UserError: no data set has that name, the message lists the nearest ones; it is not there; or
        it does not depend on a setting that is given. When images are first read there may be one
        about too little room on the disk.
    """
    settings = Settings(
        data_dir=data_dir,
        image_size=image_size,
        channels=channels,
        crop=crop,
        resize=resize,
        min_crop_area=min_crop_area,
        background=tuple(background),
        max_pixels=max_pixels,
        hold_out=hold_out,
        broken=broken,
        cache=Cache(cache_folder, disk_budget),
    )
    loaded = _loaded(str(name), settings)
    asked = {"flip": flip, "min_crop_area": (min_crop_area or 1.0) < 1.0, "view": view}
    for option in asked if not loaded.is_images else ():
        if asked[option]:
            raise UserError(f"data.load.{option} is for images; {loaded.name} has none")
    loaded = _with_augmentation(loaded, flip, min_crop_area)
    loaded = label_rules.relabelled(loaded, labels) if labels else loaded
    loaded = _labelled_only(loaded) if labelled_only else loaded
    loaded = _viewed(loaded, view) if view else loaded
    given = (image_size, channels, crop, resize, view)
    other_images = (
        any(option is not None for option in given) or settings.background != decode.WHITE
    )
    altered = other_images or labels is not None
    loaded = dataclasses.replace(loaded, altered=altered, other_images=other_images)
    return _kept(loaded, memory_budget, settings.cache)


def _loaded(name: str, settings: Settings) -> Dataset:
    kind, _, path = name.partition(":")
    if kind in KINDS:
        if not path:
            raise UserError(f'data.load.name is "{name}": add where it lies, as in "{kind}:/path"')
        row, arguments = KINDS[kind], (name, path, settings)
    else:
        known = name.replace("-", "_")  # as the ancestor wrote fashion-mnist
        if known not in DATASETS:
            nearest = difflib.get_close_matches(name, names(), n=3, cutoff=0.4) or names()
            raise UserError(
                f"unknown data set {name!r}: the nearest names are {', '.join(nearest)} "
                f"(set data.load.name; own data are {':path, '.join(kinds())}:path)"
            )
        row, arguments = DATASETS[known], (settings,)
    for field in dataclasses.fields(Settings):
        value = getattr(settings, field.name)
        if field.name in row.heeds | _ALWAYS or value == field.default:
            continue
        raise UserError(
            f"data.load.{field.name} = {value}: the data set {name} does not depend on it;"
            " remove it"
        )
    return row.make(*arguments)


def _with_augmentation(loaded: Dataset, flip: bool, min_crop_area: float | None) -> Dataset:
    train = loaded.splits["train"]
    own = train.augmentation
    area = own.min_area if min_crop_area is None else min_crop_area
    train = dataclasses.replace(train, augmentation=Augmentation(flip or own.flip, area))
    return dataclasses.replace(loaded, splits={**loaded.splits, "train": train})


def _labelled_only(loaded: Dataset) -> Dataset:
    """Without the training samples that have no label."""
    train = loaded.splits["train"]
    chosen = np.flatnonzero(label_rules.class_labels(train, "data.load.labelled_only") >= 0)
    if not len(chosen):
        raise UserError(f"data.load.labelled_only: no training sample of {loaded.name} has a label")
    note = f"{len(train) - len(chosen)} training samples without a label are left out"
    splits = {**loaded.splits, "train": train.subset(chosen)}
    return dataclasses.replace(loaded, splits=splits, notes=(*loaded.notes, note))


def _viewed(loaded: Dataset, view) -> Dataset:
    if hasattr(view, "fit"):
        view = view.fit(np.asarray(loaded.splits["train"].images[: view.images]))
        loaded = dataclasses.replace(loaded, palette=view.palette)
    trial = np.zeros((2, *loaded.sample_shape), np.uint8)
    result = tried("data.load.view", view, trial, like=_VIEW)
    require_shape("data.load.view", view, result, trial.shape, like=_VIEW)
    splits = {
        name: dataclasses.replace(split, images=_through(split.images, view))
        for name, split in loaded.splits.items()
    }
    return dataclasses.replace(loaded, splits=splits)


def _through(images, view):
    return images.with_view(view) if isinstance(images, LazyImages) else view(images)


def _kept(loaded: Dataset, memory_budget: int, cache: Cache) -> Dataset:
    """Lets all splits be held in memory once they are used, or else on a disk, where they fit."""
    nbytes = sum(split.images.nbytes for split in loaded.splits.values())
    in_memory = nbytes <= memory_budget
    lazy = {
        name: split.images
        for name, split in loaded.splits.items()
        if isinstance(split.images, LazyImages)
    }
    stored = {} if in_memory or nbytes > cache.budget else _stored(lazy, cache)
    splits = dict(loaded.splits)
    for name, images in lazy.items():
        kept = images.with_keep(in_memory).with_stored(stored.get(name))
        splits[name] = dataclasses.replace(splits[name], images=kept)
    return dataclasses.replace(loaded, splits=splits)


def _stored(splits: dict[str, LazyImages], cache: Cache) -> dict[str, DecodedImages]:
    """Files for the decoded images, one for all splits that lie in the same records."""
    stored = {}
    for name, images in splits.items():
        others = [other for other in splits.values() if other.records is images.records]
        made = [stored[other] for other in stored if splits[other].records is images.records]
        chosen = np.unique(np.concatenate([other.chosen for other in others]))
        stored[name] = (
            made[0] if made else DecodedImages(cache, images.records, images.decoder, chosen)
        )
    return stored
