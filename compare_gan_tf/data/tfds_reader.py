"""Sets of TensorFlow Datasets: prepared by tfds, then read by us at random from its TFRecords."""

import logging
import os
import socket
import urllib.parse
import urllib.request

import numpy as np

from compare_gan_tf.data import own_images, stand_ins, tfrecords
from compare_gan_tf.data.cache import Cache
from compare_gan_tf.data.decode import Decoder, image_facts
from compare_gan_tf.data.flips_and_crops import Augmentation
from compare_gan_tf.data.lazy_images import LazyImages
from compare_gan_tf.data.own_images import Settings
from compare_gan_tf.data.specs import Spec
from compare_gan_tf.data.split import Dataset, Split
from compare_gan_tf.errors import UserError, as_user_error

_SECONDS = 10  # to find the host of a download; tfds itself would try for minutes
_NAMES = ("file_name", "id")  # features that name an example


def load(name: str, spec: Spec, settings: Settings) -> Dataset:
    """A set of the table; downloads and prepares it where that can be done.

    Raises:
      UserError: it is neither prepared nor can be; says what to put where.
    """
    side, channels = settings.image_size or spec.size, settings.channels or spec.channels
    if stand_ins.are_wanted():
        return stand_ins.outline(name, (side, side, channels), spec.num_classes)
    builder = _prepared(name, spec.source, settings.data_dir)
    decoder = Decoder(
        shape=(side, side),
        channels=channels,
        crop=settings.crop or spec.crop,
        resize=settings.resize or spec.resize,
        min_area=settings.min_crop_area or spec.min_crop_area,
        background=tuple(settings.background),
        max_pixels=settings.max_pixels,
    )
    slices = {"train": spec.train, "validation": spec.validation, "test": spec.test}
    if not settings.hold_out and spec.all_train != spec.train:
        slices["train"] = spec.all_train
        del slices["validation"]
    splits = {
        split: _split(builder, part, decoder, spec, settings.cache)
        for split, part in slices.items()
    }
    splits["train"], notes = _large_enough(splits["train"], spec.min_side, settings.max_pixels)
    if decoder.min_area < 1.0:
        crops = Augmentation(min_area=decoder.min_area)
        splits["train"] = Split(splits["train"].images, splits["train"].labels, crops)
    return Dataset(
        name,
        splits,
        spec.num_classes,
        _class_names(builder) if spec.num_classes else None,
        notes=(*filter(None, [spec.note]), *notes),
        source=builder.info.full_name,
    )


def _class_names(builder) -> tuple[str, ...] | None:
    names = getattr(builder.info.features["label"], "names", None)
    return tuple(names) if names else None


def _split(builder, part: str, decoder: Decoder, spec: Spec, cache: Cache) -> Split:
    """The images of a slice such as "train[:90%]", and their labels if the set has classes."""
    what = f"the prepared {spec.source} in {builder.data_dir} has no {part}"
    with as_user_error(what, KeyError, ValueError, AssertionError):
        instructions = builder.info.splits[part].file_instructions
    parts = [(each.filename, each.skip, each.take) for each in instructions]
    extents, found = tfrecords.index(parts, wanted=("label", *_NAMES), cache=cache)
    for key in _NAMES:
        if key in found:
            names = np.array(found[key], dtype="S")
            extents = tfrecords.Extents(
                extents.files, extents.file, extents.offset, extents.length, names
            )
            break
    labels = np.array(found["label"], np.int32) if spec.num_classes else None
    return Split(LazyImages(extents, decoder), labels)


def _large_enough(split: Split, min_side: int, max_pixels: int) -> tuple[Split, list[str]]:
    """The images whose shorter side has `min_side` pixels, and a note about the others."""
    if not min_side:
        return split, []
    records = split.images.records
    sides = own_images.in_parallel(
        lambda i: min(image_facts(records.read(i), max_pixels)[0]), len(records)
    )
    chosen = np.flatnonzero(np.array(sides) >= min_side)
    if not len(chosen):
        raise UserError(f"there are no images of at least {min_side} pixels to train on")
    left_out = len(split) - len(chosen)
    return split.subset(chosen), [f"{left_out} images with a side under {min_side} are left out"]


# --- Preparing -------------------------------------------------------------------------------


def _prepared(name: str, source: str, data_dir: str | None):
    """The builder of a set that is prepared, or else downloads and prepares it."""
    import tensorflow_datasets as tfds  # takes a second or two; only these sets need it

    data_dir = None if data_dir is None else os.path.expanduser(data_dir)
    builder = tfds.builder(source, data_dir=data_dir, try_gcs=False)
    if not builder.info.splits:
        _prepare(builder, name)
    kind = str(getattr(builder.info.file_format, "value", "tfrecord"))
    if kind != "tfrecord":
        raise UserError(
            f"{source} in {builder.data_dir} is prepared as {kind}; remove that folder and prepare"
            " it as tfrecord, which is tfds' default"
        )
    return builder


def _prepare(builder, name: str) -> None:
    manual = _manual_cure(builder)
    host = None if manual else _unreachable(builder)
    if host:
        raise UserError(
            f"{name} is not in {builder.data_dir} and cannot be downloaded: {host} is not reached"
            f" from here. Where there is a network, run tfds build {builder.name}, and copy its"
            f" folder {builder.name} into the folder that data.load.data_dir (--data_dir) names"
        )
    logging.getLogger(__name__).warning("preparing %s in %s", name, builder.data_dir)
    what = f"{name} is not in {builder.data_dir} and tfds cannot prepare it"
    errors = (OSError, AssertionError, ValueError, RuntimeError)
    with as_user_error(what, *errors, cure=manual or ""):
        builder.download_and_prepare(file_format="tfrecord")


def _manual_cure(builder) -> str | None:
    """What to put where, for sets that may not be downloaded by a program."""
    text = builder.MANUAL_DOWNLOAD_INSTRUCTIONS
    if not text:
        return None
    folder = os.path.join(builder._data_dir_root, "downloads", "manual")
    return f"it needs files of your own in {folder}, then start again. {_line(text)}"


def _unreachable(builder) -> str | None:
    """The host of a download, if it is not found; with a proxy that cannot be told."""
    if urllib.request.getproxies():
        return None
    try:
        urls = list(builder.url_infos)
    except Exception:  # of sets whose list of checksums is missing or of another form
        return None
    host = urllib.parse.urlparse(str(urls[0])).hostname if urls else None
    if not host:
        return None
    try:
        socket.create_connection((host, 443), timeout=_SECONDS).close()
    except OSError:
        return host
    return None


def _line(error) -> str:
    return " ".join(str(error).split())
