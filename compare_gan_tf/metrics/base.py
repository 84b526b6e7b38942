"""What every metric shares: what it may look at, what it returns, and why it may have no score."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.rows import Rows
from compare_gan_tf.settings.signatures import Number, check_fields

TwoOrMore = Annotated[int, Number(least=2, whole=True)]
ThreeOrMore = Annotated[int, Number(least=3, whole=True)]


class UndefinedScore(ValueError):
    """The samples have no such score; the message is the reason a row of scores records."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Collected:
    """What a metric may look at of one side, the real samples or the fakes; None: not there.

    Attributes:
      features: float32 [n, d].
      logits: float32 [n, K], of the extractor's last layer, with its bias.
      logit_bias: [K], the bias of that layer.
      images: uint8 [n, H, W, C] at the size of the data.
      labels: int32 [n].
      statistics: a GaussianStatistics, imported or cached, in place of the features.
      generate: (z [n, d] float32, labels int32 [n] or None) -> float32 images [n, H, W, C] in
        [-1, 1], a differentiable TensorFlow function.
      latents: (n, seed) -> z float32 [n, d].
      discriminate: of the fakes, (uint8 images [n, H, W, C], labels int32 [n] or None) -> D's
        logits [n].
      kernels: of D, {name: array [..., out]}, rank 2 or more.
      held_out: of the real side, what is collected of real samples that no model was trained on.
    """

    features: Rows | None = None
    logits: Rows | None = None
    logit_bias: np.ndarray | None = None
    images: Rows | None = None
    labels: Rows | None = None
    statistics: Any = None
    generate: Callable | None = None
    latents: Callable | None = None
    held_out: "Collected | None" = None
    discriminate: Callable | None = None
    kernels: dict[str, np.ndarray] | None = None


class Score(NamedTuple):
    """A score and its interval of 95 % confidence, if it has one."""

    value: float
    interval: tuple[float, float] | None = None


class Metric:
    """Compares fakes with real samples.

    A metric is a frozen dataclass whose fields are its settings; they go into the protocol. Their
    types say what they may be. A subclass with a `name` of its own is known by it from its
    definition on; `@gin.register` above it lets configs bind its settings.

    Attributes:
      named: all subclasses that have been defined, by their names.
      name: of the metric, as `--metrics` has it.
      needs: {"real": names of fields of Collected, "fake": likewise}.
      takes_statistics: whether `statistics` of a side will do in place of its features.
      wants: fields that it also looks at, in the form of `needs`, where a side has them.
      scores: {name of a score it returns: whether higher is better; None: neither}.
      even_labels: whether fakes are to have all labels alike, whatever the reals have: where it
        looks at each class for itself.
      covariances: whether it takes covariances of features, singular of no more samples.
      of_training: whether the real side is meant to be what models were trained on.
      enough: {"real" or "fake": samples below which scores mislead, see docs/evaluation.md}.
    """

    name: ClassVar[str]
    needs: ClassVar[dict[str, tuple[str, ...]]]
    takes_statistics: ClassVar[bool] = False
    wants: ClassVar[dict[str, tuple[str, ...]]] = {}
    scores: ClassVar[dict[str, bool | None]]
    even_labels: ClassVar[bool] = False
    covariances: ClassVar[bool] = False
    of_training: ClassVar[bool] = False
    enough: ClassVar[dict[str, int]] = {}
    named: ClassVar[dict[str, type["Metric"]]] = {}

    def __init_subclass__(cls, **keywords):
        """Makes it known.

        Raises:
          UserError: another class has that name.
        """
        super().__init_subclass__(**keywords)
        if "name" not in vars(cls):
            return
        known = Metric.named.get(cls.name, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            both = " and ".join(f"{one.__module__}.{one.__qualname__}" for one in (known, cls))
            raise UserError(f"two metrics have the name {cls.name!r}: {both}; rename one")
        Metric.named[cls.name] = cls

    def __post_init__(self):
        check_fields(self)

    def numbers(self, real: Collected, fake: Collected) -> dict[str, tuple[int | None, int]]:
        """{"real" and "fake": (samples, how many are enough)}; None where that is not known."""
        sides = {"real": real, "fake": fake}
        return {name: (count(side), self.enough.get(name, 0)) for name, side in sides.items()}

    def __call__(self, real: Collected, fake: Collected) -> dict[str, Score]:
        """One Score for each name of `scores`.

        Raises:
          UndefinedScore: the samples have no such scores.
        """
        raise NotImplementedError


def labels_of_fakes(fake: Collected, number: int, rng: np.random.Generator) -> np.ndarray | None:
    """Labels int32 [number] drawn from those of the fakes, with repetition; None without labels."""
    if fake.labels is None:
        return None
    return fake.labels.take(rng.integers(len(fake.labels), size=number))


def count(side: Collected) -> int | None:
    """Samples of a side; None where it has none, or statistics do not tell of how many they are."""
    kept = (len(rows) for rows in (side.features, side.logits, side.images) if rows is not None)
    return next(kept, None if side.statistics is None else side.statistics.count)


def check_rows(rows: Rows, *, least: int, what: str) -> None:
    """Raises an UndefinedScore unless there are enough rows, all finite.

    Args:
      rows: [n, ...].
      least: how many there must be.
      what: what they are, for the message: "features of the real samples".
    """
    if len(rows) < least:
        raise UndefinedScore(f"there are {len(rows)} {what}, at least {least} are needed")
    bad = 0
    for chunk in rows.chunks():
        finite = np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
        bad += int(np.count_nonzero(~finite))
    if bad:
        raise UndefinedScore(f"{bad} of {len(rows)} {what} are not finite")


def check_features(real: Collected, fake: Collected, *, least: int) -> None:
    """Raises an UndefinedScore unless both sides have `least` features, finite and of one kind."""
    check_rows(real.features, least=least, what="features of the real samples")
    check_rows(fake.features, least=least, what="features of the fakes")
    one, other = real.features.shape[1:], fake.features.shape[1:]
    if one != other:
        raise UndefinedScore(
            f"real samples have features of shape {one}, fakes of {other}: they must come from the"
            " same extractor"
        )
