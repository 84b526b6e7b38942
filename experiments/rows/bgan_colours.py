"""BGAN of digits in a palette of 16 colours (Hjelm et al., 2018, quantised images; row 11).

At each pixel the shares of the colours in 10,000 samples are compared with those of the 1,197
training images. As many images of the other splits differ from these by 0.06.
"""

import numpy as np

from measures import Measure
from trained import load, train

MEASURES = [
    Measure(name="total variation of a pixel's colours, mean over pixels", at_most=0.1),
    Measure(name="total variation of the colours of all pixels", at_most=0.1),
    Measure(name="samples with a pixel out of the palette", at_most=0.0, source="the palette"),
]


def total_variation(first, second):
    """Mean over all positions of half the sum of |p - q| on the last axis."""
    return np.abs(first - second).sum(-1).mean() / 2


def measure(seed: int, folder: str) -> dict[str, float]:
    from compare_gan_tf.data.images import to_uint8

    train("bgan/digits_16_colours.gin", folder, seed=seed)
    dataset, gan = load(folder)
    real = gan.alphabet.encode(dataset.splits["train"].images).numpy().mean(0)
    samples = to_uint8(gan.sample(10_000, [seed, 0])).numpy()
    one_hot = gan.alphabet.encode(samples).numpy()
    fake = one_hot.mean(0)
    first, pooled, outside = (one.name for one in MEASURES)
    return {
        first: total_variation(fake, real),
        pooled: total_variation(fake.mean((0, 1)), real.mean((0, 1))),
        outside: np.mean(one_hot.sum(-1).min((1, 2)) < 1),
    }
