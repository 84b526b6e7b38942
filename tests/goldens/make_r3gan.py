"""Writes r3gan.json: sums over the layers of the authors' networks, for their presets."""

from writing import write

LATENT = 64
PRESETS = {  # name: (side, classes, widths of the stages from 4 px up)
    "CIFAR-10": (32, 10, [768] * 4),
    "FFHQ-256": (256, None, [768] * 4 + [384, 192, 96]),
}
SOURCE = (
    "sums over the layers of the authors' networks (brownvc/R3GAN 19a7ddf, Networks.py) for their "
    "presets (train.py): a block of width w has 4 w w + 9 (2 w) (16) + 4 w weights, for groups of "
    "16 channels"
)


def stages(widths) -> int:
    """Two blocks a stage, and a 1x1 convolution without bias where the width changes."""
    blocks = sum(2 * (4 * w * w + 9 * 2 * w * 16 + 4 * w) for w in widths)
    return blocks + sum(a * b for a, b in zip(widths, widths[1:], strict=False) if a != b)


def generator(classes, widths) -> int:
    """An embedding, gains linear in z, a learned 4x4 map, the stages, 1x1 to the colours."""
    embedded = LATENT if classes else 0
    embedding = LATENT * (classes or 0)
    first = (LATENT + embedded) * widths[0] + 16 * widths[0]
    return embedding + first + stages(widths) + 3 * widths[-1]


def discriminator(classes, widths) -> int:
    """1x1 from the colours, the stages, 4x4 kernels of each map, and a logit or an embedding."""
    out = widths[0] * (widths[0] + classes) if classes else widths[0]
    return 3 * widths[-1] + stages(widths) + 16 * widths[0] + out


def made() -> dict:
    return {
        "source": SOURCE,
        "presets": [
            {
                "name": name,
                "side": side,
                "classes": classes,
                "generator": generator(classes, widths),
                "discriminator": discriminator(classes, widths),
            }
            for name, (side, classes, widths) in PRESETS.items()
        ],
        "latent_dim": LATENT,
    }


if __name__ == "__main__":
    write(__file__, made())
