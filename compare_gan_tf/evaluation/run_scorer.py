"""Scores of the players that a GAN holds, against splits of a data set, each under its protocol."""

import copy
import dataclasses
import functools
from collections.abc import Iterator

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import misleading, openings, outcomes, protocols, references
from compare_gan_tf.evaluation.collect import Pass
from compare_gan_tf.evaluation.generators import Players
from compare_gan_tf.evaluation.label_mix import labelled_sides
from compare_gan_tf.evaluation.sides import Samples, Side, Wanted
from compare_gan_tf.metrics.base import Collected

_MOST_TRUNCATION = 1e6  # of latents whose standard deviation is 1
TRAIN, HELD_OUT = "train", "test"
_SPLITS = (TRAIN, "validation", HELD_OUT)  # the first with samples enough gives the floor


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
        there = [split for split in _SPLITS if split in dataset.splits]
        self._others = {split: self._side(dataset, split) for split in there}
        self._held_out = self._others.get(HELD_OUT)
        self._players = Players(
            gan, tag="", truncation=settings.truncation, standing=settings.standing
        )
        if settings.extractor is not None:
            settings.extractor.check(dataset.sample_shape)
        for split, side in self.reals.items():
            _check_number(self._numbers(split)[0], side)
        self._fakes = {
            split: labelled_sides(
                self._players, settings.metrics, side, self._numbers(split)[0], settings.seed
            )
            for split, side in self.reals.items()
        }  # by split and metric

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

    def _protocol(self, split: str, metric, fake: Side | None = None):
        settings, side = self.settings, self.reals[split]
        n_real, n_fake = self._numbers(split)
        numbers = {"n_real": n_real, "n_fake": n_fake, "seed": settings.seed}
        fake = fake or self._fakes[split][metric]
        return protocols.protocol(metric, side, fake, settings.extractor, **numbers)

    def warnings(self, split: str, metric) -> list[str]:
        """What the protocol tells against the scores of a metric."""
        settings = self.settings
        sides = self.reals[split], self._players
        return misleading.of_protocol(metric, *sides, settings.extractor, settings.truncation)

    def samples(self, split: str, metrics) -> int:
        """Fakes that are made for some metrics on a split, of all passes."""
        passes = {id(self._fakes[split][metric]) for metric in metrics}
        return self._numbers(split)[1] * len(passes)

    def _numbers(self, split: str) -> tuple[int, int]:
        real, fakes = self.settings.numbers[split]
        real = real or self.reals[split].available
        return real, fakes or real

    def jobs(self, splits) -> list[tuple]:
        """(side, samples, whether images are kept) of each pass, for a forecast."""
        metrics = self.settings.metrics
        keeps = "images" in outcomes.needs(metrics, "fake")
        return [(self._players.tagged(s, s), self.samples(s, metrics), keeps) for s in splits]

    def score(self, step: int, split: str, metrics, progress) -> Iterator[tuple]:
        """(metric, its outcomes) for each of some metrics, one after the other."""
        groups: dict = {}
        for metric in metrics:
            groups.setdefault(self._fakes[split][metric], []).append(metric)
        for players, group in groups.items():
            players = players.tagged(split, f"checkpoint {step}")
            yield from self._scores(f"step {step}", split, players, group, metrics, progress)

    @functools.cached_property
    def floor_protocols(self) -> dict:
        """As `protocols`, of the metrics that other real samples can be given in place of fakes."""
        found = {}
        for split, metric in self.protocols:
            other, asked = self._other(split), set(metric.needs.get("fake", ()))
            if other is not None and asked and asked <= other.offers:
                found[split, metric] = self._protocol(split, metric, other)
        return found

    def floor(self, split: str, metrics, progress) -> Iterator[tuple]:
        """As `score`, of other real samples in place of the fakes."""
        return self._scores("floor", split, self._other(split), metrics, metrics, progress)

    def _other(self, split: str) -> Samples | None:
        """Real samples of another split, if one has as many as fakes are made."""
        number = self._numbers(split)[1]
        for name, side in self._others.items():
            if name != split and side.available >= number:
                other = copy.copy(side)
                other.facts = {"fake": f"real samples of the split {name}"}
                return other
        return None

    def _scores(self, what: str, split: str, side: Side, group, metrics, progress):
        settings = self.settings
        real_number, fake_number = self._numbers(split)
        wanted = Wanted(
            kinds=outcomes.needs(group, "fake"),
            number=fake_number,
            seed=settings.seed,
            passes=Pass(
                extractor=settings.extractor, batch_size=settings.batch_size, progress=progress
            ),
        )
        fake = outcomes.attempt(lambda: side.give(wanted))
        real = fake  # whose reason is that of all scores
        if not isinstance(fake, str):
            real = outcomes.attempt(lambda: self._real(split, metrics, real_number))
        for metric in group:
            progress.working(f"{what}, {split}, {metric.name}")
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
            " fewer, or set data.load.hold_out = False"
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
    if not 0 <= settings.truncation <= _MOST_TRUNCATION or settings.standing < 0:
        raise UserError(
            f"evaluate.truncation is {settings.truncation} and evaluate.standing"
            f" {settings.standing}: they must be 0 or more, truncation at most {_MOST_TRUNCATION:g}"
        )
