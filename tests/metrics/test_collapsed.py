"""Which of two scores is precision and which is recall, by what a collapsed generator has.

All its fakes lie close around one real sample: they are good, and show nothing of the rest. So
precision is near 1 and recall near 0; with the sides swapped it is the other way around.
"""

import numpy as np
import pytest

from compare_gan_tf.metrics import registry
from compare_gan_tf.metrics.base import Collected, Rows

# {metric: (score of quality, score of variety)}
PAIRS = {
    "precision_recall": ("precision", "recall"),
    "prdc": ("prdc_precision", "prdc_recall"),
    "probabilistic_precision_recall": ("p_precision", "p_recall"),
    "clipped_density_coverage": ("clipped_density", "clipped_coverage"),
}
# Density counts the balls that hold a fake: those around many samples in one place hold none.
SWAPPED = {name: pair for name, pair in PAIRS.items() if name != "clipped_density_coverage"}


def sides():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(600, 4)).astype(np.float32)
    centre = real[np.argmin(np.square(real).sum(axis=1))]
    fake = centre + 1e-3 * rng.normal(size=(400, 4)).astype(np.float32)
    return Collected(features=Rows.of(real)), Collected(features=Rows.of(fake))


@pytest.mark.parametrize("name", PAIRS)
def test_a_collapsed_generator_is_precise_and_recalls_nothing(name):
    found = registry.find(name)()(*sides())
    quality, variety = (found[score].value for score in PAIRS[name])
    assert quality > 0.95 and variety < 0.05


@pytest.mark.parametrize("name", SWAPPED)
def test_swapped_sides_swap_precision_and_recall(name):
    found = registry.find(name)()(*reversed(sides()))
    quality, variety = (found[score].value for score in SWAPPED[name])
    assert quality < 0.05 and variety > 0.95
