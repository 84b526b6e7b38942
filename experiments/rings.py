"""What rows measure of models of a ring of Gaussians."""

import numpy as np

from trained import load

SAMPLES = 10_000
SHARE = 0.01  # of the samples, that a mode must have


def samples_and_logits(folder: str):
    """The data set of a run, samples of its G [n, 2], and what its D says of them [n]."""
    dataset, gan = load(folder)
    samples = gan.sample(SAMPLES, (0, 1))
    logits = gan.discriminator({"images": samples}, training=False)["logits"]
    return dataset, samples.numpy(), logits.numpy()


def modes_found(samples: np.ndarray, density) -> float:
    """Modes with at least `SHARE` of the samples within three deviations."""
    from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
    from compare_gan_tf.metrics.mode_count import GaussianModes

    least = int(SHARE * len(samples))
    metric = GaussianModes(mixture=density, min_samples=least)
    try:
        return metric(None, Collected(features=Rows.of(samples)))["gaussian_modes"].value
    except UndefinedScore:  # no sample is near a mode
        return 0.0
