"""The first GAN as published, at 8 px: Parzen log-likelihood (Goodfellow et al., 2014; rows 2, 5).

Maxout, dropout, a momentum that rises from .5 to .7. The width of the windows around 10,000
samples is chosen on the validation digits. The paper has no such data, thus no bound; for
comparison: samples of a Gaussian with the mean and covariance of the training digits, clipped.
"""

import numpy as np

from measures import Measure
from trained import load, train

OURS, GAUSSIAN = "Parzen log-likelihood of test, nats", "nats above a Gaussian's samples"
MEASURES = [Measure(name=OURS), Measure(name=GAUSSIAN)]
SAMPLES = 10_000


def measure(seed: int, folder: str) -> dict[str, float]:
    from compare_gan_tf.data.images import to_uint8

    train("small/digits_maxout.gin", f"{folder}/run", seed=seed)
    dataset, gan = load(f"{folder}/run")
    found = _log_likelihood(dataset, to_uint8(gan.sample(SAMPLES, (0, 1))).numpy())
    return {OURS: found, GAUSSIAN: found - _log_likelihood(dataset, _gaussian(dataset, seed))}


def _gaussian(dataset, seed: int) -> np.ndarray:
    """Images uint8 of a Gaussian with the moments of the training images."""
    images = dataset.splits["train"].images
    pixels = images.reshape(len(images), -1).astype(np.float64)
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_normal(pixels.mean(0), np.cov(pixels.T), SAMPLES)
    return np.clip(np.rint(drawn), 0, 255).astype(np.uint8).reshape(-1, *images.shape[1:])


def _log_likelihood(dataset, fakes: np.ndarray) -> float:
    """Of the test digits in nats, pixels in [0, 1]."""
    from compare_gan_tf.metrics.base import Collected, Rows
    from compare_gan_tf.metrics.parzen import PixelParzen

    chosen, tested = (dataset.splits[name].images for name in ("validation", "test"))
    reals = Rows.of(np.concatenate([chosen, tested]))
    metric = PixelParzen(validation=len(chosen), fakes=len(fakes))
    both = (Collected(images=rows) for rows in (reals, Rows.of(fakes)))
    return metric(*both)["pixel_parzen"].value
