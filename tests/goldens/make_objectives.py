"""Writes objectives.json: formulas of papers on given logits and kernels, in numpy."""

import numpy as np
from make_rivals import LOGITS, losses, sigma, softplus
from writing import rounded, write

KERNEL = np.array([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]])
MARGINS = {
    "logistic": lambda margin: softplus(-margin),
    "squared": lambda margin: (margin - 1) ** 2,
    "margin_hinge": lambda margin: np.maximum(0, 1 - margin),
}


def relativistic(real, fake) -> dict:
    """Jolicoeur-Martineau (2018): D wants reals above fakes, G fakes above reals."""

    def paired(above, below, loss):
        return np.mean(loss(above - below))

    def average(above, below, loss):
        return np.mean(loss(above - np.mean(below))) + np.mean(loss(np.mean(above) - below))

    return {
        f"{compare.__name__}_{name}": {
            "d": compare(real, fake, loss),
            "g": compare(fake, real, loss),
        }
        for name, loss in MARGINS.items()
        for compare in (paired, average)
    }


def smoothed(real, fake, smoothing: float) -> dict:
    """D's losses where the target of reals is 1 - smoothing (Salimans et al., 2016)."""

    def cross_entropy(logits, target):
        return -target * np.log(sigma(logits)) - (1 - target) * np.log(1 - sigma(logits))

    def squares(on_real, on_fake):
        return np.mean((on_real - (1 - smoothing)) ** 2 / 2) + np.mean(on_fake**2 / 2)

    logistic = np.mean(cross_entropy(real, 1 - smoothing)) + np.mean(cross_entropy(fake, 0.0))
    return {
        "label_smoothing": smoothing,
        "non_saturating": logistic,
        "least_squares": squares(real, fake),
        "least_squares_on_probabilities": squares(sigma(real), sigma(fake)),
        "minimax": logistic,
    }


def lecam(real, fake, average_real: float, average_fake: float) -> dict:
    """Tseng et al. (2021), and StudioGAN's, which takes what is above the averages alone."""

    def mean_square(x):
        return np.mean(x**2)

    return {
        "average_real": average_real,
        "average_fake": average_fake,
        "squared_difference": mean_square(real - average_fake) + mean_square(fake - average_real),
        "squared_excess": mean_square(np.maximum(0, real - average_fake))
        + mean_square(np.maximum(0, average_real - fake)),
    }


def made() -> dict:
    real, fake = map(np.array, LOGITS.values())
    of_pairs = relativistic(real, fake)
    kernels = [[[1, 2], [3, 4]], [[1, 1, 1]]]
    products = KERNEL.T @ KERNEL
    of_smoothing, of_lecam = smoothed(real, fake, 0.125), lecam(real, fake, 0.5, -0.5)
    return rounded(
        {
            "source": "float64 evaluation in numpy of the papers' formulas, apart from the "
            "library; "
            "under 'rivals' are those that TF-GAN bc369b7, R3GAN 19a7ddf and StudioGAN 947b35e "
            "have; "
            "l2 is compare_gan's, the mean over kernels of half their square",
            "logits": LOGITS,
            "relativistic": of_pairs,
            "label_smoothing": of_smoothing,
            "lecam": of_lecam,
            "rivals": {
                "average_logistic": of_pairs["average_logistic"],
                "paired_logistic": of_pairs["paired_logistic"],
                # TF-GAN's 1/4 is between targets of -1 and 1
                "smoothed_non_saturating": losses(real, fake)["non_saturating"][0]
                + 0.25 / 2 * np.mean(real),
                "lecam": {
                    name: of_lecam[name] for name in ("squared_difference", "squared_excess")
                },
            },
            "l2": {
                "kernels": kernels,
                "bias": [9],
                "value": np.mean([np.sum(np.square(kernel)) / 2 for kernel in kernels]),
            },
            "kernel": KERNEL,
            "orthogonal": {
                "from_identity": np.sum((products - np.eye(2)) ** 2),
                "off_diagonal": np.sum((products * (1 - np.eye(2))) ** 2),
            },
            # The larger root of x^2 - trace x + determinant, of the 2 x 2 matrix of products
            "largest_singular_value": np.sqrt(
                np.trace(products) / 2
                + np.sqrt(np.trace(products) ** 2 / 4 - np.linalg.det(products))
            ),
        }
    )


if __name__ == "__main__":
    write(__file__, made())
