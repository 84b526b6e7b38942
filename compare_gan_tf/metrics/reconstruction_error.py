"""Minimum reconstruction error: how closely a generator can reproduce images that it never saw.

Qi, Loss-sensitive generative adversarial networks on Lipschitz densities, 2017:

    MRE = E_x min_z |x - G(z)|_1

over test images x. The error is large for a generator that dropped modes or memorised its training
set.
"""

import dataclasses
from typing import ClassVar

import gin
import numpy as np

from compare_gan_tf.metrics import estimates
from compare_gan_tf.metrics.base import Collected, Metric, TwoOrMore
from compare_gan_tf.metrics.inversion import (
    Distance,
    Inversion,
    check_distance,
    least_distances,
    mean_absolute_difference,
)
from compare_gan_tf.settings.signatures import Count, Index, Positive

_DISTANCE = "ReconstructionError.distance"


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class ReconstructionError(Metric):
    """Mean over real images of the smallest distance found, by default per pixel and channel.

    Images are in [-1, 1]: the mean absolute difference times H W C is the L1 norm of the paper. A
    generator of black images scores about 1. The score is an upper bound, because a search may miss
    the minimum; more `starts` and `steps` lower it. A conditional generator gets the label of the
    real image.

    If there are held-out reals, as for a run on the split train, there are two more scores:
    `reconstruction_error_held_out`, and `reconstruction_gap`, which is that score minus
    `reconstruction_error`: 0 without memorisation. Intervals are those of means over images.

    Attributes:
      distance: (images, images [n, H, W, C] in [-1, 1]) -> [n], a differentiable TensorFlow
        function: `mean_absolute_difference` or `mean_squared_difference`.
      images: largest number of images of each real set; the first ones are used.
      starts: number of initial latents for each image, drawn from the prior.
      steps: of Adam from each start.
      learning_rate: initial rate of Adam, in units of z, with a linear decay to 0.
      batch_size: number of images in one search.
      seed: of the starts.
    """

    name: ClassVar[str] = "reconstruction_error"
    needs: ClassVar[dict] = {"real": ("images",), "fake": ("generate", "latents")}
    wants: ClassVar[dict] = {"real": ("labels", "held_out"), "fake": ("labels",)}
    scores: ClassVar[dict] = {"reconstruction_error": False}

    distance: Distance = mean_absolute_difference
    images: TwoOrMore = 300
    starts: Count = 3
    steps: Count = 200
    learning_rate: Positive = 0.1
    batch_size: Count = 100
    seed: Index = 0

    def __call__(self, real, fake):
        check_distance(_DISTANCE, self.distance, real.images.shape[1:])
        search = Inversion(
            fake.generate, self.distance, steps=self.steps, learning_rate=self.learning_rate
        )
        values = self._errors(search, real, fake)
        found = {"reconstruction_error": estimates.mean(values)}
        if real.held_out is None or real.held_out.images is None:
            return found
        others = self._errors(search, real.held_out, fake)
        error = np.hypot(*(one.std(ddof=1) / np.sqrt(len(one)) for one in (values, others)))
        return found | {
            "reconstruction_error_held_out": estimates.mean(others),
            "reconstruction_gap": estimates.around(others.mean() - values.mean(), error),
        }

    def _errors(self, search: Inversion, real: Collected, fake: Collected) -> np.ndarray:
        """Least distances float64 [n] of the first images of a real set."""
        amounts = {"count": self.images, "starts": self.starts, "batch_size": self.batch_size}
        return least_distances(search, real, fake, **amounts, seed=self.seed, least=2)
