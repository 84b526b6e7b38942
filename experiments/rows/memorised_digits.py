"""FID ranks a memorised training set above a GAN, a critic not (Gulrajani et al., 2019; row 31).

All against the 600 digits of validation and test: the FID on the features of the classifier that
ships, and the critic on pixels in [0, 1]. The fakes are 10,000 samples of the quickstart's GAN, or
the training set that a model which knows it by heart would repeat, whole and 100 images of it. Half
of the reals are kept for the score, for there are so few that a critic learns them by heart.
"""

import numpy as np

from measures import Measure
from trained import load, train

SAMPLES = 10_000
FID = "FID of the GAN less that of the memorised training set"
CRITIC = "critic against the memorised training set less against the GAN"
FEW = "critic against 100 memorised images less against the GAN"
GAN_FID, GAN_CRITIC = "FID of the GAN", "critic against the GAN"
MEASURES = [
    Measure(name=FID, at_least=0.0, source="the paper's order"),
    Measure(name=CRITIC, at_least=0.0, source="the paper's order"),
    Measure(name=FEW, at_least=0.0, source="the paper's order"),
    Measure(name=GAN_FID),
    Measure(name=GAN_CRITIC),
]


def measure(seed: int, folder: str) -> dict[str, float]:
    from compare_gan_tf.data.images import to_uint8

    train("quickstart.gin", f"{folder}/run", seed=seed)
    dataset, gan = load(f"{folder}/run")
    held_out = np.concatenate([dataset.splits[name].images for name in ("validation", "test")])
    training = dataset.splits["train"].images
    fakes = to_uint8(gan.sample(SAMPLES, (seed, 1))).numpy()
    fid, critic = (_fid(held_out, fakes), _critic(held_out, fakes, seed))
    return {
        FID: fid - _fid(held_out, training),
        CRITIC: _critic(held_out, training, seed) - critic,
        FEW: _critic(held_out, training[:100], seed) - critic,
        GAN_FID: fid,
        GAN_CRITIC: critic,
    }


def _fid(real: np.ndarray, fake: np.ndarray) -> float:
    from compare_gan_tf import metrics
    from compare_gan_tf.metrics.features import digits_classifier

    settings = {"extractor": digits_classifier(), "num_samples": len(fake)}
    return metrics.evaluate(real, fake, metrics=["fid"], **settings)["fid"]


def _critic(real: np.ndarray, fake: np.ndarray, seed: int) -> float:
    """On pixels, by two hidden layers: convolutions take minutes on CPU cores."""
    from compare_gan_tf import metrics
    from compare_gan_tf.metrics.features import raw_features
    from compare_gan_tf.metrics.independent_critic import FeatureCritic

    critic = FeatureCritic(scored_share=0.5, scored_share_of_fakes=0.0, seed=seed)
    settings = {"extractor": raw_features(), "num_samples": len(fake)}
    return metrics.evaluate(real, fake, metrics=[critic], **settings)["feature_critic"]
