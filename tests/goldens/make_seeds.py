"""Writes seeds.json: divergences, gradients and costs of papers, by quadrature and enumeration."""

import math

import numpy as np
import scipy.optimize
import scipy.stats
from scipy import integrate
from writing import rounded, write

SOURCE = (
    "Computed in float64 by scipy's quadrature and optimiser, or by enumeration, from the "
    "formulas of "
    "Goodfellow et al. (2014), Nowozin et al. (2016), Hjelm et al. (2018), Qi (2017) and Raffel's "
    "notes "
    "on GANs and divergences (2017)."
)
# Table 6 of Nowozin et al.: f of u = p / q; its first and second derivative at 1.
F = {
    "kl": (lambda u: u * np.log(u), 1.0, 1.0),
    "reverse_kl": (lambda u: -np.log(u), -1.0, 1.0),
    "pearson": (lambda u: (u - 1) ** 2, 0.0, 2.0),
    "neyman": (lambda u: (1 - u) ** 2 / u, 0.0, 2.0),
    "squared_hellinger": (lambda u: (np.sqrt(u) - 1) ** 2, 0.0, 0.5),
    "jeffrey": (lambda u: (u - 1) * np.log(u), 0.0, 2.0),
    "jensen_shannon": (lambda u: u * np.log(u) - (u + 1) * np.log((u + 1) / 2), 0.0, 0.5),
    "gan": (lambda u: u * np.log(u) - (u + 1) * np.log(u + 1), -math.log(2), 0.5),
    "weighted_jensen_shannon_0.5": (
        lambda u: (u * np.log(u) - (1 + u) * np.log((1 + u) / 2)) / 2,
        0.0,
        0.25,
    ),
    "total_variation": (lambda u: np.abs(u - 1) / 2, None, None),
}
AT_ONE = (
    "kl", "reverse_kl", "pearson", "neyman", "squared_hellinger", "jeffrey", "jensen_shannon",
    "gan",
)  # fmt: skip
PAIRS = [[1.0, 1.0], [0.0, 2.0], [0.5, 1.5]]  # mean and deviation of q; p is the standard normal
ON_THE_LINE = (
    "kl", "reverse_kl", "pearson", "neyman", "squared_hellinger", "jensen_shannon",
    "weighted_jensen_shannon_0.5", "gan", "total_variation",
)  # fmt: skip
IN_THE_PLANE = (
    "kl", "reverse_kl", "pearson", "squared_hellinger", "jensen_shannon", "gan", "total_variation",
)  # fmt: skip


def check_derivatives() -> None:
    """The table's derivatives against central differences."""
    for name, (f, first, second) in F.items():
        if first is not None:
            h = 1e-4
            assert abs((f(1 + h) - f(1 - h)) / (2 * h) - first) < 1e-6, name
            assert abs((f(1 + h) - 2 * f(1.0) + f(1 - h)) / h**2 - second) < 1e-5, name


def on_the_line(name: str, mean: float, deviation: float) -> float | None:
    """Integral of q f(p / q); None where it is infinite: the integrand of q^2 / p grows."""
    if name == "neyman" and deviation >= math.sqrt(2):
        return None
    p, q = scipy.stats.norm(), scipy.stats.norm(mean, deviation)
    f = F[name][0]
    crossings = scipy.optimize.fsolve(lambda x: p.logpdf(x) - q.logpdf(x), [-2.0, 2.0])

    def integrand(x):
        return q.pdf(x) * f(np.exp(p.logpdf(x) - q.logpdf(x)))

    ends = [-16.0, *sorted(crossings), 16.0]  # where |p - q| has its corners
    pieces = (
        integrate.quad(integrand, a, b, epsabs=1e-13, epsrel=1e-12, limit=500)[0]
        for a, b in zip(ends, ends[1:], strict=False)
    )
    return sum(pieces)


def in_the_plane(names) -> dict:
    """N(0, I) and N((1, -1/2), [[1.5, .3], [.3, .8]]), by the trapezoid rule."""
    side = np.linspace(-14, 14, 1801)
    grid = np.stack(np.meshgrid(side, side), -1)
    log_p = scipy.stats.multivariate_normal([0, 0], np.eye(2)).logpdf(grid)
    log_q = scipy.stats.multivariate_normal([1, -0.5], [[1.5, 0.3], [0.3, 0.8]]).logpdf(grid)
    area = (side[1] - side[0]) ** 2
    return {
        name: np.sum(np.exp(log_q) * F[name][0](np.exp(log_p - log_q))) * area for name in names
    }


