"""Every metric keeps the rules of `testing.check_metric`."""

import functools

import numpy as np
import pytest

from compare_gan_tf.data import toy
from compare_gan_tf.metrics import registry
from compare_gan_tf.metrics.base import Collected, Rows
from compare_gan_tf.testing import check_metric


def _contrast(images):
    """In the place of the distance to a manifold."""
    return np.asarray(images, np.float64).std((1, 2, 3)) / 255


# Settings that make them quick, or fit them to 60 samples.
_CRITIC = {"critics": 3, "iterations": 2, "scored_batches": 1, "batch_size": 4}
SETTINGS = {
    "feature_critic": _CRITIC,
    "fid_infinity": {"smallest": 30, "sizes": 3},
    "gilbo": {"steps": 2, "samples": 20},
    "cas": {"steps": 2},
    "gaussian_modes": {"mixture": toy.gaussian_ring()},
    "independent_critic": _CRITIC,
    "jacobian_conditioning": {"points": 2, "batch_size": 2},
    "kid": {"subsets": 2, "subset_size": 20},
    "kid_rbf": {"subsets": 2, "subset_size": 20},
    "polygon_precision": {"distance": _contrast},
    "polygon_precision_recall": {
        "distance": _contrast, "inverted": 4, "steps": 2, "starts": 1,
    },
    "ppl": {"paths": 40},
    "prd": {"runs": 1},
    "reconstruction_error": {"images": 4, "steps": 2, "starts": 1},
    "stacked_modes": {"classifier": lambda images: np.full([len(images), 10], 0.1)},
}  # fmt: skip
_RNG = np.random.default_rng(0)
# Sides of another kind than images and features in general.
SIDES = {
    "bigram_divergence": lambda: Rows.of(_RNG.integers(0, 5, [60, 8]).astype(np.float32)),
    "gaussian_modes": lambda: Rows.of(toy.gaussian_ring().sample(60, _RNG)[0]),
}
# They train networks, for seconds each.
SLOW = ("cas", "feature_critic", "gilbo", "independent_critic", "reconstruction_error")
OURS = [name for name in registry.names() if registry.find(name).__module__.startswith("compare_")]


def _cases() -> list:
    return [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in OURS]


@pytest.mark.parametrize("name", _cases())
def test_a_metric_keeps_the_rules(name):
    make, sides = functools.partial(registry.find(name), **SETTINGS.get(name, {})), {}
    if name in SIDES:
        sides = {side: Collected(features=SIDES[name]()) for side in ("real", "fake")}
    check_metric(make, **sides)
