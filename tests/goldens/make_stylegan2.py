"""Writes stylegan2.json: sums over the layers of StyleGAN2's networks, and published totals."""

from writing import write

W = 512
SOURCE = (
    "sums over the layers of NVIDIA's networks (NVlabs/stylegan2-ada-pytorch, training/networks.py "
    "and train.py). Published: the totals at 1024 px that the code prints for 2 layers in the "
    "mapping (--cfg=auto), 28,794,124 and 29,012,513, and StudioGAN's table for CIFAR-10 with "
    "labels, 20.2 and 23.1 million"
)
PUBLISHED = {"auto1024": [28794124, 29012513], "cifar10 in millions": [20.2, 23.1]}
PRESETS = {  # name: (side, classes, channel_base, layers of the mapping, residual connections)
    "auto1024": (1024, 0, 32768, 2, True),
    "F1024": (1024, 0, 32768, 8, True),
    "E256": (256, 0, 16384, 8, True),
    "cifar10": (32, 10, 32768, 2, False),
    "cifar10 without labels": (32, 0, 32768, 2, False),
}


def channels(side: int, base: int) -> list[int]:
    """From 4 px up."""
    return [min(base // s, 512) for s in (4 << i for i in range(9)) if s <= side]


def dense(a: int, b: int) -> int:
    return a * b + b


def modulated(a: int, b: int, size: int, noise: int) -> int:
    """A style affine in w, a kernel, a bias, and a strength of noise."""
    return dense(W, a) + size * size * a * b + b + noise


def generator(side, classes, base, depth, residual) -> int:
    widths = channels(side, base)
    first = dense(2 * W if classes else W, W)
    mapping = (dense(classes, W) if classes else 0) + first + (depth - 1) * dense(W, W)
    blocks = 16 * widths[0] + modulated(widths[0], widths[0], 3, 1)
    for a, b in zip(widths, widths[1:], strict=False):
        blocks += modulated(a, b, 3, 1) + modulated(b, b, 3, 1)
    return mapping + blocks + sum(modulated(a, 3, 1, 0) for a in widths)


def discriminator(side, classes, base, depth, residual) -> int:
    widths = channels(side, base)
    last = widths[0]
    total = 3 * widths[-1] + widths[-1]
    for b, a in zip(widths, widths[1:], strict=False):
        total += 9 * a * a + a + 9 * a * b + b + (a * b if residual else 0)
    total += 9 * (last + 1) * last + last + dense(16 * last, last)
    if not classes:
        return total + dense(last, 1)
    return total + dense(last, last) + dense(classes, last) + 8 * dense(last, last)


def made() -> dict:
    return {
        "source": SOURCE,
        "published": PUBLISHED,
        "presets": [
            {
                "name": name,
                "side": row[0],
                "classes": row[1] or None,
                "channel_base": row[2],
                "mapping_depth": row[3],
                "residual": row[4],
                "generator": generator(*row),
                "discriminator": discriminator(*row),
            }
            for name, row in PRESETS.items()
        ],
    }


if __name__ == "__main__":
    write(__file__, made())
