"""An independent critic finds out a memorised training set (Raffel, 2019, eq. 16; row 31).

Critics are trained on 20,000 held-out points of a ring of 8 Gaussians against as many fresh ones,
and against n points of a training set, which a model that knows it by heart would repeat.
"""

import numpy as np

from measures import Measure

SIZES = (10, 100, 1000)
MEMORISED = {size: f"critic against {size:,} memorised points" for size in SIZES}
FRESH = "critic against fresh points"
MEASURES = [
    Measure(name=MEMORISED[10], at_least=0.5),
    Measure(name=MEMORISED[100]),
    Measure(name=MEMORISED[1000]),
    Measure(name=FRESH, at_least=-0.04, at_most=0.04),
    Measure(name="10 memorised points less 1,000", at_least=0.0),
    Measure(name="1,000 memorised points less fresh ones", at_least=0.0),
]
POINTS = 20_000


def measure(seed: int, folder: str) -> dict[str, float]:
    from compare_gan_tf import metrics
    from compare_gan_tf.data.toy import gaussian_ring
    from compare_gan_tf.metrics.independent_critic import FeatureCritic

    rng = np.random.default_rng(seed)
    held_out, fresh, training = (gaussian_ring().sample(POINTS, rng)[0] for _ in range(3))
    fakes = {MEMORISED[size]: training[:size] for size in SIZES} | {FRESH: fresh}
    critic = FeatureCritic(iterations=5000, seed=seed)
    found = {
        name: metrics.evaluate(held_out, points, metrics=[critic], num_samples=len(points))[
            "feature_critic"
        ]
        for name, points in fakes.items()
    }
    found["10 memorised points less 1,000"] = found[MEMORISED[10]] - found[MEMORISED[1000]]
    found["1,000 memorised points less fresh ones"] = found[MEMORISED[1000]] - found[FRESH]
    return found
