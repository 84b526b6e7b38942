"""The two sides of a comparison, real and fake: existing samples, features or statistics.

A side has a `name` and a `split` for the protocol, lists what it `offers`, and returns what metrics
need. This module has the sides whose data exist already; `generators` has those that generate them.
"""

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from compare_gan_tf.data.lazy_images import LazyImages
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Collected, Rows

_PART = 2**24  # bytes that are read at a time
EXTRACTED = frozenset(("features", "logits"))
_TOO_LARGE = "go beyond 3.4e38 and do not fit float32, which metrics take: give smaller numbers"
PASSED = EXTRACTED | {"images", "labels"}  # fields that one pass over the samples fills


class Batch(NamedTuple):
    """A batch: samples uint8 [n, H, W, C] or float32 [n, D]; labels int32 [n], or None."""

    samples: np.ndarray
    labels: np.ndarray | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method:
    """How the samples of all sides are processed.

    Attributes:
      extractor: the feature extractor, see `metrics.features`; None if no metric needs features.
      batch_size: samples per batch; it does not change a score.
      seed: seed of generated samples, and of the random subset when not all samples are used.
    """

    extractor: Any = None
    batch_size: int = 250
    seed: int = 42


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted:
    """A request to a side.

    Attributes:
      kinds: names of fields of `Collected`; those that the side does not offer stay None.
      number: number of samples.
      method: how the samples are processed.
      progress: object with a method `update(number of finished samples)`, or None.
    """

    kinds: frozenset
    number: int
    method: Method = Method()
    progress: Any = None


class Side:
    """Base class of all sides.

    Attributes:
      name: name in the protocol.
      split: split in the protocol, or None.
      where: path or description, for messages.
      available: number of samples; None for any number, as of a generator.
      offers: names of the fields of `Collected` that it can fill.
      sample_shape: shape of one sample; None if there are only features or statistics.
      is_images: whether samples are uint8 images.
      images_of: name of the public data set whose images these are, unchanged, or None.
      is_public: whether the name identifies the contents; if not, the protocol has their hash.
      classes: number of classes K of a conditional generator, else None.
      facts: further fields of the protocol, such as a generator's truncation.
    """

    name: str
    split: str | None = None
    where: str
    available: int | None
    offers: frozenset
    sample_shape: tuple[int, ...] | None = None
    is_images: bool = False
    images_of: str | None = None
    is_public: bool = False
    classes: int | None = None
    facts: dict = {}

    def sha256(self) -> str | None:
        """SHA-256 of the contents; None if they do not exist yet."""
        return None

    def number(self, name: str, asked: int | None, otherwise: int | None = None) -> int | None:
        """The number of samples to use; None for statistics without a sample count.

        Args:
          name: name of the setting that requests a number, for messages.
          asked: the requested number; None for all.
          otherwise: default number for a generator, which has no end; None for no default.

        Raises:
          UserError: fewer samples are available, or no number is known.
        """
        number = asked or self.available or otherwise
        if number is None and "statistics" not in self.offers:
            raise UserError(f"{self.where} makes as many samples as it is asked for: set {name}")
        if number is not None and self.available is not None and number > self.available:
            raise UserError(
                f"{name} is {number}, and {self.where} has {self.available} samples: ask for fewer,"
                " or give more (data.load.hold_out = False gives those of a data set)"
            )
        return number

    def batches(self, number: int, size: int, seed: int) -> Iterator[Batch]:
        """Yields `number` samples in batches of `size`. The batch size does not change a sample."""
        raise NotImplementedError

    def give(self, wanted: Wanted) -> Collected:
        """Collects what is requested and offered, in one pass over the samples.

        Raises:
          UndefinedScore: a generator's samples are not finite.
        """
        method, kinds = wanted.method, wanted.kinds & self.offers & PASSED
        rows = {kind: Rows() for kind in kinds}
        for batch in self.batches(wanted.number, method.batch_size, method.seed):
            found = {"images": batch.samples, "labels": batch.labels}
            if kinds & EXTRACTED:
                found["features"], found["logits"] = method.extractor(batch.samples)
            for kind, kept in rows.items():
                if found[kind] is not None:
                    kept.append(found[kind])
            if wanted.progress is not None:
                wanted.progress.update(len(batch.samples))
        kept = {kind: one for kind, one in rows.items() if len(one)}
        bias = getattr(method.extractor, "logit_bias", None) if "logits" in kept else None
        return Collected(**kept, logit_bias=bias)


def chosen(available: int, number: int, seed: int) -> np.ndarray:
    """Ascending indices [min(number, available)] of a random subset without replacement, or all."""
    if number >= available:
        return np.arange(available)
    return np.sort(np.random.default_rng([seed, 20180601]).permutation(available)[:number])


