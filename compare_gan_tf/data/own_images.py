"""Data sets of the user's own images: each image is read once, then split and decoded as others."""

import dataclasses
import re
import zlib
from collections.abc import Callable
from typing import Annotated

import gin
import numpy as np
import PIL

from compare_gan_tf.data import broken_files, decode, lazy_images, resizing
from compare_gan_tf.data.cache import Cache, fingerprint
from compare_gan_tf.data.decode import BrokenImage, Decoder, image_facts
from compare_gan_tf.data.lazy_images import Contents, LazyImages
from compare_gan_tf.data.naming import printable
from compare_gan_tf.data.split import Dataset, Split
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.signatures import Number, checked

_LOOK_KEPT_FROM = 10_000  # images
_LAST: dict[str, "Look"] = {}  # the last look: a recipe is chosen by it before the data are loaded
Share = Annotated[float, Number(least=0, below=1)]
Seed = Annotated[int, Number(least=0, most=2**32 - 1, whole=True)]  # numpy's
SPLITS = ("train", "validation", "test")
# What folders, files and arrays of other collections call them, in any case.
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "validate", "dev", "eval"), "validation"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}
# Words and numbers that may stand beside them, as in train2017 and images_test.
_FILLERS = frozenset(("data", "image", "images", "img", "imgs", "set", "split"))


