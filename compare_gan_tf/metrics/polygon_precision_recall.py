"""Precision and recall by the distance to a known manifold.

Lucic et al., Are GANs created equal?, 2018, section 5.2: for images of convex polygons, precision
is the share of fakes near the manifold, and recall is the share of test images near an image of G,
found by gradient descent in z.
"""

import dataclasses
from collections.abc import Callable
from typing import Annotated, ClassVar

import gin
import numpy as np

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import estimates
from compare_gan_tf.metrics.base import (
    Collected,
    Metric,
    Rows,
    check_rows,
)
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Count, Function, Index, Positive

THRESHOLD = 0.75 / 28  # the paper's 0.75, of a difference of 28x28 pixels in [0, 1], per pixel
_CHUNK = 512
_DISTANCE = "a function of uint8 images [n, H, W, C] such as Polygons().distance"
Distance = Annotated[Callable, Function(0, like=_DISTANCE)]


def harmonic_mean(first: estimates.Score, second: estimates.Score) -> estimates.Score:
    """F1 of precision and recall; its error follows from those of the two to first order."""
    p, r = first.value, second.value
    if p + r == 0:
        return estimates.Score(0.0)
    errors = [(s.interval[1] - s.interval[0]) / (2 * estimates.NORMAL_975) for s in (first, second)]
    slopes = 2 * (r / (p + r)) ** 2, 2 * (p / (p + r)) ** 2
    return estimates.around(2 * p * r / (p + r), np.hypot(*np.multiply(slopes, errors)))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class PolygonPrecision(Metric):
    """Share of the fakes within `threshold` of the manifold; the interval is Wilson's.

    Attributes:
      distance: uint8 images [n, H, W, C] -> root mean square difference [n], of pixels in [0, 1],
        to the nearest image of the manifold, such as `Polygons().distance` of the data.
      threshold: in the units of `distance`.
    """

    name: ClassVar[str] = "polygon_precision"
    needs: ClassVar[dict] = {"real": (), "fake": ("images",)}
    scores: ClassVar[dict] = {"polygon_precision": True}
    enough: ClassVar[dict] = {"fake": 1_000}

    distance: Distance | None = None
    threshold: Positive = THRESHOLD

    def __call__(self, real, fake):
        return {"polygon_precision": self._precision(fake.images)}

    def _precision(self, images: Rows):
        """Share of images [n, H, W, C] that are within `threshold` of the manifold."""
        name = f"{type(self).__name__}.distance"
        if self.distance is None:
            raise UserError(
                f"{name} is None: give the distance to the manifold, uint8 images [n, H, W, C] ->"
                " root mean square differences [n] in [0, 1]"
            )
        check_rows(images, least=1, what="images of the fakes")
        found = kinds.tried(name, self.distance, images.between(0, 1), like=_DISTANCE)
        kinds.require_shape(name, self.distance, found, (1,), like=_DISTANCE)
        chunks = images.chunks(_CHUNK)
        near = sum(int(np.sum(self.distance(chunk) <= self.threshold)) for chunk in chunks)
        return estimates.share(near, len(images))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class PolygonPrecisionRecall(PolygonPrecision):
    """Precision, recall and F1. Intervals: Wilson's, and for F1 by propagation of errors.

    Recall is the share of the first `inverted` real images for which a search finds an image of G
    within `threshold`. A conditional G gets the label of the real image. Take test images.

    Attributes:
      inverted: number of real images.
      starts: number of initial latents for each image.
      steps: of Adam from each start.
      learning_rate: initial rate of Adam, in units of z, with a linear decay to 0.
      batch_size: number of images in one search.
      seed: of the starts.
    """

    name: ClassVar[str] = "polygon_precision_recall"
    needs: ClassVar[dict] = {"real": ("images",), "fake": ("images", "generate", "latents")}
    wants: ClassVar[dict] = {"real": ("labels",), "fake": ("labels",)}
    scores: ClassVar[dict] = {
        "polygon_precision": True,
        "polygon_recall": True,
        "polygon_f1": True,
    }

    inverted: Count = 500
    starts: Count = 4
    steps: Count = 200
    learning_rate: Positive = 0.05
    batch_size: Count = 100
    seed: Index = 0

    def __call__(self, real, fake):
        precise = self._precision(fake.images)
        recalled = self._recall(real, fake)
        return {
            "polygon_precision": precise,
            "polygon_recall": recalled,
            "polygon_f1": harmonic_mean(precise, recalled),
        }

    def _recall(self, real: Collected, fake: Collected):
        from compare_gan_tf.metrics import inversion  # it needs TensorFlow

        how = {"steps": self.steps, "learning_rate": self.learning_rate}
        search = inversion.Inversion(fake.generate, inversion.mean_squared_difference, **how)
        amounts = {"count": self.inverted, "starts": self.starts, "batch_size": self.batch_size}
        found = inversion.least_distances(search, real, fake, **amounts, seed=self.seed)
        distances = np.sqrt(found) / 2  # of pixels in [0, 1]
        return estimates.share(int(np.sum(distances <= self.threshold)), len(distances))
