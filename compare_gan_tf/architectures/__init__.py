"""Generators and discriminators, one file per published pair.

A generator is a built `keras.Model` from {"z": [n, dim]}, and "labels" int32 [n] if it is
conditional, to samples [n, ...]; images are in [-1, 1]. A discriminator is a built `keras.Model`
from {"images"}, and "labels" if it is conditional, to {"logits": [n], "features": [n, F]} and other
outputs that objectives read, such as `local_features`.
"""


def is_conditional(model) -> bool:
    """Whether a player takes labels."""
    return "labels" in {tensor.name for tensor in model.inputs}
