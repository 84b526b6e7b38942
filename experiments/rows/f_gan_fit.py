"""f-GANs fit the Gaussian that is best under their divergence (Nowozin et al., 2016; row 6).

The data are p(x) N(y; 0, 1/4) with p = 1/2 N(-1.25, 1/4) + 1/2 N(1.25, 1/4), so that the best
Gaussian of each divergence is that of its one-dimensional problem, times N(y; 0, 1/4).
"""

import numpy as np

from measures import Measure
from trained import load, train

NAMES = {
    "KL": "kl",
    "reverse KL": "reverse_kl",
    "JS": "jensen_shannon",
    "Jeffrey": "jeffrey",
    "Pearson": "pearson",
}
MEASURES = [
    Measure(name=f"{name}: largest error of mean and deviation", at_most=0.1, source="quadrature")
    for name in NAMES
]
MODE, DEVIATION = 1.25, 0.5


def measure(seed: int, folder: str) -> dict[str, float]:
    return {
        f"{name}: largest error of mean and deviation": _error(f"{folder}/{value}", value, seed)
        for name, value in NAMES.items()
    }


def _error(folder: str, name: str, seed: int) -> float:
    from compare_gan_tf.architectures.gaussian import Gaussian

    bindings = [f"f_gan.divergence = @{name}()"]
    train("toy/f_gan_fit.gin", folder, seed=seed, bindings=bindings)
    _, gan = load(folder)
    (layer,) = (layer for layer in gan.generator.layers if isinstance(layer, Gaussian))
    mean, covariance = layer.mean.numpy(), layer.covariance().numpy()
    best_mean, best_deviation = best(name)
    expected = np.array([best_mean, 0.0, best_deviation, DEVIATION])
    return np.abs(np.concatenate([mean, np.sqrt(np.diag(covariance))]) - expected).max()


def best(name: str) -> tuple[float, float]:
    """Mean and deviation of the Gaussian nearest to the mixture, from the starts of both kinds."""
    import tensorflow as tf
    from scipy import optimize, stats

    from compare_gan_tf.objectives import f_divergences

    value = getattr(f_divergences, name)()
    x = np.linspace(-12.0, 12.0, 4801)
    modes = [stats.norm.logpdf(x, at, DEVIATION) for at in (-MODE, MODE)]
    log_p = np.logaddexp(*modes) - np.log(2.0)

    def divergence(parameters):
        log_q = stats.norm.logpdf(x, parameters[0], np.exp(parameters[1]))
        ratio = np.exp(np.clip(log_p - log_q, -300.0, 300.0))
        return np.sum(np.exp(log_q) * value.f(tf.constant(ratio)).numpy()) * (x[1] - x[0])

    starts = [(0.0, np.log(1.3)), (MODE, np.log(DEVIATION))]
    found = [optimize.minimize(divergence, start, method="Nelder-Mead") for start in starts]
    nearest = min(found, key=lambda one: one.fun)
    return nearest.x[0], np.exp(nearest.x[1])
