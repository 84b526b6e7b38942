"""E3: reverse KL with a known density takes one mode of two (Raffel, 2019; row 29).

A Gaussian q is fitted to p = 1/2 N((-2, 0), I/4) + 1/2 N((2, 0), I/4) by minimising KL(q || p),
once from a narrow start and once from a wide one, which ends in a symmetric local minimum.
"""

import numpy as np

from measures import Measure
from trained import load, train

MEASURES = [
    Measure(name="KL(q || p), nats", at_least=0.683, at_most=0.703, source="quadrature"),
    Measure(name="distance of the mean to the next mode", at_most=0.05, source="quadrature"),
    Measure(
        name="KL(q || p) from a wide start", at_least=1.861, at_most=1.881, source="quadrature"
    ),
]


def measure(seed: int, folder: str) -> dict[str, float]:
    from compare_gan_tf.toy import path

    found = {}
    for name in ("reverse_kl", "reverse_kl_wide_start"):
        train(f"toy/{name}.gin", f"{folder}/{name}", seed=seed)
        dataset, gan = load(f"{folder}/{name}")
        found[name] = path.frames(f"{folder}/{name}", gan, dataset, last=1)[-1]
    narrow, wide = found["reverse_kl"], found["reverse_kl_wide_start"]
    return {
        "KL(q || p), nats": narrow.exact["KL(q || p)"],
        "distance of the mean to the next mode": np.linalg.norm(np.abs(narrow.mean) - [2.0, 0.0]),
        "KL(q || p) from a wide start": wide.exact["KL(q || p)"],
    }
