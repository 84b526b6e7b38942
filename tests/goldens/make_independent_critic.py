"""Writes independent_critic.json: what is known of critics trained anew on uniforms and normals."""

import math

from writing import rounded, write

PENALTY = 10.0  # the weight lambda of the gradient penalty


def linear(distance: float) -> float:
    """max over slopes s of s D - lambda (s - 1)^2, at s = 1 + D / (2 lambda)."""
    slope = 1 + distance / (2 * PENALTY)
    return slope * distance - PENALTY * (slope - 1) ** 2


def parameters(side: int, channels: int) -> int:
    """Three 5x5 convolutions of stride 2 to 64, 128 and 256 channels, and one dense logit."""
    widths = (channels, 64, 128, 256)
    kernels = sum(25 * a * b + b for a, b in zip(widths, widths[1:], strict=False))
    return kernels + (side // 8) ** 2 * widths[-1] + 1


def made() -> dict:
    shift = 0.5
    return rounded(
        {
            "source": "The official code of Gulrajani, Raffel and Metz (2019), "
            "google-research/towards_gan_benchmarks: the layers of its network, and the range that "
            "its own test of uniform images asserts after 100 iterations with batches of 64 and an "
            "average of 0.9. Of linear critics the value is D + D^2 / 40 for means at a distance "
            "of "
            "D: for the uniform images D = sqrt(3072) 10 / 128. mlp: seen in an implementation "
            "in JAX, 2 hidden layers of 128, 3,000 iterations, on the line",
            "parameters": {"shape": [32, 32, 3], "count": parameters(32, 3)},
            "uniform": {
                "real": [0, 246],
                "fake": [10, 256],
                "range": [4.0, 7.0],
                "linear": linear(math.sqrt(32 * 32 * 3) * 10 / 128),
            },
            "normal": {"shift": shift, "linear": linear(shift), "mlp": 0.486},
        }
    )


if __name__ == "__main__":
    write(__file__, made())
