"""The best D has the value 2 JSD - log 4 (Goodfellow et al., 2014, theorem 1; row 1).

In the plane, D learns to tell N(0, I) from a generator at rest, whose mean lies 1 away; then from
one that makes the data's distribution, where D is 1/2.
"""

import numpy as np

from measures import Measure
from trained import load, train

MEASURES = [
    Measure(name="V below the best, -1.16345", at_most=0.02, source="quadrature"),
    Measure(
        name="mean D where p = q", at_least=0.48, at_most=0.52, source="Goodfellow et al., 2014"
    ),
    Measure(name="V below the best, -log 4, where p = q", at_most=0.02, source="closed form"),
]
BEST = -1.1634514


def measure(seed: int, folder: str) -> dict[str, float]:
    apart, _ = _trained(f"{folder}/apart", seed, mean=0.5**0.5)
    same, mean_d = _trained(f"{folder}/same", seed, mean=0.0)
    return {
        "V below the best, -1.16345": BEST - apart,
        "mean D where p = q": mean_d,
        "V below the best, -log 4, where p = q": -np.log(4.0) - same,
    }


def _trained(folder: str, seed: int, mean: float) -> tuple[float, float]:
    """V, and the mean of D over the data, by the midpoint rule."""
    import tensorflow as tf

    from compare_gan_tf.toy import quadrature

    binding = f"gaussian.generator.mean = {mean}"
    train("toy/optimal_discriminator.gin", folder, seed=seed, bindings=[binding])
    _, gan = load(folder)
    points = quadrature.square(half=7.0, nodes=280)
    logits = gan.discriminator({"images": tf.constant(points, tf.float32)})["logits"]
    p, q = (
        np.exp(quadrature.gaussian_log_density(points, np.full(2, at), np.eye(2))) * 0.05**2
        for at in (0.0, mean)
    )
    logits = logits.numpy().astype(np.float64)
    log_d, log_rest = -np.logaddexp(0.0, -logits), -np.logaddexp(0.0, logits)
    return np.sum(p * log_d + q * log_rest), np.sum(p * np.exp(log_d))
