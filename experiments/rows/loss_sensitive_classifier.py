"""CLS-GAN learns as well from few labels as cross-entropy alone (Qi, 2017, section 7; row 36)."""

import numpy as np

from measures import Measure
from trained import load, train

WITH, ALONE = "CLS-GAN: accuracy, %", "cross-entropy: accuracy, %"
MARGIN = "CLS-GAN above cross-entropy, points"
MEASURES = [
    Measure(name=WITH),
    Measure(name=ALONE),
    Measure(name=MARGIN, at_least=-1.0),
]
BINDINGS = {WITH: [], ALONE: ["LossSensitiveClassifier.weight = 0.0"]}


def measure(seed: int, folder: str) -> dict[str, float]:
    found = {
        name: _accuracy(f"{folder}/{index}", seed, more)
        for index, (name, more) in enumerate(BINDINGS.items())
    }
    return found | {MARGIN: found[WITH] - found[ALONE]}


def _accuracy(folder: str, seed: int, more: list[str]) -> float:
    """Of the class of least loss, on the test split, %."""
    from compare_gan_tf.runs import checkpoints

    bindings = [f"partial_labels.seed = {seed}", *more]
    train("toy/clsgan.gin", folder, seed=seed, bindings=bindings)
    dataset, gan = load(folder)
    checkpoints.Checkpoints(gan, folder, keep=1).restore()  # the head is the objective's
    test = dataset.splits["test"]
    features = gan.discriminator({"images": test.images}, training=False)["features"]
    likeliest = np.argmax(gan.objectives[0].head(features), axis=1)
    return 100.0 * np.mean(likeliest == test.labels)
