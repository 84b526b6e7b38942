"""Squared maximum mean discrepancies with a Gaussian kernel: CMMD, and KID's form of it.

k(x, y) = exp(-|x - y|^2 / (2 sigma^2)). CMMD is the estimate of Gretton et al., A Kernel Two-Sample
Test, 2012, eq. 5, which has a small bias upwards, of m reals x and n fakes y:

    1000 (sum_ij k(x_i, x_j) / m^2 + sum_ij k(y_i, y_j) / n^2 - 2 sum_ij k(x_i, y_j) / mn)

The features have length 1, so |x - y|^2 <= 4. With sigma = 10 the kernel is then within 2e-4 of
1 - |x - y|^2 / 200, and CMMD nearly 10 |mean x - mean y|^2: it compares the mean features and
hardly anything else. A smaller sigma sees more.

Numpy and float64 only.
"""

import dataclasses

import gin
import numpy as np

from compare_gan_tf.metrics import intervals, kernel
from compare_gan_tf.metrics.base import Collected, check_features
from compare_gan_tf.metrics.kernel import KernelSums, Kid
from compare_gan_tf.metrics.rows import of_length_1
from compare_gan_tf.settings.signatures import Positive

SCALE = 1000.0


def gaussian_kernel(x: np.ndarray, y: np.ndarray, sigma: float) -> np.ndarray:
    """exp(-|x - y|^2 / (2 sigma^2)) of x [m, d] and y [n, d]: float64 [m, n]."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    squared = x @ y.T
    squared *= -2.0
    squared += np.einsum("nd,nd->n", x, x)[:, None]
    squared += np.einsum("nd,nd->n", y, y)
    return np.exp(np.maximum(squared, 0.0) / (-2.0 * sigma**2))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Cmmd(intervals.Jackknifed):
    """MMD with a Gaussian kernel of features of length 1, times 1000, in O(n) memory; 0 is best.

    Jayasumana et al., Rethinking FID: Towards a Better Evaluation Metric for Image Generation,
    2024, take the features of CLIP ViT-L/14 at 336 pixels (`clip_vitl14_336`). Those of other
    networks do as well, but are another protocol.

    Attributes:
      sigma: width of the kernel, in units of the features.
      normalise: whether each feature is divided by its length, as the authors do.
    """

    name = "cmmd"
    needs = {"real": ("features",), "fake": ("features",)}
    scores = {"cmmd": False}
    enough = {"real": 1_000, "fake": 1_000}

    sigma: Positive = 10.0
    normalise: bool = True

    def replicates(self, real: Collected, fake: Collected) -> dict[str, intervals.Replicates]:
        check_features(real, fake, least=1)
        sums = kernel.all_sums(real.features, fake.features, self._kernel)
        blocks = np.arange(intervals.BLOCKS)
        value = _biased(sums, blocks >= 0)
        if not intervals.has_interval(len(real.features), len(fake.features)):
            return {"cmmd": intervals.Replicates(value, None)}
        left_out = np.array([_biased(sums, blocks != block) for block in blocks])
        return {"cmmd": intervals.Replicates(value, left_out)}

    def _kernel(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if self.normalise:
            x, y = of_length_1(x), of_length_1(y)
        return gaussian_kernel(x, y, self.sigma)


def _biased(sums: KernelSums, kept: np.ndarray) -> float:
    """The estimate from the blocks that are kept; each sample with itself counts 1."""
    chosen = np.ix_(kept, kept)
    m, n = sums.reals[kept].sum(), sums.fakes[kept].sum()
    within = (sums.real[chosen].sum() + m) / m**2 + (sums.fake[chosen].sum() + n) / n**2
    return float(SCALE * (within - 2.0 * sums.cross[chosen].sum() / (m * n)))


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class KidRbf(Kid):
    """KID with a Gaussian kernel, as torch-fidelity has it with `kid_kernel="rbf"`; 0 is best.

    Attributes:
      sigma: width of the kernel, in units of the features.
    """

    name = "kid_rbf"
    scores = {"kid_rbf": False}

    sigma: Positive = 10.0

    def kernel(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return gaussian_kernel(x, y, self.sigma)
