"""A loss-sensitive GAN finds the modes of a ring (Qi, 2017; row 33).

A mode is found if 1 % of 10,000 samples or more are within three of its deviations.
"""

from measures import Measure
from rings import modes_found, samples_and_logits
from trained import train

MEASURES = [Measure(name="modes found, of 8", at_least=7)]


def measure(seed: int, folder: str) -> dict[str, float]:
    train("toy/lsgan_ring.gin", folder, seed=seed)
    dataset, samples, _ = samples_and_logits(folder)
    return {"modes found, of 8": modes_found(samples, dataset.density)}
