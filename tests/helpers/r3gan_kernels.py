"""What R3GAN's tests share: its filter, and its resampling in numpy."""

import numpy as np

FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64.0  # (1, 2, 1) * (1, 1), of sum 1


def doubled(x):
    """Each pixel adds four times the filter to the 4x4 pixels about it."""
    n, side, _, channels = x.shape
    out = np.zeros((n, 2 * side + 2, 2 * side + 2, channels))
    for i in range(side):
        for j in range(side):
            here = out[:, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4]
            here += 4 * FILTER[:, :, None] * x[:, i, None, None, j]
    return out[:, 1:-1, 1:-1]
