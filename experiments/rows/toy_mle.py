"""E1, E2: maximum likelihood fits a Gaussian, and spreads over a mixture (Raffel, 2017; row 28)."""

import numpy as np

from measures import Measure
from trained import load, train

MEASURES = [
    Measure(name="largest error of a moment, Gaussian data", at_most=0.02),
    Measure(name="largest error of a moment, mixture", at_most=0.02),
    Measure(name="KL(p || q), nats", at_least=0.7136, at_most=0.7336, source="closed form"),
]
VARIANCES = {"mle_gaussian": (1.0, 1.0), "mle_mixture": (4.25, 0.25)}


def measure(seed: int, folder: str) -> dict[str, float]:
    from compare_gan_tf.toy import path

    errors, divergence = [], None
    for name, variances in VARIANCES.items():
        train(f"toy/{name}.gin", f"{folder}/{name}", seed=seed)
        dataset, gan = load(f"{folder}/{name}")
        frame = path.frames(f"{folder}/{name}", gan, dataset, last=1)[-1]
        errors.append(_error(frame, np.array(variances)))
        divergence = frame.exact["KL(p || q)"]
    return {
        "largest error of a moment, Gaussian data": errors[0],
        "largest error of a moment, mixture": errors[1],
        "KL(p || q), nats": divergence,
    }


def _error(frame, variances: np.ndarray) -> float:
    """Of means and covariances, in units of the data's deviations."""
    deviations = np.sqrt(variances)
    covariance = frame.covariance / np.outer(deviations, deviations)
    return max(np.abs(frame.mean / deviations).max(), np.abs(covariance - np.eye(2)).max())
