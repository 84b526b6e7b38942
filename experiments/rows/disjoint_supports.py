"""Far from the data a GAN's G has no gradient, that of WGAN-GP or LS-GAN has (row 38).

Hjelm et al. (2018) and Qi (2017) on the vanishing gradient of Arjovsky and Bottou (2017). Also: of
LS-GAN a fake gets a gradient on demand, the larger the farther it is from the data.
"""

import numpy as np

from measures import Measure
from trained import load, train

PENALTY = [
    "GradientPenalty.points = @between",
    "GradientPenalty.target = 1.0",
    "GradientPenalty.weight = 10.0",
]
GAMES = {
    "GAN": ["Adversarial.loss = @minimax"],
    "WGAN-GP": [
        "GAN.objectives = [@Adversarial(), @GradientPenalty()]",
        "Adversarial.loss = @wasserstein",
        *PENALTY,
    ],
    "LS-GAN": ["GAN.objectives = [@LossSensitive()]", "LossSensitive.margin_scale = 1.0"],
}
MEASURES = [
    Measure(name="GAN: norm of G's gradient", at_most=1e-3),
    Measure(name="WGAN-GP: norm of G's gradient", at_least=0.1),
    Measure(name="LS-GAN: norm of G's gradient", at_least=0.1),
    Measure(name="LS-GAN: slope at far fakes over that at near ones", at_least=1.0),
]
FAR = 1.0  # from the data's mean; the data's deviation is 0.1


def measure(seed: int, folder: str) -> dict[str, float]:
    found = {}
    for name, bindings in GAMES.items():
        train("toy/disjoint_supports.gin", f"{folder}/{name}", seed=seed, bindings=bindings)
        _, gan = load(f"{folder}/{name}")
        found[f"{name}: norm of G's gradient"] = _gradient(gan)
    bindings = [*GAMES["LS-GAN"], "gaussian.generator.mean = 0.0"]
    bindings.append("gaussian.generator.deviation = 1.0")
    train("toy/disjoint_supports.gin", f"{folder}/around", seed=seed, bindings=bindings)
    _, gan = load(f"{folder}/around")
    found["LS-GAN: slope at far fakes over that at near ones"] = _on_demand(gan)
    return found


def _gradient(gan) -> float:
    """Norm of the gradient of G's loss by its parameters, of 4,096 samples."""
    import tensorflow as tf

    from compare_gan_tf.objectives import Scored

    z = gan.latents.sample(4096, (0, 1))
    with tf.GradientTape() as tape:
        fakes = gan.generator({"z": z}, training=True)
        logits = gan.discriminator({"images": fakes}, training=False)["logits"]
        both = {"fake": Scored(fakes, logits, None)}
        (term,) = gan.objectives[0].generator(None, None, both)
        loss = tf.reduce_mean(term.values)
    gradients = tape.gradient(loss, gan.generator.trainable_variables)
    return float(tf.linalg.global_norm(gradients))


def _on_demand(gan) -> float:
    """|dL/dx| at fakes farther than `FAR` over that at fakes among the data."""
    import tensorflow as tf

    fakes = gan.sample(20_000, (0, 1))
    with tf.GradientTape() as tape:
        tape.watch(fakes)
        logits = gan.discriminator({"images": fakes}, training=False)["logits"]
    slopes = np.linalg.norm(tape.gradient(logits, fakes), axis=1)
    distance = np.linalg.norm(fakes, axis=1)
    return slopes[distance > FAR].mean() / slopes[distance < 0.1].mean()
