"""Maps inside a discriminator, which become an output if an objective reads them."""

from collections.abc import Iterable

import keras

LOCAL_FEATURES = "local_features"


def local_features(x):
    """Marks x as the maps that D can output as "local_features"; the result is x.

    Args:
      x: maps [n, h, w, c] that D's last residual block takes (R3GAN, ResNet30: its last stage),
        its last convolution, or a dense layer behind that.
    """
    return keras.layers.Identity(name=LOCAL_FEATURES)(x)


def with_outputs(discriminator: keras.Model, names: Iterable[str]) -> keras.Model:
    """D with its marked maps among `names` as further outputs; D itself if there are none."""
    asked = set(names) - set(discriminator.output)
    marked = {layer.name: layer.output for layer in discriminator.layers if layer.name in asked}
    if not marked:
        return discriminator
    outputs = {**discriminator.output, **marked}
    return keras.Model(discriminator.input, outputs, name=discriminator.name)
