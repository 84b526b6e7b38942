"""BGAN of a table of 20 symbols, by importance and REINFORCE (Hjelm et al., 2018; rows 7, 8).

G is a table of logits and D, linear on one-hot symbols, another: 20 samples for each of 64 z.
"""

import numpy as np

from measures import Measure
from trained import load, train

ESTIMATORS = ("importance", "reinforce")
MEASURES = [
    Measure(name=f"KL(p || q) by {estimator}, nats", at_most=0.05) for estimator in ESTIMATORS
]


def measure(seed: int, folder: str) -> dict[str, float]:
    from compare_gan_tf.data import categorical

    p, found = categorical.probabilities(), {}
    for estimator in ESTIMATORS:
        bindings = [f"DiscreteBoundarySeeking.estimator = @{estimator}"]
        train("bgan/categorical.gin", f"{folder}/{estimator}", seed=seed, bindings=bindings)
        _, gan = load(f"{folder}/{estimator}")
        logits = gan.generator({"z": np.zeros([1, 1], np.float32)})
        q = gan.alphabet.probabilities(logits).numpy()[0, 0].astype(np.float64)
        found[f"KL(p || q) by {estimator}, nats"] = np.sum(p * np.log(p / q))
    return found
