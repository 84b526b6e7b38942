"""E4: a GAN seeks a mode by eq. 14, and spreads by f-GAN's KL (Raffel, 2017; row 30).

Eq. 14 is f-GAN's bound on KL(q || p), which no density of p enters. The estimates are those of D's
last updates; the exact values are 0.693 for one mode and 0.7236 for the spread.
"""

import numpy as np

from measures import Measure
from trained import load, train

MEASURES = [
    Measure(
        name="eq. 14: distance of the mean to the next mode", at_most=0.05, source="quadrature"
    ),
    Measure(name="eq. 14: variances", at_least=0.22, at_most=0.28, source="quadrature"),
    Measure(name="eq. 14: V, nats", at_least=0.66, at_most=0.72, source="quadrature"),
    Measure(name="KL: variance along the modes", at_least=4.1, at_most=4.4, source="closed form"),
    Measure(name="KL: its estimate, nats", source="closed form"),
]
LAST = 10  # rows of the log, 50 steps apart


def measure(seed: int, folder: str) -> dict[str, float]:
    (seeking, value), (spread, estimate) = (
        _fit(f"{folder}/{name}", name, seed) for name in ("gan_reverse_kl", "gan_kl")
    )
    variances = np.diag(seeking.covariance)
    return {
        "eq. 14: distance of the mean to the next mode": np.linalg.norm(
            np.abs(seeking.mean) - [2.0, 0.0]
        ),
        "eq. 14: variances": variances[np.abs(variances - 0.25).argmax()],
        "eq. 14: V, nats": value,
        "KL: variance along the modes": spread.covariance[0, 0],
        "KL: its estimate, nats": estimate,
    }


def _fit(folder: str, name: str, seed: int):
    """The end of a run, and D's mean estimate before it."""
    from compare_gan_tf.toy import path

    train(f"toy/{name}.gin", folder, seed=seed)
    dataset, gan = load(folder)
    _, estimates = path.learned(folder)["adversarial"]
    return path.frames(folder, gan, dataset, last=1)[-1], np.mean(estimates[-LAST:])
