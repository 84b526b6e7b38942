"""What a data set is: named splits of samples that are reached by index."""

import dataclasses

import numpy as np

from compare_gan_tf.data.flips_and_crops import Augmentation
from compare_gan_tf.data.lazy_images import LazyImages
from compare_gan_tf.data.toy import Density
from compare_gan_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class Split:
    """One split in a fixed order, so that a sample is named by its index.

    Attributes:
      images: uint8 [N, H, W, C], float32 points [N, D] for the toy sets, or uint8 [N, L] characters
        of lines of text. An array, or `LazyImages`, which are indexed like one.
      labels: int32 [N] in [0, num_classes), -1 where there is none; or float32 [N, num_classes],
        probabilities of each class; or None.
      augmentation: of training images.
    """

    images: np.ndarray | LazyImages
    labels: np.ndarray | None = None
    augmentation: Augmentation = Augmentation()

    def __len__(self):
        return len(self.images)

    def name(self, index: int) -> str:
        """What a sample is called: its file, or else its index."""
        if isinstance(self.images, LazyImages):
            return self.images.name(index)
        return str(index)

    def subset(self, indices) -> "Split":
        """The samples at `indices`, in that order."""
        lazy = isinstance(self.images, LazyImages)
        images = self.images.subset(indices) if lazy else self.images[indices]
        labels = None if self.labels is None else self.labels[indices]
        return dataclasses.replace(self, images=images, labels=labels)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Named splits of one kind of sample.

    Attributes:
      name: the name `load` knows it by.
      splits: "train", "validation" and "test"; "validation" selects checkpoints, "test" is only
        reported, and no sample is in two of them.
      num_classes: number of labels, or None.
      class_names: what the classes are called, by label, or None where nothing says so.
      density: for the toy sets, the exact density they are drawn from.
      manifold: for polygons, what tells the distance of an image to the set of all of them.
      vocabulary: for text, the characters; a sample is then [L] indices into them.
      palette: uint8 [k, C], the colours that images under `views.adaptive_palette` are made of.
      notes: what is worth knowing, a line each: the protocol, what was skipped or converted.
      altered: whether options of `load` made other samples or labels than the name stands for.
      other_images: whether they made other images.
      source: for sets that a name and a version stand for, such as "cifar10 3.0.2"; None for what
        is known by its content alone.

    Raises:
      UserError: there is no split "train", the splits have samples of different shapes, or the
        classes have another number of names.
    """

    name: str
    splits: dict[str, Split]
    num_classes: int | None = None
    class_names: tuple[str, ...] | None = None
    density: Density | None = None
    manifold: object | None = None
    vocabulary: tuple[str, ...] | None = None
    palette: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    altered: bool = False
    other_images: bool = False
    source: str | None = None

    def __post_init__(self):
        if "train" not in self.splits:
            there = ", ".join(self.splits)
            raise UserError(f"{self.name} has no split to train on, only {there}: add train")
        shapes = {split.images.shape[1:] for split in self.splits.values()}
        if len(shapes) > 1:
            raise UserError(f"the splits of {self.name} differ in shape: {sorted(shapes)}")
        if self.class_names is not None and len(self.class_names) != self.num_classes:
            raise UserError(
                f"{self.name} has {self.num_classes} classes and {len(self.class_names)} names of"
                " classes: give each class one"
            )

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """(H, W, C) of an image, (D,) of a point, (L,) of a line of text."""
        return tuple(self.splits["train"].images.shape[1:])

    @property
    def symbols(self):
        """What samples are written with: the vocabulary, the palette, or None."""
        return self.palette if self.vocabulary is None else self.vocabulary

    @property
    def is_images(self) -> bool:
        images = self.splits["train"].images
        return images.dtype == np.uint8 and images.ndim == 4
