"""Writes biggan.json: sums over the layers of BigGAN and BigGAN-deep as compare_gan has them."""

import itertools

from counting import Layers
from writing import write

SOURCE = (
    "sums over the layers of google/compare_gan v3 (commit 19922d3), resnet_biggan.py and "
    "resnet_biggan_deep.py; 1000 classes, conditional batch norm. Those at 128 px its tests "
    "assert, "
    "those at 256 and 512 px its docstrings"
)
STUDIOGAN = {
    "source": "logs shipped with StudioGAN 947b35e, in millions, rounded to the digits given",
    "biggan_32": {"classes": 10, "latent_dim": 80, "generator": 9.42, "discriminator": 2.42},
    "biggan_128": {"classes": 1000, "latent_dim": 120, "generator": 70.4, "discriminator": 88.0},
    "sngan_32": {"classes": 10, "latent_dim": 128, "generator": 4.30, "discriminator": 1.06},
    "sngan_128": {"classes": 1000, "latent_dim": 128, "generator": 42.0, "discriminator": 39.4},
}
COLOURS, CLASSES, EMBEDDING = 3, 1000, 128
# side: (dimension of z, G's widths and D's in units of ch, attention after G's block and D's)
BIGGAN = {
    128: (120, (16, 16, 8, 4, 2, 1), (1, 2, 4, 8, 16, 16), 4, 1),
    256: (140, (16, 16, 8, 8, 4, 2, 1), (1, 2, 4, 8, 8, 16, 16), 5, 2),
    512: (160, (16, 16, 8, 8, 4, 2, 1, 1), (1, 1, 2, 4, 8, 8, 16, 16), 4, 3),
}
CH = 96
# At 128 px, after the blocks whose maps have 64 px
DEEP = (128, (16, 16, 16, 16, 8, 8, 4, 4, 2, 2, 1), (1, 2, 2, 4, 4, 8, 8, 16, 16, 16, 16), 8, 2)
CH_DEEP = 128


def generator(side: int) -> Layers:
    latent, widths, _, attended, _ = BIGGAN[side]
    widths, net = [CH * w for w in widths], Layers()
    chunk = latent // len(widths)
    net.embeddings = CLASSES * EMBEDDING
    net.dense(chunk, 16 * widths[0])
    for place, (a, b) in enumerate(itertools.pairwise(widths), start=1):
        net.conditional_norm(chunk + EMBEDDING, a)
        net.conditional_norm(chunk + EMBEDDING, b)
        net.conv(3, a, b)
        net.conv(3, b, b)
        net.conv(1, a, b)
        if place == attended:
            net.attention(b)
    net.norm(widths[-1])
    net.conv(3, widths[-1], COLOURS)
    return net


def discriminator(side: int) -> Layers:
    *_, widths, _, attended = BIGGAN[side]
    widths, net = [COLOURS, *(CH * w for w in widths)], Layers()
    for place, (a, b) in enumerate(itertools.pairwise(widths), start=1):
        net.conv(3, a, b)
        net.conv(3, b, b)
        if a != b:
            net.conv(1, a, b)
        if place == attended:
            net.attention(b)
    net.dense(widths[-1], 1)
    net.dense(CLASSES, widths[-1], bias=False)  # the projection
    return net


def deep_block(net: Layers, a: int, b: int, norm) -> None:
    few = max(a, b) // 4
    for size, (c, d) in ((1, (a, few)), (3, (few, few)), (3, (few, few)), (1, (few, b))):
        norm(c)
        net.conv(size, c, d)
    if b > a:
        net.conv(1, a, b - a)


def deep_generator() -> Layers:
    latent, widths, _, attended, _ = DEEP
    widths, net, condition = [CH_DEEP * w for w in widths], Layers(), latent + EMBEDDING
    net.embeddings = CLASSES * EMBEDDING
    net.dense(condition, 16 * widths[0])
    for place, (a, b) in enumerate(itertools.pairwise(widths), start=1):
        deep_block(net, a, b, lambda width: net.conditional_norm(condition, width))
        if place == attended:
            net.attention(b)
    net.norm(widths[-1])
    net.conv(3, widths[-1], COLOURS)
    return net


def deep_discriminator() -> Layers:
    *_, widths, _, attended = DEEP
    widths, net = [CH_DEEP * w for w in widths], Layers()
    net.conv(3, COLOURS, widths[0])
    for place, (a, b) in enumerate(itertools.pairwise(widths), start=1):
        deep_block(net, a, b, lambda width: None)
        if place == attended:
            net.attention(b)
    net.dense(widths[-1], 1)
    net.dense(CLASSES, widths[-1], bias=False)
    return net


def made() -> dict:
    def row(side, latent, *players):
        counts = [net.trained() for net in players]
        return {
            "side": side,
            "latent_dim": latent,
            "generator": counts[0],
            "discriminator": counts[1],
        }

    pairs = {side: (generator(side), discriminator(side)) for side in BIGGAN}
    deep = deep_generator(), deep_discriminator()
    return {
        "source": SOURCE,
        "biggan": [row(side, BIGGAN[side][0], *pairs[side]) for side in BIGGAN],
        "biggan_deep": [row(128, DEEP[0], *deep)],
        "not_trained_at_128": {
            "note": "with spectral norm in every kernel but the embeddings', by the vector it "
            "stores",
            "biggan": {
                "left": [net.not_trained(shorter=False) for net in pairs[128]],
                "auto": [net.not_trained(shorter=True) for net in pairs[128]],
            },
            "biggan_deep": {"left": [net.not_trained(shorter=False) for net in deep]},
        },
        "studiogan": STUDIOGAN,
    }


if __name__ == "__main__":
    write(__file__, made())
