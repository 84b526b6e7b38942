"""Generators and discriminators, one file per published pair.

A generator is a built `keras.Model` from {"z": [n, dim]} (and "labels": int32 [n]) to samples
[n, ...], images in [-1, 1]; a discriminator one from {"images"} (and "labels") to
{"logits": [n], "features": [n, F]}, and to what objectives ask for, such as
`local_features`.
"""


def is_conditional(model) -> bool:
    """Whether a player takes labels."""
    return "labels" in {tensor.name for tensor in model.inputs}
