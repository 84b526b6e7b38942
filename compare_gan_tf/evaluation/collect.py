"""One pass of a side's samples through the extractor; all metrics look at what it leaves."""

import dataclasses

import numpy as np

from compare_gan_tf.evaluation.sides import EXTRACTED, PASSED, Side, Wanted
from compare_gan_tf.metrics.base import Collected, Rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pass:
    """How samples are sent through the extractor; called as `Wanted.passes`.

    Attributes:
      extractor: see `metrics.features`; None if no metric needs one.
      batch_size: samples at a time.
      progress: object with `update(number of samples done)`.
      folder: for rows that are too many to be held in memory; None for the system's.
    """

    extractor: object
    batch_size: int
    progress: object
    folder: str | None = None

    def __call__(self, side: Side, wanted: Wanted) -> Collected:
        """Features, logits, images and labels of a side, as far as they are wanted and there.

        Raises:
          UndefinedScore: samples of a generator are not finite.
        """
        kinds = wanted.kinds & side.offers
        extracts = bool(kinds & EXTRACTED)
        rows = {kind: Rows(self.folder) for kind in kinds & PASSED}
        for batch in side.batches(wanted.number, self.batch_size, wanted.seed):
            found = {"images": batch.samples, "labels": batch.labels}
            if extracts:
                found |= self._extracted(batch.samples)
            for kind, kept in rows.items():
                if found[kind] is not None:
                    kept.append(found[kind])
            self.progress.update(len(batch.samples))
        kept = {kind: one for kind, one in rows.items() if len(one)}
        bias = getattr(self.extractor, "logit_bias", None) if "logits" in kept else None
        return Collected(**kept, logit_bias=bias)

    def _extracted(self, samples: np.ndarray) -> dict:
        features, logits = self.extractor(samples)
        return {"features": features, "logits": logits}
