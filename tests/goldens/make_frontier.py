"""Writes frontier.json: metrics of 2023 to 2026, written out in numpy from their papers.

The features are those of make_metrics.py, in float32. What the authors' own code makes of the same
features is beside the numbers in `source`.
"""

import numpy as np
from writing import rounded, write

CASES = {"more samples than columns": [600, 500, 32], "fewer": [120, 100, 160]}


def features(reals: int, fakes: int, columns: int):
    """Correlated, positive features of both sides: float32 numbers as float64."""
    rng = np.random.RandomState(0)
    mixing = rng.randn(columns, columns) / np.sqrt(columns)
    real = np.abs(rng.randn(reals, columns) @ mixing)
    fake = np.abs(rng.randn(fakes, columns) @ mixing * 1.1 + 0.1)
    return tuple(side.astype(np.float32).astype(np.float64) for side in (real, fake))


def squared(x, y):
    return np.array([np.square(row - y).sum(axis=1) for row in x])


def clipped(real, fake, k: int = 5) -> dict:
    """Salvy et al., 2025; coverage before its calibration."""
    own, across = np.sqrt(squared(real, real)), np.sqrt(squared(real, fake))
    radii = np.sort(own)[:, k, None]
    least = np.minimum(radii, np.median(radii))
    of_fakes = np.minimum((across <= least).sum(axis=0) / k, 1.0).mean()
    of_reals = np.minimum(((own <= least).sum(axis=0) - 1) / k, 1.0).mean()
    coverage = np.minimum((across < radii).sum(axis=1) / k, 1.0).mean()
    return {"density": min(of_fakes / of_reals, 1.0), "coverage before calibration": coverage}


def probabilistic(real, fake, k: int = 4, scale: float = 1.2) -> dict:
    """Park and Kim, 2023."""

    def inside(centres, samples):
        radius = scale * np.sort(np.sqrt(squared(centres, centres)))[:, k].mean()
        ratios = np.minimum(np.sqrt(squared(centres, samples)) / radius, 1.0)
        return 1.0 - ratios.prod(axis=0).mean()

    return {"p_precision": inside(real, fake), "p_recall": inside(fake, real)}


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def cmmd(real, fake, sigma: float = 10.0) -> float:
    """Jayasumana et al., 2024, as in distance.py of google-research/cmmd."""
    x, y = unit(real), unit(fake)
    means = [np.exp(-squared(a, b) / (2 * sigma**2)).mean() for a, b in ((x, x), (y, y), (x, y))]
    return 1000.0 * (means[0] + means[1] - 2 * means[2])


def kid_rbf(real, fake, subsets: int = 20, size: int = 80, seed: int = 2020, sigma=10.0) -> float:
    """Binkowski et al., 2018, with the Gaussian kernel and the subsets of torch-fidelity."""
    rng, found = np.random.RandomState(seed), []
    for _ in range(subsets):
        y = fake[rng.choice(len(fake), size, replace=False)]
        x = real[rng.choice(len(real), size, replace=False)]
        kernels = [np.exp(-squared(a, b) / (2 * sigma**2)) for a, b in ((x, x), (y, y), (x, y))]
        pairs = size * (size - 1)
        within = sum((kernel.sum() - size) / pairs for kernel in kernels[:2])
        found.append(within - 2 * kernels[2].mean())
    return np.mean(found)


def vendi(x) -> float:
    """Friedman and Dieng, 2023, eq. 1, of the matrix of all pairs."""
    values = np.linalg.eigvalsh(unit(x) @ unit(x).T / len(x))
    values = values[values > 1e-12]
    return np.exp(-np.sum(values * np.log(values)))


def cosine_distance(real, fake) -> float:
    """Bai et al., 2021."""
    return (1.0 - np.abs(unit(fake) @ unit(real).T)).min(axis=1).mean()


def scores(real, fake) -> dict:
    return {
        "clipped": clipped(real, fake),
        "probabilistic": probabilistic(real, fake),
        "cmmd": cmmd(real, fake),
        "kid_rbf": kid_rbf(real, fake),
        "vendi": vendi(fake),
        "vendi_real": vendi(real),
        "cosine_distance": cosine_distance(real, fake),
    }


def made() -> dict:
    return rounded(
        {
            "source": "float64 evaluation of the formulas; to 1e-8 what nicolassalvy/"
            "ClippedDensityCoverage 5e477ae (clipped, before calibration), the pp_pr.py of Park "
            "and Kim that it holds (probabilistic), torch-fidelity 0.4.0 with kid_kernel='rbf' "
            "and vendi-score 0.0.3 (score_dual) make of the same features",
            # What their code, which rounds up to a whole number of fakes, has as clipped coverage.
            "clipped coverage of the authors' code": CALIBRATED,
            "cases": {
                name: {"sizes": sizes, **scores(*features(*sizes))} for name, sizes in CASES.items()
            },
        },
        digits=9,
    )


CALIBRATED = {"more samples than columns": 0.5848303393213573, "fewer": 0.2871287128712871}

if __name__ == "__main__":
    write(__file__, made())
