"""With five updates of G for each of D a boundary-seeking GAN stays nearest (Hjelm et al., row 14).

Hjelm et al. (2018) compare it with the GAN and with the GAN's proxy, the non-saturating loss, on
CIFAR-10; here on a ring, by the sliced Wasserstein distance of the worst of five trainings each.
"""

import numpy as np

from measures import Measure
from rings import samples_and_logits
from trained import train

GAMES = {
    "BGAN": [],
    "GAN": ["Adversarial.loss = @minimax"],
    "proxy": ["Adversarial.loss = @non_saturating"],
}
OTHERS = "GAN.objectives = [@Adversarial(), @GradientPenalty()]"
MEASURES = [
    *(Measure(name=f"{name}: worst distance of five") for name in GAMES),
    Measure(name="BGAN's worst over GAN's", at_most=1.0),
    Measure(name="BGAN's worst over the proxy's", at_most=1.0),
]
TRAININGS = 5
STEPS = (
    "train.training_steps = 1000",
    "train.sample_every = 1000",
    "linear_decay.steps = 1000",
    "GAN.g_steps = 5",
)


def measure(seed: int, folder: str) -> dict[str, float]:
    worst = {}
    for name, loss in GAMES.items():
        bindings = [*STEPS, *([OTHERS, *loss] if loss else [])]
        seeds = range(TRAININGS * seed, TRAININGS * (seed + 1))
        worst[name] = max(_distance(f"{folder}/{name}/{one}", one, bindings) for one in seeds)
    return {f"{name}: worst distance of five": value for name, value in worst.items()} | {
        "BGAN's worst over GAN's": worst["BGAN"] / worst["GAN"],
        "BGAN's worst over the proxy's": worst["BGAN"] / worst["proxy"],
    }


def _distance(folder: str, seed: int, bindings: list[str]) -> float:
    """Sliced Wasserstein distance of the samples to the test split."""
    from compare_gan_tf.metrics.base import Rows
    from compare_gan_tf.metrics.sliced_wasserstein import directions, sliced_wasserstein

    train("toy/bgan_ring.gin", folder, seed=seed, bindings=bindings)
    dataset, samples, _ = samples_and_logits(folder)
    reals = dataset.splits["test"].images
    fakes = np.ascontiguousarray(samples[: len(reals)])
    axes = directions(64, 2, 0)
    return sliced_wasserstein(Rows.of(reals), Rows.of(fakes), axes).value
