"""Writes infomax.json: the InfoNCE loss of mimicry's InfoMax-GAN, by loops in float64."""

import math

from writing import rounded, write

LOCAL = [[[1.0, 0.5], [-0.5, 2.0]], [[0.0, 1.0], [1.5, -1.0]], [[-2.0, 0.25], [0.75, 0.75]]]
GLOBAL = [[1.0, -0.5], [0.5, 1.5], [-1.0, 0.25]]
UNITS = 1024
HEADS = {32: (128, 128), 48: (512, 1024), 64: (512, 1024), 128: (1024, 1024)}  # side: channels


def product(x, y) -> float:
    return sum(a * b for a, b in zip(x, y, strict=True))


def contrast(sample: int, own_places: float | None) -> float:
    """Mean over the sample's places of -log(exp(s) / (exp(s) + sum over negatives)).

    Args:
      sample: its index.
      own_places: the score that the sample's own places have among the negatives; None: they are
        none.
    """
    negatives = 0.0
    for other, places in enumerate(LOCAL):
        for place in places:
            if other != sample:
                negatives += math.exp(product(place, GLOBAL[sample]))
            elif own_places is not None:
                negatives += math.exp(own_places)
    costs = []
    for place in LOCAL[sample]:
        own = math.exp(product(place, GLOBAL[sample]))
        costs.append(-math.log(own / (own + negatives)))
    return sum(costs) / len(costs)


def head(channels: int) -> int:
    """Weights of a residual head: channels to channels, to the units, and a shortcut to them."""
    return channels * channels + channels + 2 * (channels * UNITS + UNITS)


def made() -> dict:
    samples = range(len(LOCAL))
    return rounded(
        {
            "source": "float64 evaluation, by loops, of the InfoNCE loss of mimicry a7fda06 "
            "(infomax_gan_base.py) on these features; `masked_mean` with its score of -10 for a "
            "sample's own places, `values` without. Parameters: sums over the layer tables of its "
            "infomax_gan_32, _48, _64 and _128",
            "local_features": LOCAL,
            "global_features": GLOBAL,
            "values": [contrast(sample, None) for sample in samples],
            "masked_mean": sum(contrast(sample, -10.0) for sample in samples) / len(LOCAL),
            "heads": [
                {"side": side, "local": a, "global": b, "parameters": head(a) + head(b)}
                for side, (a, b) in HEADS.items()
            ],
        }
    )


if __name__ == "__main__":
    write(__file__, made())
