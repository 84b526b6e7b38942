"""What the fakes of a run are compared with: the splits of its data set."""

import copy
import dataclasses

from compare_gan_tf.evaluation import openings
from compare_gan_tf.evaluation.engine import Comparison
from compare_gan_tf.evaluation.generators import Players
from compare_gan_tf.evaluation.sides import Method, Samples
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

    def numbers(self, preset, splits, num_real: int | None, num_samples: int | None) -> dict:
        """{split: (real samples, fakes)}; the preset's are those of the split that it reports.

        Args:
          preset: value of `metrics.presets`.
          splits: those asked for; None for validation and the one that is reported.
          num_real, num_samples: asked for; None for the preset's, all, and as many as reals.

        Raises:
          UserError: there is no such split, or it has not so many.
        """
        reported = preset.real_split or REPORTED
        if splits is None:
            chooses = best.SPLIT in self._dataset.splits and reported != best.SPLIT
            splits = [*([best.SPLIT] if chooses else []), reported]
        found = {}
        for split in splits:
            side, own = self._side(split), preset if split == reported else presets.plain()
            n_real = side.number("evaluate.num_real", num_real or own.n_real)
            found[split] = n_real, num_samples or own.n_fake or n_real
        return found

    def comparisons(
        self, numbers: dict, metrics: tuple, method: Method, players: Players
    ) -> dict[str, Comparison]:
        """{split: the players' fakes, and its reals}; each split has latents of its own."""
        held_out = self._side(HELD_OUT) if HELD_OUT in self._dataset.splits else None
        return {
            split: Comparison(
                metrics=metrics,
                method=method,
                real=self._side(split),
                n_real=n_real,
                fake=players.tagged(split, players.where),
                n_fake=n_fake,
                held_out=held_out if split == TRAIN else None,
            )
            for split, (n_real, n_fake) in numbers.items()
        }

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
