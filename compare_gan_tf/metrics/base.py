"""The interface of metrics: their inputs, their scores, and the error for undefined scores."""

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
    """The score is not defined for these samples; a row of scores records the message."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Collected:
    """The inputs of a metric from one side, the real samples or the fakes; None if not collected.

    Attributes:
      features: float32 [n, d].
      logits: float32 [n, K], of the extractor's last layer, including its bias.
      logit_bias: [K], the bias of that layer.
      images: uint8 [n, H, W, C] at the size of the data.
      labels: int32 [n].
      statistics: a `GaussianStatistics`, imported or cached, that replaces the features.
      generate: (z [n, d] float32, labels int32 [n] or None) -> float32 images [n, H, W, C] in
        [-1, 1], a differentiable TensorFlow function.
      latents: (n, seed) -> z float32 [n, d].
      discriminate: (uint8 images [n, H, W, C], labels int32 [n] or None) -> D's logits [n]; on the
        side of the fakes.
      kernels: of D, {name: array [..., out]}, rank 2 or more; on the side of the fakes.
      held_out: a `Collected` of real samples that were not trained on; on the real side.
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
    """A score and its 95 % confidence interval, if it has one."""

    value: float
    interval: tuple[float, float] | None = None


class Metric:
    """Compares fakes with real samples.

    A metric is a frozen dataclass. Its fields are its settings; the protocol records them, and
    their types say which values they may have. The definition of a subclass with a `name`
    registers it under that name; `@gin.register` lets configs bind its settings.

    Attributes:
      named: all defined subclasses, by name.
      name: of the metric, as in `--metrics`.
      needs: {"real": required fields of `Collected`, "fake": likewise}.
      takes_statistics: whether the `statistics` of a side can replace its features.
      wants: optional fields, in the form of `needs`.
      scores: {name of a returned score: True if higher is better, False if lower, None if neither}.
      even_labels: whether the fakes must have all labels equally often, for metrics per class.
      covariances: whether it uses covariances of features, which few samples make singular.
      of_training: whether the real side should be the samples that models were trained on.
      enough: {"real" or "fake": number of samples below which scores mislead}, see
        docs/evaluation.md.
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
        """Registers the class under its name.

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
        """{side: (number of samples or None if unknown, number that is enough)}."""
        sides = {"real": real, "fake": fake}
        return {name: (count(side), self.enough.get(name, 0)) for name, side in sides.items()}

    def __call__(self, real: Collected, fake: Collected) -> dict[str, Score]:
        """Returns one `Score` for each name in `scores`.

        Raises:
          UndefinedScore: a score is not defined for these samples.
        """
        raise NotImplementedError


def labels_of_fakes(fake: Collected, number: int, rng: np.random.Generator) -> np.ndarray | None:
    """Labels int32 [number] drawn from those of the fakes, with repetition; None without labels."""
    if fake.labels is None:
        return None
    return fake.labels.take(rng.integers(len(fake.labels), size=number))


def count(side: Collected) -> int | None:
    """The number of samples of a side; None if it is unknown."""
    kept = (len(rows) for rows in (side.features, side.logits, side.images) if rows is not None)
    return next(kept, None if side.statistics is None else side.statistics.count)


def check_rows(rows: Rows, *, least: int, what: str) -> None:
    """Refuses too few rows, and rows that are not finite.

    Args:
      rows: [n, ...].
      least: smallest number of rows.
      what: name of the rows in the message, such as "features of the real samples".

    Raises:
      UndefinedScore: there are fewer rows, or some are not finite.
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
    """Refuses sides with fewer than `least` features, or with features of different shapes.

    Raises:
      UndefinedScore: this is so, or some features are not finite.
    """
    check_rows(real.features, least=least, what="features of the real samples")
    check_rows(fake.features, least=least, what="features of the fakes")
    one, other = real.features.shape[1:], fake.features.shape[1:]
    if one != other:
        raise UndefinedScore(
            f"real samples have features of shape {one}, fakes of {other}: they must come from the"
            " same extractor"
        )
