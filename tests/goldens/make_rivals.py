"""Writes rivals.json: the losses of StudioGAN, TF-GAN and BigGAN-PyTorch, written out in numpy."""

import numpy as np
from writing import rounded, write

LOGITS = {"real": [1.5, -0.3, 0.2, 3.0], "fake": [-0.7, 0.4, 2.0, -1.2]}


def softplus(x):
    return np.log1p(np.exp(x))


def sigma(x):
    return 1.0 / (1.0 + np.exp(-x))


def squares(real, fake):
    """Least squares as StudioGAN has them, on whatever D gives."""
    return (np.mean((real - 1) ** 2 + fake**2) / 2, np.mean((fake - 1) ** 2) / 2)


def losses(real, fake) -> dict:
    """{loss: (D's, G's)} of logits [n] each, means over the batch."""
    cross_entropy = np.mean(softplus(-real)) + np.mean(softplus(fake))
    return {
        "non_saturating": (cross_entropy, np.mean(softplus(-fake))),
        "minimax": (cross_entropy, np.mean(np.log(1 - sigma(fake)))),
        "least_squares": squares(real, fake),
        "least_squares_on_probabilities": squares(sigma(real), sigma(fake)),
        "hinge": (
            np.mean(np.maximum(0, 1 - real)) + np.mean(np.maximum(0, 1 + fake)),
            -np.mean(fake),
        ),
        "wasserstein": (np.mean(fake) - np.mean(real), -np.mean(fake)),
    }


def made() -> dict:
    found = losses(*map(np.array, LOGITS.values()))
    half = {name: pair for name, pair in losses(np.zeros(1), np.zeros(1)).items()}
    return rounded(
        {
            "source": "float64 evaluation of the formulas of StudioGAN 947b35e, TF-GAN bc369b7 and "
            "BigGAN-PyTorch 9845943 on these logits",
            "logits": LOGITS,
            "losses": {name: {"d": d, "g": g} for name, (d, g) in found.items()},
            "at_half": {
                "source": "Goodfellow et al. (2014), D = 1/2 everywhere: 2 log 2, and log 2",
                "d": half["non_saturating"][0],
                "g": half["non_saturating"][1],
                "g_minimax": half["minimax"][1],
            },
        }
    )


if __name__ == "__main__":
    write(__file__, made())
