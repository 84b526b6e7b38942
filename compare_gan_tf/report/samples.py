"""The pictures of samples and of real data that stand side by side."""

import dataclasses

import numpy as np

from compare_gan_tf.data.images import encode_png, image_grid, to_uint8
from compare_gan_tf.report import drawings
from compare_gan_tf.report.theme import Theme

ROWS = 8
COLUMNS = 8
MOST_CLASSES = 12  # columns of a conditional run's grid
POINTS = 2_000
LINES = 24
SIDE = 64  # pixels an image should have at least when it is looked at
GAP = 4  # pixels after each image, to the right and below
GREY = 40  # of the gaps
_SEED = (0, 42)


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where which sample stands.

    Attributes:
      columns: of the grid.
      labels: int32 [rows * columns] of the cells, row by row, or None for an unconditional run.
    """

    columns: int
    labels: np.ndarray | None = None

    @property
    def number(self) -> int:
        """Of cells."""
        return ROWS * self.columns


def layout(num_classes: int | None) -> Layout:
    """One column a class, the first `MOST_CLASSES` of them, or else a square."""
    if not num_classes:
        return Layout(COLUMNS)
    columns = min(num_classes, MOST_CLASSES)
    return Layout(columns, np.tile(np.arange(columns, dtype=np.int32), ROWS))


def column_names(class_names, cells: Layout) -> tuple[str, ...]:
    """What the classes of the columns are called; () where that is not known for all."""
    known = class_names is not None and cells.labels is not None
    names = tuple(class_names)[: cells.columns] if known else ()
    return names if len(names) == cells.columns else ()


def fakes(gan, cells: Layout) -> np.ndarray:
    """uint8 [n, H, W, C] of the sampling generator, the first for a fixed seed."""
    return np.asarray(to_uint8(gan.sample(cells.number, _SEED, labels=cells.labels)))


def reals(split, cells: Layout) -> np.ndarray:
    """uint8 [n, H, W, C] of a split in a fixed random order; black where a class has too few."""
    order = np.random.default_rng(_SEED).permutation(len(split.images))
    if cells.labels is None:
        return split.images[order[: cells.number]]
    images = np.zeros((cells.number, *split.images.shape[1:]), np.uint8)
    for label in range(cells.columns):
        found = order[split.labels[order] == label][:ROWS]
        images[label :: cells.columns][: len(found)] = split.images[found]
    return images


def grid_png(images: np.ndarray, cells: Layout) -> bytes:
    """PNG of the images, each pixel repeated until an image is about 64 pixels high."""
    scale = max(1, round(SIDE / images.shape[1]))
    large = images.repeat(scale, axis=1).repeat(scale, axis=2)
    apart = np.pad(large, ((0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=GREY)
    return encode_png(image_grid(apart, columns=cells.columns)[:-GAP, :-GAP])


def text_pngs(gan, dataset, theme: Theme) -> tuple[bytes, bytes]:
    """`LINES` generated lines of text, and as many of the data."""

    def png(codes) -> bytes:
        written = ["".join(dataset.vocabulary[code] for code in line) for line in codes]
        return drawings.text(written, theme=theme)

    labels = None if not gan.num_classes else np.arange(LINES, dtype=np.int32) % gan.num_classes
    fake = gan.sample(LINES, _SEED, labels=labels)
    return png(np.asarray(fake)), png(dataset.splits["train"].images[:LINES])


def point_pngs(gan, split, theme: Theme) -> tuple[bytes, bytes]:
    """Scatter diagrams of samples and of real points, over the same range."""
    real = split.images[:POINTS]
    labels = None if not gan.num_classes else np.arange(POINTS, dtype=np.int32) % gan.num_classes
    fake = np.asarray(gan.sample(POINTS, _SEED, labels=labels))
    low, high = real.min(axis=0), real.max(axis=0)
    margin = 0.15 * (high - low)
    limits = np.stack([low - margin, high + margin])
    return drawings.scatter(fake, limits, theme=theme), drawings.scatter(real, limits, theme=theme)
