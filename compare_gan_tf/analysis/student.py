"""Student's t distribution, central and not, by the midpoint rule, in numpy.

With s = sqrt(chi^2_v / v), whose density is f_v, T = (Z + d) / s has the noncentral t distribution
with v degrees of freedom and noncentrality d, and P(T <= t) = integral f_v(s) Phi(t s - d) ds. The
integral is taken over a grid of log s; scipy's values agree within 1e-9, where they are not NaN,
as nctdtr(2, 8, -4.3) is. scipy itself would make the workers of studies larger, and start later.
"""

import functools
import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

NORMAL = NormalDist()
_HALVINGS = 60  # of a bracket
_MOST_DEGREES = 1e5  # beyond it the distribution is the normal one within 1e-5


@functools.lru_cache(maxsize=256)
def student_quantile(share: float, degrees: float) -> float:
    """The t below which a share in (0, 1) of Student's distribution lies.

    Args:
      share: in (0, 1).
      degrees: of freedom, 1 or more.
    """
    if share == 0.5:
        return 0.0
    if share < 0.5:
        return -student_quantile(1.0 - share, degrees)
    if degrees > _MOST_DEGREES:
        return NORMAL.inv_cdf(share)
    if degrees == 1:
        return math.tan(math.pi * (share - 0.5))
    return root(lambda t: student_cdf(t, degrees) - share)


def student_cdf(t: float, degrees: float, noncentrality: float = 0.0) -> float:
    """P(T <= t) with degrees of freedom >= 1; exact Phi(t - noncentrality) beyond 1e5 of them."""
    if degrees > _MOST_DEGREES:
        return NORMAL.cdf(t - noncentrality)
    spread, weight = _chi(degrees, _nodes(degrees, max(abs(t), abs(noncentrality))))
    return float(weight @ _normal_cdf(t * spread - noncentrality))


def root(rising: Callable[[float], float]) -> float:
    """The x > 0 at which a rising function is 0, by bisection; 0 where it begins above."""
    low, high = 0.0, 1.0
    while rising(high) < 0.0:
        low, high = high, 2.0 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if rising(middle) < 0.0 else (low, middle)
    return high


def _nodes(degrees: float, steepest: float) -> int:
    """How many nodes: Phi(t s - d) rises within 1 / t of s = d / t, a part 1 / d of log s."""
    wanted = 2.0 * sum(map(abs, _reach(degrees))) * abs(steepest)
    return 2 ** min(max(math.ceil(math.log2(wanted)) if wanted > 1.0 else 0, 10), 20)


def _reach(degrees: float) -> tuple[float, float]:
    """Between which log s all but 1e-15 of the distribution lies."""
    deviation = 1.0 / math.sqrt(2.0 * degrees)  # of log s, for many degrees
    return (
        (-30.0 * deviation, 12.0 * deviation)
        if degrees < 20
        else (-12.0 * deviation, 12.0 * deviation)
    )


@functools.lru_cache(maxsize=64)
def _chi(degrees: float, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes s and weights f_v(s) ds, which sum to 1."""
    low, high = _reach(degrees)
    log_s = low + (np.arange(nodes) + 0.5) * ((high - low) / nodes)
    log_density = degrees * log_s - 0.5 * degrees * np.exp(2.0 * log_s)
    weight = np.exp(log_density - log_density.max())
    return np.exp(log_s), weight / weight.sum()


@functools.lru_cache(maxsize=256)
def range_quantile(share: float, variants: int) -> float:
    """The q below which a share in (0, 1) of the range of so many standard normal draws lies.

    P(range <= q) = k integral phi(z) (Phi(z) - Phi(z - q))^(k - 1) dz: the studentised range with
    infinitely many degrees of freedom, which Nemenyi's test needs.
    """
    z = np.linspace(-9.0, 9.0 + 9.0, 3200)
    density = variants * np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi) * (z[1] - z[0])
    below = _normal_cdf(z)
    return root(lambda q: density @ (below - _normal_cdf(z - q)) ** (variants - 1) - share)


def _normal_cdf(x: np.ndarray) -> np.ndarray:
    found = (x > 0.0).astype(np.float64)
    near = np.abs(x) < 9.0  # beyond it is 1e-19 off
    found[near] = [0.5 * math.erfc(-one * _ROOT_HALF) for one in x[near].tolist()]
    return found


_ROOT_HALF = math.sqrt(0.5)
