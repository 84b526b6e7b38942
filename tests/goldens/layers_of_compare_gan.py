"""Sums over the layers of compare_gan's networks.

A family is a function (side, channels, whether G has batch norm) -> (G, D).
"""

import itertools

from counting import Layers

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
