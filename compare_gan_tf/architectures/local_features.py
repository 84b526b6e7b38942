"""Maps inside a discriminator, which it has as an output where an objective asks for them."""

from collections.abc import Iterable

import keras

LOCAL_FEATURES = "local_features"


def local_features(x):
    """x itself, marked as what D offers under "local_features"; nothing is computed.

    Args:
      x: maps [n, h, w, c] that D's last residual block takes (R3GAN, ResNet30: its last stage),
        its last convolution, or a dense layer behind that.
    """
    return keras.layers.Identity(name=LOCAL_FEATURES)(x)


def with_outputs(discriminator: keras.Model, names: Iterable[str]) -> keras.Model:
    """D with those of `names` as further outputs that it has marked; D itself if there are none."""
    asked = set(names) - set(discriminator.output)
    marked = {layer.name: layer.output for layer in discriminator.layers if layer.name in asked}
    if not marked:
        return discriminator
    outputs = {**discriminator.output, **marked}
    return keras.Model(discriminator.input, outputs, name=discriminator.name)
