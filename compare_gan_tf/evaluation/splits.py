"""What the fakes of a run are compared with: the splits of its data set."""

import copy
import dataclasses

from compare_gan_tf.evaluation import openings
from compare_gan_tf.evaluation.engine import Comparison
from compare_gan_tf.evaluation.generators import Players
from compare_gan_tf.evaluation.sides import Samples
from compare_gan_tf.metrics import presets
from compare_gan_tf.runs import best

REPORTED = "test"  # the split of the score that is reported, unless a preset has another
TRAIN, HELD_OUT = "train", "test"
_GIVE_A_FLOOR = (TRAIN, "validation", HELD_OUT)  # the first with samples enough


class Splits:
    """See the module.

    Args:
      dataset: with the splits.
      kept: dict that is read and filled with their sides, for a side's hash is of all its contents.
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
        """{split: the players' fakes, and its reals}; each split has latents of its own.

        Args:
          players: which make the fakes.
          preset: value of `metrics.presets`; its numbers are those of the split that it reports.
          splits: those asked for; None for validation and the one that is reported.
          num_real, num_samples: asked for; None for the preset's, all, and as many as reals.
          **shared: metrics and method of all comparisons.

        Raises:
          UserError: there is no such split, or it has not so many samples.
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
        """Other real samples in place of the fakes, where a split has enough of them.

        Only of metrics that need nothing of fakes but what real samples have.
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
        """Real samples of another split, if one has so many."""
        for name in _GIVE_A_FLOOR:
            if name == split or name not in self._dataset.splits:
                continue
            if self._side(name).available >= number:
                other = copy.copy(self._side(name))
                other.facts = {"fake": f"real samples of the split {name}"}
                return other
        return None
