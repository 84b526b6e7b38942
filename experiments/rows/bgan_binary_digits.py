"""BGAN and WGAN-GP on binary digits, by held-out critics (Hjelm et al., 2018, MNIST; row 10).

BGANs whose D estimates the Jensen-Shannon divergence (JS) or the reverse KL draw black and white
pixels; WGAN-GP makes grey ones. Critics that none was trained against, two hidden layers on the
pixels, tell 600 digits that none has seen from 600 samples. Measured is the critic's JS (2 JSD),
reverse KL, on samples that it was not trained on, and WGAN-GP's value, in [-1, 1] pixels.
"""

import functools

import numpy as np

from measures import Measure
from trained import load, train

DISTANCES = ("JS", "RKL", "W")
DIVERGENCES = {"BGAN-JS": "jensen_shannon", "BGAN-RKL": "reverse_kl"}
MEASURES = [
    Measure(
        name=f"{distance} of {model} less that of WGAN-GP",
        at_most=0.0,
        source="the paper's order",
    )
    for model in DIVERGENCES
    for distance in DISTANCES
] + [Measure(name=f"{distance} of WGAN-GP") for distance in DISTANCES]


def critics() -> dict:
    """{distance: the metric that estimates it}."""
    from compare_gan_tf.metrics import independent_critic as critic
    from compare_gan_tf.objectives import f_divergences

    # Fewer and smaller steps than by default: on 300 digits a critic soon learns them by heart.
    small = {"iterations": 400, "batch_size": 64, "learning_rate": 3e-4, "averaging": 0.98}
    make = functools.partial(critic.FeatureCritic, **small, scored_share=0.5)
    return {
        "JS": make(estimate=critic.FDivergenceBound(divergence=f_divergences.jensen_shannon())),
        "RKL": make(estimate=critic.FDivergenceBound(divergence=f_divergences.reverse_kl())),
        "W": make(estimate=critic.PenalisedWasserstein()),
    }


def distances(folder: str, seed: int) -> dict[str, float]:
    """Of a run's samples from the digits of validation and test."""
    from compare_gan_tf.metrics.base import Collected, Rows

    dataset, gan = load(folder)
    real = np.concatenate([dataset.splits[split].images for split in ("validation", "test")])
    fake = gan.sample(len(real), [seed, 1]).numpy()
    sides = [
        Collected(features=Rows.of(pixels.reshape(len(real), -1).astype(np.float32)))
        for pixels in (real / 127.5 - 1.0, fake)
    ]
    return {name: metric(*sides)["feature_critic"].value for name, metric in critics().items()}


def measure(seed: int, folder: str) -> dict[str, float]:
    found = {}
    for model, divergence in DIVERGENCES.items():
        bindings = [
            "DiscreteBoundarySeeking.loss = @f_gan",
            "f_gan.logits = @log_ratio",
            f"f_gan.divergence = @{divergence}()",
            "train.training_steps = 1500",
        ]
        train("small/digits_bgan.gin", f"{folder}/{model}", seed=seed, bindings=bindings)
        found[model] = distances(f"{folder}/{model}", seed)
    binary = ["data.load.view = @binarised"]
    train("small/digits_wgan_gp.gin", f"{folder}/WGAN-GP", seed=seed, bindings=binary)
    rival = distances(f"{folder}/WGAN-GP", seed)
    less = {
        f"{distance} of {model} less that of WGAN-GP": found[model][distance] - rival[distance]
        for model in DIVERGENCES
        for distance in DISTANCES
    }
    return less | {f"{distance} of WGAN-GP": rival[distance] for distance in DISTANCES}
