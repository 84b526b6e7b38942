"""Minimum reconstruction error: how near a generator can come to images that it was not shown.

Qi, Loss-sensitive generative adversarial networks on Lipschitz densities, 2017:

    MRE = E_x min_z |x - G(z)|_1

over test images x. A generator that dropped modes, or that learned its training set by heart, comes
near to none of them.
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
    """Mean over real images of the least distance found, by default per pixel and channel.

    Images are in [-1, 1]: the mean absolute difference times H W C is the L1 norm of the paper. A
    generator that comes nowhere near, all black for instance, scores the order of 1. It is an upper
    bound, as a search may miss the minimum; more `starts` and `steps` lower it. With a conditional
    generator the search is under the label of the real image.

    With held-out reals beside those of training, as a run has on the split train, there come
    `reconstruction_error_held_out` and `reconstruction_gap`, which is the former less
    `reconstruction_error`: 0 without memorisation. Intervals are those of means over images.

    Attributes:
      distance: (images, images [n, H, W, C] in [-1, 1]) -> [n], a differentiable TensorFlow
        function: `mean_absolute_difference` or `mean_squared_difference`.
      images: at most, of each real set, the first ones.
      starts: latents that the search for an image begins at, drawn from the prior.
      steps: of Adam from each.
      learning_rate: of Adam at first, in units of z; it falls linearly to 0.
      batch_size: images that are searched for at once.
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
