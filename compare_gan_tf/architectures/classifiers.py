"""The networks of adversarial classification: a classifier, and a D of pairs (image, label).

For CIFAR-10 each has four convolutions and three dense layers (Hjelm et al., 2018, section 4.1).
The paper does not give their widths. Use fewer layers for smaller images.
"""

import gin
import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.architectures.shapes import ImageShape
from compare_gan_tf.layers import batch_norm, no_norm
from compare_gan_tf.settings.signatures import Counts, checked

_SLOPE = 0.2


def _dense_layers(x, units, norm):
    """Dense layers on the last axis of x, [n, F] or [n, labels of an image, F]."""
    for index, width in enumerate(units):
        x = keras.layers.Dense(width, name=f"dense{index}")(x)
        x = keras.layers.LeakyReLU(_SLOPE)(blocks.normalise(norm, x, name=f"dense_norm{index}"))
    return x


def _convolutions(x, widths, norm):
    """3x3 convolutions of strides 1, 2, 1, 2, ...; returns flat features [n, F]."""
    for index, width in enumerate(widths):
        stride = 1 + index % 2
        x = keras.layers.Conv2D(width, 3, stride, padding="same", name=f"conv{index}")(x)
        x = keras.layers.LeakyReLU(_SLOPE)(blocks.normalise(norm, x, name=f"norm{index}"))
    return keras.layers.Flatten(name="features")(x)


@gin.configurable(module="classifiers")
@checked(name="classifiers.classifier")
def classifier(
    image_shape: ImageShape,
    num_classes,
    *,
    widths: Counts = (64, 128, 128, 256),
    units: Counts = (512, 256),
    norm: blocks.Norm = batch_norm,
):
    """Images [n, H, W, C] -> logits of g(y | x) [n, num_classes].

    Args:
      image_shape: (height, width, channels).
      num_classes: of the labels.
      widths: of the convolutions; every second has stride 2.
      units: of the hidden dense layers.
      norm: makes the normalisation after each of them.
    """
    images = blocks.image_input(image_shape)
    x = _dense_layers(_convolutions(images, widths, norm), units, norm)
    return keras.Model(images, keras.layers.Dense(num_classes, name="logits")(x), name="classifier")


@gin.configurable(module="classifiers")
@checked(name="classifiers.discriminator")
def discriminator(
    image_shape: ImageShape,
    num_classes,
    *,
    widths: Counts = (64, 128, 128, 256),
    units: Counts = (512, 256),
    norm: blocks.Norm = no_norm,
):
    """Images [n, H, W, C] and M labels for each, [n, M, num_classes] -> logits [n, M].

    Labels are one-hot or probabilities. They enter after the convolutions, which therefore run once
    per image for any M. The arguments are those of `classifier`.
    """
    images = blocks.image_input(image_shape)
    labels = keras.Input((None, num_classes), name="labels")
    width = units[0]
    of_image = keras.layers.Dense(width, name="of_image")(_convolutions(images, widths, norm))
    of_image = keras.layers.Reshape((1, width))(of_image)
    of_label = keras.layers.Dense(width, use_bias=False, name="of_label")(labels)
    x = keras.layers.LeakyReLU(_SLOPE)(keras.layers.Add()([of_image, of_label]))
    x = keras.layers.Dense(1, name="logit")(_dense_layers(x, units[1:], norm))
    logits = keras.layers.Reshape((-1,), name="logits")(x)
    return keras.Model({"images": images, "labels": labels}, logits, name="discriminator")
