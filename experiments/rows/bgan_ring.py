"""A boundary-seeking GAN on continuous data finds the modes of a ring (Hjelm et al., 2018; row 13).

A mode is found if 1 % of 10,000 samples or more are within three of its deviations. At its aim, the
boundary, G's samples have F = log D - log(1 - D) = 0.
"""

import numpy as np

from measures import Measure
from rings import modes_found, samples_and_logits
from trained import train

MEASURES = [
    Measure(name="modes found, of 8", at_least=7),
    Measure(name="mean |F| of the fakes", at_most=0.5),
]


def measure(seed: int, folder: str) -> dict[str, float]:
    train("toy/bgan_ring.gin", folder, seed=seed)
    dataset, samples, logits = samples_and_logits(folder)
    return {
        "modes found, of 8": modes_found(samples, dataset.density),
        "mean |F| of the fakes": np.abs(logits).mean(),
    }
