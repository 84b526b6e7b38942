"""The networks of the boundary-seeking GAN for discrete MNIST (Hjelm et al., 2018, appendix).

As in the published code, layers before batch norm have no biases; its latents are uniform, with
dimension 64.
"""

import gin
import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.architectures.conditioning import Conditioning, Projection
from compare_gan_tf.architectures.local_features import local_features
from compare_gan_tf.architectures.shapes import ImageShape
from compare_gan_tf.layers import batch_norm, no_norm
from compare_gan_tf.layers.kernel_norm import KernelNorm
from compare_gan_tf.settings.signatures import Count, checked

_SLOPE = 0.2
_PROJECTION = Projection()


@gin.configurable(module="bgan")
@checked(name="bgan.generator")
def generator(
    sample_shape: ImageShape,
    latent_dim,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = batch_norm,
    kernel_norm: KernelNorm = None,
):
    """Two dense layers, two 5x5 deconvolutions of stride 2; ReLU, tanh.

    A discrete generator (`GAN.alphabet`) outputs the inputs of tanh as logits.

    Args:
      sample_shape: (height, width, channels); any sides.
      latent_dim: of z.
      num_classes: of the labels, or None. They are appended one-hot to z, unless `norm` uses them.
      width: channels of the last hidden layer; the deepest map has 2 times, the first dense layer
        16 times as many. Published: 64.
      norm: makes the normalisation after each hidden layer; after dense layers it takes flat
        vectors.
      kernel_norm: reparameterises every kernel; None, as published, for none.
    """
    *size, channels = sample_shape
    sizes = blocks.halved(size, 2)
    inputs, condition = blocks.generator_input(latent_dim, num_classes)
    height, breadth = sizes[2]
    x = blocks.first_input(*condition, norm)
    for index, units in enumerate((16 * width, 2 * width * height * breadth)):
        x = blocks.dense(units, biased=False, kernel_norm=kernel_norm, name=f"dense{index}")(x)
        x = blocks.normalise(norm, x, name=f"norm{index}", condition=condition)
        x = keras.layers.ReLU()(x)
    x = keras.layers.Reshape((height, breadth, 2 * width))(x)
    for index, (filters, biased) in enumerate(((width, False), (channels, True))):
        x = blocks.deconv(
            filters,
            5,
            2,
            size_in=sizes[2 - index],
            size_out=sizes[1 - index],
            biased=biased,
            kernel_norm=kernel_norm,
            name=f"deconv{index}",
        )(x)
        if not index:
            x = blocks.normalise(norm, x, name="norm2", condition=condition)
            x = keras.layers.ReLU()(x)
    return blocks.generator_model(inputs, keras.layers.Activation("tanh", name="images")(x))


@gin.configurable(module="bgan")
@checked(name="bgan.discriminator")
def discriminator(
    sample_shape: ImageShape,
    num_classes=None,
    *,
    width: Count = 64,
    norm: blocks.Norm = no_norm,
    kernel_norm: KernelNorm = None,
    conditioning: Conditioning = _PROJECTION,
):
    """Two 5x5 convolutions of stride 2, a dense layer; leaky ReLU 0.2.

    Args:
      sample_shape: (height, width, channels).
      num_classes: of the labels, or None.
      width: channels of the first layer; the second has 2 times, the dense layer 16 times as many.
        Published: 64.
      norm: makes the normalisation of every layer but the first; published: none.
      kernel_norm: reparameterises every kernel, e.g. `spectral_norm`; None for none.
      conditioning: how D uses the labels, see `conditioning`; None for no labels.
    """
    inputs, x, labels = blocks.discriminator_input(sample_shape, num_classes, conditioning)
    x = blocks.conv(width, 5, 2, kernel_norm=kernel_norm, name="conv0")(x)
    x = keras.layers.LeakyReLU(_SLOPE)(x)
    x = blocks.conv(2 * width, 5, 2, kernel_norm=kernel_norm, name="conv1")(x)
    x = keras.layers.LeakyReLU(_SLOPE)(blocks.normalise(norm, x, name="norm1"))
    x = keras.layers.Flatten()(local_features(x))
    x = blocks.dense(16 * width, kernel_norm=kernel_norm, name="dense2")(x)
    x = keras.layers.LeakyReLU(_SLOPE)(blocks.normalise(norm, x, name="norm2"))
    return blocks.discriminator_model(
        inputs, x, kernel_norm=kernel_norm, conditioning=conditioning, labels=labels
    )
