"""Exact f-divergences between densities in the plane, by the midpoint rule on a square."""

import math

import numpy as np
import tensorflow as tf

_HALF = 14.0  # half of the square's side; the integral leaves out what lies outside
_NODES = 1_120  # along each side
_MOST = 300.0  # of |log p / q|; exp(-300) is 0 for the integral


def square(half: float = _HALF, nodes: int = _NODES) -> np.ndarray:
    """The midpoints of the cells of [-half, half]^2, float64 [nodes^2, 2]."""
    axis = (np.arange(nodes) + 0.5) * (2.0 * half / nodes) - half
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def divergence(value, log_p: np.ndarray, log_q: np.ndarray, half: float = _HALF) -> float:
    """D_f(P || Q) = integral of q f(p / q), in nats where f has a logarithm.

    Args:
      value: an `FDivergence`.
      log_p: log densities of P in nats at the points of `square(half)`, float64 [n].
      log_q: log densities of Q, float64 [n].
      half: half of the square's side.
    """
    cell = (2.0 * half) ** 2 / len(log_p)
    ratio = np.clip(log_p - log_q, -_MOST, _MOST)
    values = value.f(tf.constant(np.exp(ratio))).numpy()
    return float(np.sum(np.exp(log_q) * values) * cell)


def gaussian_log_density(points: np.ndarray, mean: np.ndarray, covariance: np.ndarray):
    """log N(points; mean, covariance), float64 [n], of points [n, D]."""
    lower = np.linalg.cholesky(covariance)
    white = np.linalg.solve(lower, (points - mean).T)
    log_det = np.log(np.diag(lower)).sum()
    constant = 0.5 * len(mean) * math.log(2.0 * math.pi)
    return -0.5 * np.square(white).sum(0) - log_det - constant