def count_not_finite(rows) -> int:
    """Number of rows of an array [n, ...] that hold a value which is not finite."""
    finite = np.isfinite(np.asarray(rows)).reshape(len(rows), -1).all(axis=1)
    return int(np.count_nonzero(~finite))


def content_hash(*arrays) -> str:
    """SHA-256 of the arrays' shapes, dtypes and values; large arrays are read in parts."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str} {list(array.shape)}\n".encode())
        for part in _parts(array):
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def _parts(array) -> Iterator[np.ndarray]:
    """Yields the rows of an array in parts that fit into memory."""
    rows = max(1, _PART // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        yield array[start : start + rows]


@dataclasses.dataclass(eq=False)
class Samples(Side):
    """Existing samples.

    Attributes:
      samples: uint8 [N, H, W, C] or float [N, D]: an array, mapped or in memory, or `LazyImages`.
      labels: int32 [N] in [0, num_classes), -1 for an unlabelled sample; or float32
        [N, num_classes], probabilities; or None.
      is_public, images_of: see `Side`.
      num_classes: number of classes K, or None if unknown.
    """

    name: str
    samples: Any
    labels: np.ndarray | None = None
    split: str | None = None
    where: str = ""
    is_public: bool = False
    images_of: str | None = None
    num_classes: int | None = None
    _sha256: str | None = dataclasses.field(default=None, repr=False)

    def __post_init__(self):
        self.where = self.where or self.name
        self.available = len(self.samples)
        if not self.available:
            raise UserError(f"{self.where} is empty: there is nothing to compare")
        self.is_images = self.samples.dtype == np.uint8 and self.samples.ndim == 4
        self.sample_shape = tuple(self.samples.shape[1:])
        labelled = self.labels is not None and self.labels.ndim == 1
        images = {"images"} if self.is_images else set()
        self.offers = EXTRACTED | images | ({"labels"} if labelled else set())

    def sha256(self) -> str:
        if self._sha256 is None:
            self._sha256 = content_hash(self._values())
        return self._sha256

    def _values(self):
        """The samples; lazy images are decoded once and kept if they fit into memory."""
        held = self.samples.in_memory() if isinstance(self.samples, LazyImages) else None
        return self.samples if held is None else held

    def batches(self, number: int, size: int, seed: int) -> Iterator[Batch]:
        indices = chosen(self.available, number, seed)
        labels, values = self.labels if "labels" in self.offers else None, self._values()
        for start in range(0, len(indices), size):
            part = indices[start : start + size]
            samples = np.asarray(values[part])
            samples = samples if samples.dtype == np.uint8 else samples.astype(np.float32)
            yield Batch(samples, None if labels is None else labels[part].astype(np.int32))


@dataclasses.dataclass(eq=False)
class Features(Side):
    """Precomputed features.

    Attributes:
      features: float [N, D], memory-mapped or in memory.
    """

    name: str
    features: np.ndarray
    where: str = ""

    def __post_init__(self):
        self.where = self.where or self.name
        values = self.features
        if values.ndim != 2 or values.dtype.kind not in "fiu" or not values.size:
            raise UserError(
                f"the features of {self.where} are {values.dtype} of shape {list(values.shape)}:"
                " they must be numbers [N, D], one or more"
            )
        self.available = len(values)
        self.offers = frozenset(("features",))
        for words, bad in self._bad_rows().items():
            if bad:
                raise UserError(f"{bad} of {len(values)} rows of features of {self.where} {words}")

    def _bad_rows(self) -> dict[str, int]:
        """{what is wrong with a row: number of such rows}."""
        bad = {"are not finite: extract them again": 0, _TOO_LARGE: 0}
        for part in _parts(self.features):
            with np.errstate(over="ignore"):
                for words, values in zip(bad, (part, np.asarray(part, np.float32)), strict=True):
                    bad[words] += count_not_finite(values)
        return bad

    def sha256(self) -> str:
        return content_hash(self.features)

    def give(self, wanted: Wanted) -> Collected:
        indices = chosen(self.available, wanted.number, wanted.method.seed)
        if len(indices) == self.available and self.features.dtype == np.float32:
            return Collected(features=Rows.of(self.features))
        rows = Rows()
        for part in np.array_split(indices, -(-len(indices) // 4096)):
            rows.append(np.asarray(self.features[part], np.float32))
        return Collected(features=rows)


@dataclasses.dataclass(eq=False)
class Statistics(Side):
    """Precomputed mean and covariance of features.

    Attributes:
      statistics: a `GaussianStatistics`.
    """

    name: str
    statistics: Any
    where: str = ""

    def __post_init__(self):
        self.where = self.where or self.name
        self.available = self.statistics.count
        self.offers = frozenset(("statistics",))

    def sha256(self) -> str:
        return content_hash(self.statistics.mean, self.statistics.covariance)

    def give(self, wanted: Wanted) -> Collected:
        return Collected(statistics=self.statistics)
