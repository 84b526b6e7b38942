"""The table of data sets: how each is made, and the settings that it heeds."""

import dataclasses
from collections.abc import Callable

import numpy as np

from compare_gan_tf.data import (
    arrays,
    categorical,
    digits,
    folders,
    lsun,
    own_images,
    polygons,
    record_files,
    sentences,
    stacked,
    text,
    tfds_reader,
    toy,
    zips,
)
from compare_gan_tf.data import labels as label_rules
from compare_gan_tf.data.own_images import Settings
from compare_gan_tf.data.specs import IMAGENET_SIZES, SPECS
from compare_gan_tf.data.split import Dataset, Split


@dataclasses.dataclass(frozen=True)
class Row:
    """How a set is made, and which of `Settings` that depends on.

    Attributes:
      make: a function of `Settings`, or for own data of (name, what follows the colon, `Settings`).
      heeds: names of the settings that it heeds; others are refused.
      find: of own images, a function (path, `Settings`) -> what lies there, before it is read.
    """

    make: Callable[..., Dataset]
    heeds: frozenset = frozenset()
    find: Callable[[str, Settings], own_images.Found] | None = None


_DECODED = frozenset(
    ("image_size", "channels", "crop", "resize", "min_crop_area", "background", "max_pixels")
)
_PUBLIC = _DECODED | {"data_dir", "hold_out"}
_OWN = _DECODED | {"broken"}


def _digits(settings: Settings) -> Dataset:
    splits = {name: Split(*arrays) for name, arrays in digits.splits().items()}
    class_names = tuple(map(str, range(digits.NUM_CLASSES)))
    return Dataset("digits", splits, digits.NUM_CLASSES, class_names)


def _toy(name: str, make: Callable[[], toy.Density]) -> Row:
    def toy_set(settings: Settings) -> Dataset:
        density = make()
        splits = {
            split: Split(*density.sample(size, np.random.default_rng([seed, 20140610])))
            for seed, (split, size) in enumerate(toy.SIZES.items())
        }
        return Dataset(name, splits, num_classes=density.num_modes, density=density)

    return Row(toy_set)


def _polygons(name: str, vertices: int) -> Row:
    def polygon_set(settings: Settings) -> Dataset:
        manifold = polygons.Polygons(vertices)
        splits = {
            split: Split(manifold.sample(size, np.random.default_rng([seed, vertices, 20180301])))
            for seed, (split, size) in enumerate(polygons.SIZES.items())
        }
        return Dataset(name, splits, manifold=manifold)

    return Row(polygon_set)


def _public(name: str, spec, labelling: label_rules.Labelling | None = None) -> Row:
    def public_set(settings: Settings) -> Dataset:
        found = tfds_reader.load(name, spec, settings)
        return label_rules.relabelled(found, labelling) if labelling else found

    return Row(public_set, _PUBLIC)


def _stacked_mnist(settings: Settings) -> Dataset:
    return stacked.stack(tfds_reader.load("mnist", SPECS["mnist"], settings))


def _lsun(name: str) -> Row:
    return Row(lambda settings: lsun.load(name, settings), _PUBLIC)


def _own(find: Callable[[str, Settings], own_images.Found]) -> Row:
    def own_set(name: str, path: str, settings: Settings) -> Dataset:
        return own_images.dataset(name, find(path, settings), settings)

    return Row(own_set, _OWN, find)


_LABELLED_IMAGENET = {
    # The ancestor's. Its labeled_only sets are imagenet_R with partial labels and labelled_only,
    # its soft_labeled ones imagenet_R with labels_from_tfrecords.
    "single_class_imagenet": label_rules.single_label,
    "random_class_imagenet": label_rules.random_labels,
}

DATASETS: dict[str, Row] = {
    "categorical": Row(lambda settings: categorical.load()),
    "digits": Row(_digits),
    "gaussian": _toy("gaussian", toy.gaussian),
    "gaussian_ring": _toy("gaussian_ring", toy.gaussian_ring),
    "gaussian_grid": _toy("gaussian_grid", toy.gaussian_grid),
    "gaussian_mixture": _toy("gaussian_mixture", toy.gaussian_mixture),
    "swiss_roll": _toy("swiss_roll", toy.swiss_roll),
    "triangles": _polygons("triangles", 3),
    "squares": _polygons("squares", 4),
    "hexagons": _polygons("hexagons", 6),
    "sentences": Row(lambda settings: sentences.load()),
    "stacked_mnist": Row(_stacked_mnist, frozenset(("data_dir",))),
    **{name: _public(name, spec) for name, spec in SPECS.items()},
    **{
        f"{name}_{size}": _public(f"{name}_{size}", SPECS[f"imagenet_{size}"], labelling)
        for name, labelling in _LABELLED_IMAGENET.items()
        for size in IMAGENET_SIZES
    },
    **{name: _lsun(name) for name in lsun.SCENES},
}

# Own data: "kind:path".
KINDS: dict[str, Row] = {
    "folder": _own(lambda path, settings: folders.find(path)),
    "zip": _own(lambda path, settings: zips.find(path)),
    "tfrecord": _own(lambda path, settings: record_files.find(path, settings.cache)),
    "npz": Row(arrays.load, frozenset(("broken", "background"))),
    "text": Row(lambda name, path, settings: text.load(name, path)),
}