def mixture() -> dict:
    """Gaussians N((m, 0), diag(s^2, 1/4)) beside half N((-2, 0), I / 4) and half N((2, 0), I / 4).

    Their second coordinates are one: what is left is on the line.
    """
    modes = [scipy.stats.norm(mean, 0.5) for mean in (-2.0, 2.0)]

    def log_p(x):
        return np.logaddexp(modes[0].logpdf(x), modes[1].logpdf(x)) - math.log(2)

    def average(density, value):
        x = np.linspace(-30, 30, 24_001)
        return integrate.trapezoid(density(x) * value(x), x)

    def reverse(mean, deviation):
        q = scipy.stats.norm(mean, deviation)
        return average(q.pdf, lambda x: q.logpdf(x) - log_p(x))

    moments = scipy.stats.norm(0, math.sqrt(4.25))

    def minimum(start):
        found = scipy.optimize.minimize(
            lambda at: reverse(at[0], abs(at[1])), start, method="Nelder-Mead",
            options={"xatol": 1e-8, "fatol": 1e-12},
        )  # fmt: skip
        return found.fun

    local = scipy.optimize.minimize_scalar(
        lambda s: reverse(0.0, s), bounds=(1.0, 2.5), method="bounded", options={"xatol": 1e-9}
    )
    return {
        "kl_of_the_moments": average(
            lambda x: np.exp(log_p(x)), lambda x: log_p(x) - moments.logpdf(x)
        ),
        "reverse_kl_of_the_moments": reverse(0.0, math.sqrt(4.25)),
        "reverse_kl_of_one_mode": minimum([2.0, 0.5]),
        "reverse_kl_of_the_local_minimum": local.fun,
    }


def softplus(x):
    return np.log1p(np.exp(x))


def importance_gradient(p, q, draws: int) -> np.ndarray:
    """Of the loss by the logits of q, exact: the mean over all draws of q - normalised weights."""
    pairs = [(a, b) for a in range(draws + 1) for b in range(draws + 1 - a)]
    counts = np.array([(a, b, draws - a - b) for a, b in pairs])
    chances = scipy.stats.multinomial(draws, q).pmf(counts)
    weights = counts * (p / q)
    shares = weights / weights.sum(1, keepdims=True)
    return q - chances @ shares


def categorical() -> dict:
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    d = p / (p + q)
    reverse = np.sum(q * np.log(q / p))
    return {
        "p": p,
        "q": q,
        "d": d,
        "value": np.sum(p * np.log(d) + q * np.log(1 - d)),
        "ratio": p / q,
        "kl_p_q": np.sum(p * np.log(p / q)),
        "kl_q_p": reverse,
        "gradient_kl_p_q": q - p,
        "gradient_kl_q_p": q * (np.log(q / p) - reverse),
        "importance_gradient": {
            str(draws): importance_gradient(p, q, draws) for draws in (1, 2, 5, 20, 100)
        },
    }


def loss_sensitive() -> dict:
    """Qi (2017): a = margin + L(real) - L(fake), which costs max(a, slope a); G pays L(fake)."""
    real, fake, margins = (
        np.array([0.2, 1.0, 0.5]),
        np.array([1.5, 0.4, 0.5]),
        np.array([0.3, 0.3, 0]),
    )
    a = margins + real - fake
    slopes = {"0": 0.0, "1": 1.0, "-1": -1.0, "0.2": 0.2}
    cost = {name: np.mean(np.maximum(a, slope * a)) for name, slope in slopes.items()}
    sides = {"real": real, "fake": fake, "margins": margins}
    return {**sides, "cost": cost, "generator": np.mean(fake)}


def made() -> dict:
    check_derivatives()
    ratios, weights = np.array([-2.0, 0.0, 0.5, 3.0]), np.exp([0.0, 1.0, 2.0])
    weights /= weights.sum()
    line = {name: [on_the_line(name, *pair) for pair in PAIRS] for name in ON_THE_LINE}
    found = rounded(
        {
            "gaussians": {"pairs": PAIRS, **line},
            "gaussians_in_the_plane": in_the_plane(IN_THE_PLANE),
            "mixture": mixture(),
            "boundary": {
                "log_ratios": ratios,
                "squared": ratios**2,
                "cross_entropy": (softplus(-ratios) + softplus(ratios)) / 2,
            },
            "categorical": categorical(),
            "importance": {
                "log_ratios": [0.0, 1.0, 2.0],
                "weights": weights,
                "effective_samples": 1 / np.sum(weights**2),
            },
            "loss_sensitive": loss_sensitive(),
        },
        digits=8,
    )
    return {"source": SOURCE, "f_at_one": {name: F[name][1:] for name in AT_ONE}} | found


if __name__ == "__main__":
    write(__file__, made())
