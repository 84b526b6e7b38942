"""Writes frechet.json: the closed form of Dowson and Landau (1982), by eigenvalues."""

import numpy as np
from writing import rounded, write

GAUSSIANS = {  # name: (means, covariances)
    "N(0, 1) and N(1, 1)": ([[0.0], [1.0]], [[[1.0]], [[1.0]]]),
    "N(0, 1) and N(0, 2^2)": ([[0.0], [0.0]], [[[1.0]], [[4.0]]]),
    "N(0, 1) and N(1/2, 1.5^2)": ([[0.0], [0.5]], [[[1.0]], [[2.25]]]),
    "N(0, I) and a correlated Gaussian of the plane": (
        [[0.0, 0.0], [1.0, -0.5]],
        [[[1.0, 0.0], [0.0, 1.0]], [[1.5, 0.3], [0.3, 0.8]]],
    ),
}


def distance(means, covariances) -> float:
    """|m - n|^2 + trace(A + B - 2 (A B)^(1/2))."""
    (m, n), (a, b) = np.array(means), np.array(covariances)
    of_root = np.sqrt(np.maximum(np.real(np.linalg.eigvals(a @ b)), 0.0))
    return float(np.sum((m - n) ** 2) + np.trace(a + b) - 2 * np.sum(of_root))


def of_features(real, fake) -> float:
    sides = (real, fake)
    return distance([np.mean(x, 0) for x in sides], [np.cov(x, rowvar=False) for x in sides])


def made() -> dict:
    real, fake = np.ones([100, 2]), np.full([100, 2], 9.0)
    real[:50, 0], fake[50:, 0] = 2.0, 2.0
    return rounded(
        {
            "source": "closed form of Dowson and Landau (1982), in float64 by numpy",
            "features": [
                {
                    "name": "compare_gan's own test of its FID",
                    "source": "google/compare_gan v3, fid_score_test.py; recomputed: 980 / 11",
                    "construction": "real: 100 x 2 ones, column 0 of the first 50 rows is 2; fake: "
                    "100 x 2 nines, column 0 of the last 50 rows is 2",
                    "distance": of_features(real, fake),
                    "tolerance": 1e-4,
                }
            ],
            "gaussians": [
                {"name": name, "means": m, "covariances": c, "distance": distance(m, c)}
                for name, (m, c) in GAUSSIANS.items()
            ],
        }
    )


if __name__ == "__main__":
    write(__file__, made())
