"""Writes compare_gan.json: compare_gan's formulas in numpy, and sums over its layers."""

import math

import numpy as np
from layers_of_compare_gan import SIZES, Z, conditional, row, under_spectral_norm
from make_rivals import losses, sigma, softplus
from writing import rounded, write

LOGITS = {"real": [1.0, -2.0, 0.5, 3.0], "fake": [-1.0, 0.5, 2.0, -0.25]}
# Printed by its modules (commit 19922d3), executed under TensorFlow's v1 compatibility mode in
# float32: {loss: (d, g)}, the penalty, sigma of two passes and u; batch norm is of its own test.
PRINTED = {
    "non_saturating": (1.738265, 0.6850516),
    "wasserstein": (-0.3125, -0.3125),
    "least_squares_on_probabilities": (0.3025247, 0.1259044),
    "hinge": (2.1875, -0.3125),
}
PRINTED_PENALTY = 0.007596968
PRINTED_SIGMA = {"left": [9.5028, 9.50803], "right": [9.5068035, 9.508032]}
PRINTED_ROW = [0.4375205, 1.30336881, -0.58830315]
BATCH = [
    [[[5, 7, 2]], [[5, 8, 8]]], [[[1, 2, 0]], [[4, 0, 4]]],
    [[[6, 2, 6]], [[5, 0, 5]]], [[[2, 4, 2]], [[6, 4, 1]]],
]  # fmt: skip
KERNEL = [[1, 2, 3], [4, 5, 6]]


# --- Formulas ---------------------------------------------------------------------------------


def of_losses() -> dict:
    real, fake = map(np.array, LOGITS.values())
    found = losses(real, fake)
    sides = {  # D's on reals and on fakes
        "non_saturating": (softplus(-real), softplus(fake)),
        "wasserstein": (-real, fake),
        "least_squares_on_probabilities": ((sigma(real) - 1) ** 2 / 2, sigma(fake) ** 2 / 2),
        "hinge": (np.maximum(0, 1 - real), np.maximum(0, 1 + fake)),
    }
    for name, printed in PRINTED.items():
        np.testing.assert_allclose(found[name], printed, atol=2e-7)
    return {
        name: {
            "d": found[name][0],
            "d_real": np.mean(on_real),
            "d_fake": np.mean(on_fake),
            "g": found[name][1],
        }
        for name, (on_real, on_fake) in sides.items()
    }


def gradient_penalty(epsilon: float) -> float:
    """Of a linear D, whose slope is the norm of its weights."""
    slope = math.sqrt(epsilon + np.sum(np.linspace(-0.5, 0.5, 12) ** 2))
    assert abs((slope - 1) ** 2 - PRINTED_PENALTY) < 1e-8
    return (slope - 1) ** 2


def power_iteration(matrix: np.ndarray) -> tuple:
    """(sigma of two passes from u = 1, u after the first), Miyato et al. (2018), algorithm 1."""
    u, sigmas = np.ones(len(matrix)), []
    for _ in range(2):
        v = matrix.T @ u
        v /= np.linalg.norm(v)
        u = matrix @ v
        u /= np.linalg.norm(u)
        sigmas.append((u @ matrix @ v, u))
    return [value for value, _ in sigmas], sigmas[0][1]


def spectral_norm() -> dict:
    kernel, found = np.array(KERNEL, np.float64), {}
    for vector, matrix in (("left", kernel), ("right", kernel.T)):
        sigmas, u = power_iteration(matrix)
        np.testing.assert_allclose(sigmas, PRINTED_SIGMA[vector], atol=1e-5)
        found[vector] = {"sigma": sigmas, "u": u}
    return {
        "kernel": KERNEL,
        "largest_singular_value": np.linalg.svd(kernel)[1][0],
        **found,
    }


def batch_norm(epsilon: float) -> dict:
    rows = np.array(BATCH, np.float64).reshape(-1, 3)
    outputs = (rows - rows.mean(0)) / np.sqrt(rows.var(0) + epsilon)
    np.testing.assert_allclose(outputs[0], PRINTED_ROW, atol=1e-6)
    return {"epsilon": epsilon, "inputs": BATCH, "outputs": outputs}


def made() -> dict:
    families = ("resnet_cifar", "resnet_stl", "resnet5", "resnet30")
    found = {
        "source": "google/compare_gan v3 (commit 19922d3): its formulas in float64, which are to "
        "1e-5 what its "
        "modules print under TensorFlow's v1 compatibility mode; parameters: sums over the layers "
        "of its "
        "architectures, which are what its modules have when they are executed",
        "logits": LOGITS,
        "losses": of_losses(),
        "losses_note": "compare_gan returns d_real and d_fake of least squares before the factor "
        "1/2; here "
        "they are halved",
        "gradient_penalty": {
            "weights": "linspace(-0.5, 0.5, 12)",
            "epsilon": 1e-4,
            "value": gradient_penalty(1e-4),
        },
        "spectral_norm": spectral_norm(),
        "batch_norm": batch_norm(1e-3),
        "parameters": {
            "columns": [
                "image", "G without norm", "its variables", "G with batch norm", "its variables",
                "its statistics", "D", "its variables", "its vectors u with spectral norm (left)",
            ],
            "z_dim": Z,
            **{name: [row(name, *size) for size in SIZES[name]] for name in SIZES},
        },
        "parameters_note": "those of resnet30 with its float channel numbers made integers",
        "generator_spectral_norm": {
            "columns": ["image", "G's statistics and vectors u (left)"],
            **{name: under_spectral_norm(name) for name in families},
        },
        "resnet_cifar_conditional": conditional(),
    }  # fmt: skip
    return rounded(found)


if __name__ == "__main__":
    write(__file__, made())
