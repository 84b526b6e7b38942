"""StyleGAN2's layers, written out in float64 on planes of zeros."""

import numpy as np
from numpy_layers import weights

FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64.0
EDGE = 6  # zeros around maps; more than all kernels reach


def on_plane(x):
    return np.pad(x, ((0, 0), (EDGE, EDGE), (EDGE, EDGE), (0, 0)))


def of_plane(x):
    return x[:, EDGE:-EDGE, EDGE:-EDGE]


def moved(x, row, column):
    """x at (i + row, j + column); what enters from outside is 0 on a wide enough plane."""
    return np.roll(x, (-row, -column), (1, 2))


def correlated(x, kernel):
    """sum over a, b of x[i + a - k // 2, j + b - k // 2] kernel[a, b], by samples' kernels too."""
    side = kernel.shape[-4]
    shifted = [[moved(x, a - side // 2, b - side // 2) for b in range(side)] for a in range(side)]
    one = "abio" if kernel.ndim == 4 else "nabio"
    return np.einsum(f"abnhwi,{one}->nhwo", np.array(shifted), kernel)


def smoothed(x, before):
    """The filter of 4 x 4 pixels, from `before` pixels above and left of the result's."""
    pairs = [(a, b) for a in range(4) for b in range(4)]
    return sum(FILTER[a, b] * moved(x, a - before, b - before) for a, b in pairs)


def spread(x):
    """Zeros between pixels: pixel i at 2 i."""
    n, height, width, channels = x.shape
    out = np.zeros((n, 2 * height, 2 * width, channels))
    out[:, ::2, ::2] = x
    return out


def doubled(x):
    """Zeros between pixels, then the filter with gain 4."""
    return of_plane(4 * smoothed(on_plane(spread(x)), 2))


def downsampled(x, kernel):
    """The filter, then every second pixel of a convolution."""
    maps = correlated(smoothed(on_plane(x), 2), kernel)
    return of_plane(moved(maps, 1, 1))[:, ::2, ::2]  # the filter's pixel j is between j - 1 and j


def modulated(x, styles, kernel, *, up=False, demodulate=True):
    """Equations 1 and 3, a kernel for each sample."""
    kernels = kernel * styles[:, None, None, :, None]
    if demodulate:
        kernels = kernels / np.sqrt((kernels**2).sum((1, 2, 3), keepdims=True) + 1e-8)
    if not up:
        return of_plane(correlated(on_plane(x), kernels))
    maps = correlated(on_plane(spread(x)), kernels[:, ::-1, ::-1])
    return of_plane(4 * smoothed(maps, 2))


def leaky(x):
    return np.where(x > 0, x, 0.2 * x) * np.sqrt(2)


def unit(x):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-8)


def dense(model, name, x, rate=1.0):
    kernel, bias = weights(model, name)
    return x @ (kernel * rate / np.sqrt(len(kernel))) + bias * rate


def equalized(kernel):
    return kernel / np.sqrt(np.prod(kernel.shape[:-1]))


def minibatch_std(x, group):
    """One feature over all channels; groups of neighbours."""
    groups = x.reshape(-1, group, *x.shape[1:])
    std = np.sqrt(groups.var(1) + 1e-8).mean((1, 2, 3))
    maps = np.broadcast_to(np.repeat(std, group)[:, None, None, None], (*x.shape[:3], 1))
    return np.concatenate([x, maps], -1)
