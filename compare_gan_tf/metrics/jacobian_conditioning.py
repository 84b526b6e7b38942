"""Conditioning of the generator's Jacobian: how differently directions of z change the image.

Odena et al., Is generator conditioning causally related to GAN performance?, 2018, section 3: the
log of the condition number of the metric tensor J^T J at latents of the prior.
"""

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import gin
import numpy as np

from compare_gan_tf.metrics import estimates
from compare_gan_tf.metrics.base import Metric, TwoOrMore, UndefinedScore, labels_of_fakes
from compare_gan_tf.settings.signatures import Count, Index

_PRECISION = float(np.finfo(np.float32).eps)  # of the Jacobian


def jacobians(generate: Callable, z, labels=None) -> np.ndarray:
    """dG/dz, float64 [n, H W C, d], column by column in forward mode.

    Args:
      generate: (z, labels) -> float32 images [n, H, W, C].
      z: float32 [n, d].
      labels: int32 [n], or None.
    """
    import tensorflow as tf

    z = tf.convert_to_tensor(z, tf.float32)
    labels = None if labels is None else tf.convert_to_tensor(labels, tf.int32)

    @tf.function
    def column(z, tangent):
        with tf.autodiff.ForwardAccumulator(z, tangent) as accumulator:
            images = generate(z, labels)
        return accumulator.jvp(images, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    axes = np.eye(z.shape[1], dtype=np.float32)
    columns = [column(z, tf.broadcast_to(axis, tf.shape(z))).numpy() for axis in axes]
    return np.stack([c.reshape(len(c), -1).astype(np.float64) for c in columns], axis=-1)


def log_condition_numbers(jacobian: np.ndarray) -> np.ndarray:
    """log(lambda_max / lambda_min) of J^T J, float64 [n], from the singular values of J.

    Args:
      jacobian: [n, p, d].

    Raises:
      UndefinedScore: a Jacobian has not rank d, to the precision of float32.
    """
    if not np.isfinite(jacobian).all():
        raise UndefinedScore("a Jacobian of the generator is not finite")
    _, pixels, dim = jacobian.shape
    if pixels < dim:
        raise UndefinedScore(f"images of {pixels} numbers cannot tell {dim} latents apart")
    values = np.linalg.svd(jacobian, compute_uv=False)  # [n, d], descending
    singular = values[:, -1] <= _PRECISION * values[:, 0]
    if singular.any():
        raise UndefinedScore(
            f"the Jacobian has not rank {dim} at {int(singular.sum())} of {len(values)} latents: "
            "the condition number is infinite"
        )
    return 2 * np.log(values[:, 0] / values[:, -1])


@gin.register(module="metrics")
@dataclasses.dataclass(frozen=True, kw_only=True)
class JacobianConditioning(Metric):
    """Mean and standard deviation over latents of the natural log of J^T J's condition number.

    The interval is that of the mean; the deviation has none.

    Attributes:
      points: number of latents at which the Jacobian is computed.
      batch_size: number of Jacobians in memory.
      seed: of the latents, and of labels drawn from those of the fakes.
    """

    name: ClassVar[str] = "jacobian_conditioning"
    needs: ClassVar[dict] = {"real": (), "fake": ("generate", "latents")}
    wants: ClassVar[dict] = {"fake": ("labels",)}
    scores: ClassVar[dict] = {"jacobian_log_condition": False, "jacobian_log_condition_std": False}

    points: TwoOrMore = 64
    batch_size: Count = 16
    seed: Index = 0

    def __call__(self, real, fake):
        latents = np.asarray(fake.latents(self.points, self.seed), np.float32)
        labels = labels_of_fakes(fake, self.points, np.random.default_rng(self.seed))
        found = []
        for start in range(0, self.points, self.batch_size):
            part = slice(start, start + self.batch_size)
            own = None if labels is None else labels[part]
            found.append(log_condition_numbers(jacobians(fake.generate, latents[part], own)))
        values = np.concatenate(found)
        return {
            "jacobian_log_condition": estimates.mean(values),
            "jacobian_log_condition_std": estimates.Score(float(values.std(ddof=1))),
        }
