"""Scores of the players that a GAN holds, against splits of a data set, each under its protocol."""

import dataclasses
import functools
from collections.abc import Iterator

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import openings, outcomes, protocols, references
from compare_gan_tf.evaluation.collect import Pass
from compare_gan_tf.evaluation.generators import Players
from compare_gan_tf.evaluation.sides import Samples, Wanted
from compare_gan_tf.metrics.base import Collected

TRAIN, HELD_OUT = "train", "test"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What `evaluate` was asked for, see there.

    Attributes:
      metrics: values of `metrics.registry`.
      extractor: of features; None if no metric looks at any.
      numbers: {split: (real samples, fakes)}; None for as many as there are, or as reals.
      batch_size, seed, truncation, standing: see `runs.evaluate`.
    """

    metrics: tuple
    extractor: object
    numbers: dict
    batch_size: int
    seed: int
    truncation: float
    standing: int

    @property
    def splits(self) -> tuple[str, ...]:
        """Whose real samples the fakes are compared with."""
        return tuple(self.numbers)


class Scorer:
    """See the module.

    Args:
      gan: a built GAN; what it holds when it is asked is what is scored.
      dataset: with the splits.
      settings: see there.
      kept: dict that is read and filled with what is collected of real samples.

    Raises:
      UserError: the data set lacks a split, or settings do not fit to it.
    """

    def __init__(self, gan, dataset, settings: Settings, kept: dict):
        _check(dataset, settings)
        self.gan = gan
        self.settings = settings
        self._kept = kept
        self.reals = {split: self._side(dataset, split) for split in settings.splits}
        self._held_out = self._side(dataset, HELD_OUT) if HELD_OUT in dataset.splits else None
        self._players = Players(
            gan, tag="", truncation=settings.truncation, standing=settings.standing
        )
        if settings.extractor is not None:
            settings.extractor.check(dataset.sample_shape)
        for split, side in self.reals.items():
            _check_number(self._numbers(split)[0], side)

    def _side(self, dataset, split: str) -> Samples:
        """A split; kept, for its hash is of all its contents."""
        key = ("side", split)
        if key not in self._kept:
            self._kept[key] = openings.of_split(dataset, split)
        return self._kept[key]

    @functools.cached_property
    def protocols(self) -> dict:
        """{(split, metric): the protocol of its scores}."""
        return {
            (split, metric): self._protocol(split, metric)
            for split in self.settings.splits
            for metric in self.settings.metrics
        }

    def _protocol(self, split: str, metric):
        settings, side = self.settings, self.reals[split]
        n_real, n_fake = self._numbers(split)
        numbers = {"n_real": n_real, "n_fake": n_fake, "seed": settings.seed}
        return protocols.protocol(metric, side, self._players, settings.extractor, **numbers)

    def samples(self, split: str) -> int:
        """Fakes of one split."""
        return self._numbers(split)[1]

    def _numbers(self, split: str) -> tuple[int, int]:
        real, fakes = self.settings.numbers[split]
        real = real or self.reals[split].available
        return real, fakes or real

    def jobs(self, splits) -> list[tuple]:
        """(side, samples, whether images are kept) of each pass, for a forecast."""
        keeps = "images" in outcomes.needs(self.settings.metrics, "fake")
        return [(self._players.tagged(s, s), self.samples(s), keeps) for s in splits]

    def score(self, step: int, split: str, metrics, progress) -> Iterator[tuple]:
        """(metric, its outcomes) for each of some metrics, one after the other."""
        settings = self.settings
        passes = Pass(
            extractor=settings.extractor, batch_size=settings.batch_size, progress=progress
        )
        real_number, fake_number = self._numbers(split)
        wanted = Wanted(
            kinds=outcomes.needs(metrics, "fake"),
            number=fake_number,
            seed=settings.seed,
            passes=passes,
        )
        players = self._players.tagged(split, f"checkpoint {step}")
        fake = outcomes.attempt(lambda: players.give(wanted))
        real = fake  # whose reason is that of all scores
        if not isinstance(fake, str):
            real = outcomes.attempt(lambda: self._real(split, metrics, real_number))
        for metric in metrics:
            progress.working(f"step {step}, {split}, {metric.name}")
            yield metric, outcomes.outcomes(metric, real, fake)

    def _real(self, split: str, metrics, number: int) -> Collected:
        needs = outcomes.needs(metrics, "real")
        key = (split, frozenset(metric.name for metric in metrics), number)
        if key not in self._kept:
            held_out = self._held_out if "held_out" in needs and split == TRAIN else None
            self._kept[key] = references.collect(
                self.reals[split], metrics, self.settings.extractor, number=number,
                batch_size=self.settings.batch_size, seed=self.settings.seed, held_out=held_out,
            )  # fmt: skip
        return self._kept[key]


def _check_number(number: int, side: Samples) -> None:
    if number > side.available:
        raise UserError(
            f"{number} real samples are asked for, {side.where} has {side.available}: ask for"
            " fewer, or bind data.load.hold_out = False"
        )


def _check(dataset, settings: Settings) -> None:
    for split in settings.splits:
        if split not in dataset.splits:
            raise UserError(
                f"the data set {dataset.name} has no split {split!r}, only "
                f"{', '.join(dataset.splits)} (set evaluate.splits)"
            )
    asked = {"batch_size": settings.batch_size}
    for real, fakes in settings.numbers.values():
        asked |= {"num_real": real, "num_samples": fakes}
        for name, value in asked.items():
            if value is not None and value < 1:
                raise UserError(f"evaluate.{name} is {value}: it must be at least 1")
    if settings.truncation < 0 or settings.standing < 0:
        raise UserError("evaluate.truncation and evaluate.standing must be at least 0")
