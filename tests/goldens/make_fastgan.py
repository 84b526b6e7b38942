"""Writes fastgan.json: sums over the layers of the authors' networks."""

from writing import write

LATENT, WIDTH, COLOURS = 256, 64, 3
SOURCE = (
    "sums over the layers of the authors' networks (Liu et al., 2021, models.py of their code) of "
    "width 64 and z of 256, without G's second output of 128 px and without the decoders, which "
    "are the objective's here"
)
OF_G = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 1 / 2, 512: 1 / 4, 1024: 1 / 8}
OF_D = OF_G | {8: 16, 16: 8, 32: 4}


def widths(table) -> dict[int, int]:
    return {side: int(WIDTH * times) for side, times in table.items()}


def conv(size: int, a: int, b: int, norm: bool = True) -> int:
    """A kernel without bias, and a norm's gains and biases."""
    return size * size * a * b + (2 * b if norm else 0)


def excitation(a: int, b: int) -> int:
    return conv(4, a, b, norm=False) + conv(1, b, b, norm=False)


def generator(side: int) -> int:
    c = widths(OF_G)
    total = 16 * LATENT * 2 * c[4] + 2 * 2 * c[4]
    for s in (s for s in c if 4 < s <= side):
        total += conv(3, c[s // 2], 2 * c[s])
        if s in (8, 32, 128, 512):  # two convolutions, with a strength of noise each
            total += conv(3, c[s], 2 * c[s]) + 2
        if s in (64, 128, 256, 512):
            total += excitation(c[s // 16], c[s])
    return total + conv(3, c[side], COLOURS, norm=False)


def discriminator(side: int) -> int:
    c = widths(OF_D)
    if side == 1024:
        total = conv(4, COLOURS, c[1024], norm=False) + conv(4, c[1024], c[512])
    else:
        total = conv(4 if side == 512 else 3, COLOURS, c[512], norm=False)
    for a, b in ((512, 256), (256, 128), (128, 64), (64, 32), (32, 16)):
        total += conv(4, c[a], c[b]) + conv(3, c[b], c[b]) + conv(1, c[a], c[b])
    for a, b in ((512, 64), (256, 32), (128, 16)):
        total += excitation(c[a], c[b])
    total += conv(1, c[16], c[8]) + conv(4, c[8], 1, norm=False)
    total += conv(4, COLOURS, c[256], norm=False) + conv(4, c[32], 1, norm=False)
    return total + sum(conv(4, c[a], c[b]) for a, b in ((256, 128), (128, 64), (64, 32)))


def made() -> dict:
    return {
        "source": SOURCE,
        "latent_dim": LATENT,
        "sides": {str(s): [generator(s), discriminator(s)] for s in (256, 512, 1024)},
    }


if __name__ == "__main__":
    write(__file__, made())