def split_of(name: str) -> str | None:
    """The split that a name such as "train", "Val2017" or "images_test" means, or None."""
    words = re.findall(r"[^\W\d_]+", name.lower())
    splits = {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
    others = [word for word in words if word not in SPLIT_NAMES and word not in _FILLERS]
    return splits.pop() if len(splits) == 1 and not others else None


@dataclasses.dataclass(frozen=True)
class Settings:
    """What `data.load` was asked for, as far as reading depends on it; see there."""

    data_dir: str | None = None
    image_size: int | None = None
    channels: int | None = None
    crop: resizing.Crop | None = None
    resize: resizing.Resize | None = None
    min_crop_area: float | None = None
    background: tuple[int, int, int] = decode.WHITE
    max_pixels: int = decode.MAX_PIXELS
    hold_out: bool = True
    broken: broken_files.Policy = broken_files.refuse_broken
    cache: Cache = Cache()


@dataclasses.dataclass(frozen=True)
class Found:
    """What a folder or an archive holds.

    Attributes:
      where: it lies, for messages.
      records: see `records`.
      labels: int32 [N], or None.
      num_classes: or None.
      split: str [N] out of `SPLITS`, or None if the source names none.
      class_names: what the classes are called, or None.
      notes: what was passed over or is not as it seems, a line each.
    """

    where: str
    records: object
    labels: np.ndarray | None = None
    num_classes: int | None = None
    split: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


@gin.configurable(module="data", denylist=["number", "where", "kind"])
@checked
def held_out(
    number: int,
    where: str,
    kind: str = "images",
    validation: Share = 0.1,
    test: Share = 0.1,
    seed: Seed = 0,
):
    """Splits a set that has no splits of its own, by a fixed permutation.

    Args:
      number: of samples.
      where: they lie, for messages.
      kind: of what they are, for messages.
      validation, test: shares of the two splits; each gets at least one sample.
      seed: of the permutation.

    Returns:
      str [number], the split of each.
    """
    counts = [max(1, round(share * number)) for share in (validation, test)]
    if sum(counts) >= number:
        raise UserError(
            f"{where} has {number} {kind} that can be used: {counts[0]} for validation and"
            f" {counts[1]} for test leave none for training. Add {kind} (3 are the least), or mend"
            f" held_out.validation = {validation} and held_out.test = {test}"
        )
    split = np.full(number, "train", dtype="<U10")
    order = np.random.RandomState(seed).permutation(number)
    split[order[: counts[0]]] = "validation"
    split[order[counts[0] : sum(counts)]] = "test"
    return split


def dataset(name: str, found: Found, settings: Settings) -> Dataset:
    """Reads every image once, and makes the data set of those that can be used.

    Raises:
      UserError: there is nothing to make one of, images are broken and `settings.broken` refuses
        that, or they differ in size and none is asked for.
    """
    require_images(found)
    look = look_at(found.records, settings)
    notes = []
    if look.problems:
        notes.append(settings.broken(look.problems, len(found.records), found.where))
    usable = np.flatnonzero(look.channels > 0)
    if not len(usable):
        problems = broken_files.listing(look.problems)
        raise UserError(f"no image in {found.where} can be used: {problems}")
    chosen_channels = settings.channels or int(look.channels[usable].max())
    notes += [*_conversions(look.channels[usable], chosen_channels), *found.notes]
    decoder = Decoder(
        shape=_shape(found, look.sizes, usable, settings),
        channels=chosen_channels,
        crop=settings.crop or (resizing.middle_square if settings.image_size else resizing.whole),
        resize=settings.resize or resizing.area,
        min_area=settings.min_crop_area or 1.0,
        background=tuple(settings.background),
        max_pixels=settings.max_pixels,
    )
    images = LazyImages(found.records, decoder, contents=look.contents)
    split = found.split
    if split is None:
        split = np.full(len(found.records), "", dtype="<U10")
        split[usable] = held_out(len(usable), found.where)
    whole = Split(images, found.labels)
    present = [each for each in SPLITS if (split[usable] == each).any()]
    splits = {each: whole.subset(usable[split[usable] == each]) for each in present}
    return Dataset(
        name, splits, found.num_classes, class_names=found.class_names, notes=tuple(notes)
    )


def require_images(found: Found) -> None:
    """Refuses a place without images."""
    if not len(found.records):
        passed_over = "".join(f" ({note})" for note in found.notes)
        raise UserError(f"there are no images in {found.where}{passed_over}")


# --- The look at every image -------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Look:
    """What all images are like.

    Attributes:
      sizes: int32 [N, 2], height and width.
      channels: int8 [N], 1 or 3, and 0 of those that are broken.
      contents: of the files.
      problems: of those that are broken.
    """

    sizes: np.ndarray
    channels: np.ndarray
    contents: Contents
    problems: list[broken_files.Problem]


def look_at(records, settings: Settings) -> Look:
    """Reads every image whole, unless the last look was at the same ones.

    Looks of many images, which take seconds or more, are kept for the next run.
    """
    facts = (records.fingerprint(), PIL.__version__, settings.max_pixels, "contents")
    name = f"look-{fingerprint(*facts)}"
    if name not in _LAST:
        look = _known_look(name, records, settings)
        _LAST.clear()
        _LAST[name] = look
    return _LAST[name]


def _known_look(name: str, records, settings: Settings) -> Look:
    cache = settings.cache
    if len(records) < _LOOK_KEPT_FROM or not cache.budget:
        return _look_at(records, settings.max_pixels)
    kept = cache.read(name)
    if kept is None:
        look = _look_at(records, settings.max_pixels)
        parts = [np.array([each[i] for each in look.problems], np.str_) for i in range(2)]
        kept = {"sizes": look.sizes, "channels": look.channels}
        kept |= {"lengths": look.contents.length, "crcs": look.contents.crc}
        kept |= {"names": parts[0], "reasons": parts[1]}
        cache.write(name, kept)
    problems = zip(kept["names"].tolist(), kept["reasons"].tolist(), strict=True)
    contents = Contents(kept["lengths"], kept["crcs"])
    problems = [broken_files.Problem(*each) for each in problems]
    return Look(kept["sizes"], kept["channels"], contents, problems)


def _look_at(records, max_pixels: int) -> Look:
    """Reads every image whole."""
    sizes = np.zeros((len(records), 2), np.int32)
    channels = np.zeros(len(records), np.int8)
    contents = Contents(np.zeros(len(records), np.int64), np.zeros(len(records), np.uint32))

    def look(index: int):
        try:
            content = records.read(index)
            contents.length[index], contents.crc[index] = len(content), zlib.crc32(content)
            sizes[index], channels[index] = image_facts(content, max_pixels)
        except (BrokenImage, ValueError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return broken_files.Problem(printable(records.name(index)), reason)
        return None

    found = in_parallel(look, len(records))
    return Look(sizes, channels, contents, [problem for problem in found if problem])


def in_parallel(function: Callable[[int], object], number: int) -> list:
    """[function(0), ..., function(number - 1)], by the threads that decode."""
    chunk = 64

    def several(start: int):
        return [function(index) for index in range(start, min(start + chunk, number))]

    parts = lazy_images.pool().map(several, range(0, number, chunk))
    return [result for part in parts for result in part]


def _conversions(channels: np.ndarray, chosen: int) -> list[str]:
    other = int(np.count_nonzero(channels != chosen))
    kinds = {1: ("in colour", "grey"), 3: ("grey", "three equal channels")}[chosen]
    return [f"{other} images are {kinds[0]} and become {kinds[1]}"] if other else []


def _shape(found: Found, sizes, usable, settings: Settings) -> tuple[int, int]:
    """(H, W) of the samples: those asked for, or those that all images have."""
    if settings.image_size:
        return settings.image_size, settings.image_size
    if settings.crop or (settings.min_crop_area or 1.0) < 1.0:
        raise UserError("a crop needs the size to resize it to: set data.load.image_size")
    first = sizes[usable[0]]
    other = usable[(sizes[usable] != first).any(axis=1)]
    if len(other):
        pair = [
            f"{printable(found.records.name(int(i)))} has {sizes[i][1]} x {sizes[i][0]} pixels"
            for i in (usable[0], other[0])
        ]
        raise UserError(
            f"the images in {found.where} differ in size: {', '.join(pair)}; set"
            " data.load.image_size"
        )
    return int(first[0]), int(first[1])
