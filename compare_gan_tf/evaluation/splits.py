"""Makes the comparisons of a run: its fakes with each split of its data set, and the floors."""

import copy
import dataclasses

from compare_gan_tf.evaluation import openings
from compare_gan_tf.evaluation.engine import Comparison
from compare_gan_tf.evaluation.generators import Players
from compare_gan_tf.evaluation.sides import Samples
from compare_gan_tf.metrics import presets
from compare_gan_tf.runs import best

REPORTED = "test"  # the split whose score is reported, unless a preset has another
TRAIN, HELD_OUT = "train", "test"
_FLOOR_SPLITS = (TRAIN, "validation", HELD_OUT)  # the first one with enough samples is used


class Splits:
    """The splits of a data set as sides of comparisons.

    Args:
      dataset: the data set.
      kept: dict in which the sides are kept, because hashing a side reads all of its contents.
    """

    def __init__(self, dataset, kept: dict):
        self._dataset, self._kept = dataset, kept

    def _side(self, split: str) -> Samples:
        key = ("side", split)
        if key not in self._kept:
            self._kept[key] = openings.of_split(self._dataset, split)
        return self._kept[key]

    def comparisons(
        self, players: Players, preset, splits, num_real, num_samples, **shared
    ) -> dict[str, Comparison]:
        """{split: `Comparison` of fakes with the split's real samples}.

        Each split has its own latents.

        Args:
          players: the generator of the fakes.
          preset: value of `metrics.presets`; its numbers apply to the split that it reports.
          splits: names of splits; None for validation and the reported split.
          num_real, num_samples: requested numbers; None for the preset's, else all real samples,
            and as many fakes as real samples.
          **shared: metrics and method of all comparisons.

        Raises:
          UserError: a split does not exist, or has fewer samples.
        """
        there, reported = self._dataset.splits, preset.real_split or REPORTED
        if splits is None:
            splits = [one for one in (best.SPLIT, reported) if one in there or one == reported]
        found = {}
        for split in dict.fromkeys(splits):
            real, own = self._side(split), preset if split == reported else presets.plain()
            n_real = real.number("evaluate.num_real", num_real or own.n_real)
            found[split] = Comparison(
                real=real,
                n_real=n_real,
                fake=players.tagged(split),
                n_fake=num_samples or own.n_fake or n_real,
                held_out=self._side(HELD_OUT) if split == TRAIN and HELD_OUT in there else None,
                **shared,
            )
        return found

    def floors(self, comparisons: dict[str, Comparison]) -> dict[str, Comparison]:
        """{split: `Comparison` of other real samples with the split's real samples}.

        Splits for which no other split has enough samples are left out, and so are metrics that
        need more of the fakes than samples.
        """
        found = {}
        for split, comparison in comparisons.items():
            other = self._other(split, comparison.n_fake)
            needs = {metric: set(metric.needs.get("fake", ())) for metric in comparison.metrics}
            offers = set() if other is None else other.offers
            metrics = tuple(one for one, needed in needs.items() if needed and needed <= offers)
            if metrics:
                found[split] = dataclasses.replace(
                    comparison, metrics=metrics, fake=other, is_floor=True
                )
        return found

    def _other(self, split: str, number: int) -> Samples | None:
        """`number` or more real samples of another split; None if there is no such split."""
        for name in _FLOOR_SPLITS:
            if name == split or name not in self._dataset.splits:
                continue
            if self._side(name).available >= number:
                other = copy.copy(self._side(name))
                other.facts = {"fake": f"real samples of the split {name}"}
                return other
        return None
