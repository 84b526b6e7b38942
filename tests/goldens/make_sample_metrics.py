"""Writes sample_metrics.json: closed forms of metrics of samples, and two facts of compare_gan."""

import math

from writing import rounded, write

VALUES = [1.0, 0.7, 0.0]  # of constant images 64 x 64 x 3, in levels of 255
COARSEST = 0.1333  # the weight of the coarsest of 5 scales (Wang et al., 2003)
COUNTS = ([4, 4, 0, 0, 0, 0, 0, 0], [3, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 1, 1])
# Printed by compare_gan v3 (compare_gan/metrics/ms_ssim_score.py) under TensorFlow's v1
# compatibility mode in float32; "mean" is asserted by its own test.
PRINTED = [0.9984916, 0.9811122, 0.99036235]
ASSERTED = {"mean": 0.989989, "mean_tolerance": 0.001}


def ms_ssim(a: float, b: float) -> float:
    """Of constant images contrast and structure are equal; luminance counts at one scale."""
    c = (0.01 * 255) ** 2
    return ((2 * a * b + c) / (a * a + b * b + c)) ** COARSEST


def parzen(dimension: int, sigma: float, squared_distances: list) -> float:
    """log of the mean of normals N(fake, sigma^2 I) (Goodfellow et al., 2014, parzen_ll.py)."""
    kernels = [math.exp(-squared / (2 * sigma**2)) for squared in squared_distances]
    mean = sum(kernels) / len(kernels)
    return math.log(mean) - dimension * math.log(sigma * math.sqrt(2 * math.pi))


def modes(counts: list) -> dict:
    """KL of the shares from the uniform: sum p log(p K)."""
    shares = [count / sum(counts) for count in counts if count]
    kl = sum(p * math.log(p * len(counts)) for p in shares)
    return {"counts": counts, "modes": len(shares), "kl": kl}


def made() -> dict:
    pairs = [ms_ssim(VALUES[i], VALUES[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert all(abs(a - b) < 3e-6 for a, b in zip(pairs, PRINTED, strict=True))
    return rounded(
        {
            "source": "ms_ssim: the formula of Wang et al. (2003) for constant images 64x64x3, "
            "pairs "
            "(0, 1), (0, 2), (1, 2), to 3e-6 what compare_gan v3 prints; 'mean' is asserted by "
            "its own "
            "test. parzen: the formula of adversarial/parzen_ll.py (Goodfellow et al., 2014). "
            "high_quality_in_the_plane: 1 - exp(-9 / 2), a normal within 3 deviations. modes: "
            "sum p log(p K). fractal_dimension: asserted by compare_gan's own test",
            "ms_ssim": {"values": VALUES, "pairs": pairs, **ASSERTED},
            "parzen": [
                {
                    "dimension": 784,
                    "sigma": 0.2,
                    "fakes": "the point itself",
                    "log_likelihood": parzen(784, 0.2, [0.0]),
                },
                {
                    "dimension": 2,
                    "sigma": 1.0,
                    "fakes": "(0, 0) and (1, 1), at (0, 0)",
                    "log_likelihood": parzen(2, 1.0, [0.0, 2.0]),
                },
            ],
            "high_quality_in_the_plane": 1 - math.exp(-(3**2) / 2),
            "modes": [modes(counts) for counts in COUNTS],
            "fractal_dimension": [
                {"dimension": 1, "tolerance": 0.05},
                {"dimension": 2, "tolerance": 0.1},
            ],
        }
    )


if __name__ == "__main__":
    write(__file__, made())
