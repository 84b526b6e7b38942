"""Writes compare_gan.json: compare_gan's formulas in numpy, and sums over its layers."""

import itertools
import math

import numpy as np
from counting import Layers
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
Z = 128
SIZES = {
    "infogan": [(28, 1), (32, 1), (32, 3), (64, 3), (128, 3)],
    "dcgan": [(28, 1), (32, 1), (32, 3), (64, 3), (128, 3)],
    "sndcgan": [(28, 1), (32, 1), (32, 3), (64, 3), (128, 3)],
    "resnet_cifar": [(32, 1), (32, 3)],
    "resnet_stl": [(48, 1), (48, 3)],
    "resnet5": [(32, 1), (32, 3), (64, 3), (128, 3)],
    "resnet30": [(128, 3)],
}


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


# --- Networks: (side, channels, whether G has batch norm) -> G; (side, channels) -> D -----------


def halved(side: int, times: int) -> int:
    for _ in range(times):
        side = -(-side // 2)
    return side


def infogan(side, channels, norm):
    g, flat = Layers(), (side // 4) ** 2 * 128
    for a, b in ((Z, 1024), (1024, flat)):
        g.dense(a, b)
        g.norm(b)
    g.conv(4, 128, 64)
    g.norm(64)
    g.conv(4, 64, channels)
    d = Layers()
    d.conv(4, channels, 64)
    d.conv(4, 64, 128)
    d.dense(flat, 1024)
    d.dense(1024, 1)
    return g, d


def dcgan(side, channels, norm):
    g, d, base = Layers(), Layers(), halved(side, 4)
    g.dense(Z, 512 * base**2)
    for a, b in itertools.pairwise((512, 256, 128, 64)):
        g.norm(a) if norm else None
        g.conv(5, a, b)
    g.norm(64) if norm else None
    g.conv(5, 64, channels)
    for a, b in itertools.pairwise((channels, 64, 128, 256, 512)):
        d.conv(5, a, b)
    d.dense(512 * base**2, 1)
    return g, d


def sndcgan(side, channels, norm):
    g, d, base = Layers(), Layers(), halved(side, 3)
    g.dense(Z, 512 * base**2)
    g.norm(512 * base**2) if norm else None
    for a, b in itertools.pairwise((512, 256, 128, 64)):
        g.conv(4, a, b)
        g.norm(b) if norm else None
    g.conv(3, 64, channels)
    widths = (channels, 64, 128, 128, 256, 256, 512, 512)
    for place, (a, b) in enumerate(itertools.pairwise(widths)):
        d.conv(4 if place % 2 else 3, a, b)
    d.dense(512 * base**2, 1)
    return g, d


def block(net: Layers, a: int, b: int, norm) -> None:
    """Two 3x3 convolutions, each behind a norm, and a 3x3 shortcut."""
    for c, d in ((a, b), (b, b)):
        norm(net, c)
        net.conv(3, c, d)
    net.conv(3, a, b)


def plain(net: Layers, width: int) -> None:
    net.norm(width)


def none(net: Layers, width: int) -> None:
    pass


def resnet(first: int, of_g: tuple, of_d: tuple, normed_ends: bool):
    """A family: G from maps of `first` px; `normed_ends`: SN in G's first and last kernel."""

    def family(side, channels, norm):
        g, d, norm = Layers(), Layers(), plain if norm else none
        g.dense(Z, first**2 * of_g[0], normed=normed_ends)
        for a, b in itertools.pairwise(of_g):
            block(g, a, b, norm)
        norm(g, of_g[-1])
        g.conv(3, of_g[-1], channels, normed=normed_ends)
        for a, b in itertools.pairwise((channels, *of_d)):
            block(d, a, b, none)
        d.dense(of_d[-1], 1)
        return g, d

    return family


def resnet30(side, channels, norm):
    g, d, norm = Layers(), Layers(), plain if norm else none
    widths = (512, 256, 128, 64, 32, 16)
    g.dense(Z, 16 * 512, normed=False)
    d.conv(3, channels, 16, normed=False)
    for net, sizes, its_norm in ((g, widths, norm), (d, widths[::-1], none)):
        for place, width in enumerate(sizes):
            for _ in range(5):
                block(net, width, width, its_norm)
            if place < 5:
                block(net, width, sizes[place + 1], its_norm)
    g.conv(3, 16, channels, normed=False)
    d.dense(16 * 512, 1)
    return g, d


FAMILIES = {
    "infogan": infogan,
    "dcgan": dcgan,
    "sndcgan": sndcgan,
    "resnet_cifar": resnet(4, (256,) * 4, (128,) * 4, normed_ends=True),
    "resnet_stl": resnet(6, (512, 256, 128, 64), (64, 128, 256, 512, 1024), normed_ends=False),
    "resnet5": resnet(
        4, (512, 512, 256, 256, 128, 64), (64, 128, 256, 256, 512, 512), normed_ends=False
    ),
    "resnet30": resnet30,
}


def row(family: str, side: int, channels: int) -> list:
    """Of the table "parameters", see its columns."""
    bare, d = FAMILIES[family](side, channels, False)
    g, _ = FAMILIES[family](side, channels, True)
    fixed = family == "infogan"  # whose G has batch norm in any case
    without = [None, None] if fixed else [bare.trained(), bare.trained_variables()]
    return [
        [side, side, channels],
        *without,
        *(g.trained(), g.trained_variables(), g.statistics),
        *(d.trained(), d.trained_variables(), d.not_trained()),
    ]


def under_spectral_norm(family: str) -> list:
    side, channels = SIZES[family][-1]
    g, _ = FAMILIES[family](side, channels, True)
    return [[side, side, channels], g.not_trained()]


# --- The conditional networks for CIFAR-10 ------------------------------------------------------

CLASSES, WIDTH = 10, 256
SHAPES = {
    "without_norm": "dense [128, 4096] + 4096; 9 convolutions [3, 3, 256, 256] + 256; last [3, 3, "
    "256, 3] "
    "+ 3",
    "conditional_batch_norm": "those, and in each of 7 norms 2 kernels [10, 256]",
    "self_modulation": "those, and in each of 7 norms hidden [128, 32] + 32, gamma and beta [32, "
    "256] + 256",
    "hierarchical": "dense [32, 4096] in place of [128, 4096]; 6 norms of 2 kernels [32 + 10, "
    "256], the last "
    "of 2 [10, 256]",
    "hierarchical_embedded": "dense [32, 4096]; embed_z [128, 128] + 128, embed_y [10, 128] + "
    "128; 6 norms "
    "of 2 kernels [32 + 128, 256], the last of 2 [128, 256]",
    "projection": "the discriminator's 1483137 and a kernel [10, 128]",
}


def cifar_generator(condition: int, last: int, z: int = Z) -> Layers:
    """With conditional norms of so many inputs, the last of its own."""
    g = Layers()
    g.dense(z, 16 * WIDTH)
    for _ in range(3):
        block(g, WIDTH, WIDTH, lambda net, width: net.conditional_norm(condition, width))
    g.conditional_norm(last, WIDTH)
    g.conv(3, WIDTH, 3)
    return g


def self_modulation(net: Layers, width: int) -> None:
    net.dense(Z, 32)
    net.dense(32, width)
    net.dense(32, width)
    net.statistics += 2 * width


def conditional() -> dict:
    bare, d = FAMILIES["resnet_cifar"](32, 3, False)
    modulated = Layers()
    modulated.dense(Z, 16 * WIDTH)
    for _ in range(3):
        block(modulated, WIDTH, WIDTH, self_modulation)
    self_modulation(modulated, WIDTH)
    modulated.conv(3, WIDTH, 3)
    embedded = cifar_generator(32 + Z, Z, 32)
    embedded.dense(Z, Z)
    embedded.dense(CLASSES, Z)
    d.dense(CLASSES, 128, bias=False)
    networks = {
        "without_norm": bare,
        "conditional_batch_norm": cifar_generator(CLASSES, CLASSES),
        "self_modulation": modulated,
        "hierarchical": cifar_generator(32 + CLASSES, CLASSES, 32),
        "hierarchical_embedded": embedded,
        "projection": d,
    }
    found = {
        "source": "sums, by hand, of the shapes that compare_gan's resnet_norm_test lists for "
        "32x32x3, z of "
        "128 and 10 classes; hierarchical and embedded ones of the shapes that its resnet_cifar "
        "gives its "
        "layers"
    }
    for name, net in networks.items():
        found[name] = {"shapes": SHAPES[name], "trainable": net.trained()}
        found[name]["variables"] = net.trained_variables()
        if net.statistics:
            found[name]["statistics"] = net.statistics
    return found


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
