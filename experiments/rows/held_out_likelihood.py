"""Held-out log-likelihood tells a fit from over-fitting (Raffel, 2019, eq. 15; row 32).

The mean log density of a Gaussian, fitted by maximum likelihood to Gaussian points, at its training
points less that at test points: once fitted to all 20,000 and once to 10 of them.
"""

import numpy as np

from measures import Measure
from trained import load, train

ALL, FEW = "20,000 points: train less test, nats", "10 points: train less test, nats"
MEASURES = [
    Measure(name=ALL, at_least=-0.05, at_most=0.05),
    Measure(name=FEW, at_least=0.1),
]
TEN = ("data.load.labels = @partial_labels", "data.load.labelled_only = True",
       "partial_labels.fraction = 5e-4")  # fmt: skip


def measure(seed: int, folder: str) -> dict[str, float]:
    chosen = (*TEN, f"partial_labels.seed = {seed}")
    return {
        ALL: _gap(f"{folder}/all", seed, ()),
        FEW: _gap(f"{folder}/few", seed, chosen),
    }


def _gap(folder: str, seed: int, bindings) -> float:
    bindings = (*bindings, "train.training_steps = 1000")
    train("toy/mle_gaussian.gin", folder, seed=seed, bindings=bindings)
    dataset, gan = load(folder)
    (density,) = [layer for layer in gan.generator.layers if hasattr(layer, "log_prob")]
    means = [
        float(np.mean(density.log_prob(dataset.splits[split].images[:])))
        for split in ("train", "test")
    ]
    return means[0] - means[1]
