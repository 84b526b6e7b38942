"""StudioGAN's plain convolutions; tests of all architectures have their shapes and passes."""

import math

import keras
import numpy as np
import pytest

from compare_gan_tf import layers
from compare_gan_tf.architectures import deep_conv


def counted(make, *arguments, **options):
    """(trainable parameters, statistics of batch norm) of a network whose weights are not made."""
    with keras.StatelessScope(initialize_variables=False):
        model = make(*arguments, kernel_initializer="zeros", **options)
        trainable, statistics = (
            sum(math.prod(v.shape) for v in variables)
            for variables in (model.trainable_variables, model.non_trainable_variables)
        )
    keras.utils.clear_session()  # else Keras makes them when the next scope ends
    return trainable, statistics


def _conv(kernel: int, channels_in: int, channels_out: int) -> int:
    return kernel**2 * channels_in * channels_out + channels_out


def _norm(channels: int) -> int:
    return 2 * channels  # gamma and beta; as many are the means and variances


def test_the_generator_has_the_parameters_of_studiogans_log():
    """Its log of DCGAN on CIFAR-10 lists the layers, and says "Number of parameters: 3812355"."""
    dense = 128 * 8192 + 8192
    deconvs = [(512, 256), (256, 128), (128, 64)]
    expected = dense + sum(_conv(4, *pair) + _norm(pair[1]) for pair in deconvs) + _conv(3, 64, 3)
    assert expected == 3_812_355
    found = counted(deep_conv.generator, (32, 32, 3), 128)
    assert found == (expected, _norm(256 + 128 + 64))


def test_the_discriminator_has_the_parameters_of_studiogans_log():
    """The same log has "Number of parameters: 2931009" for D."""
    blocks = [(3, 64), (64, 128), (128, 256)]
    convs = [_conv(3, a, b) + _conv(4, b, b) + 2 * _norm(b) for a, b in blocks]
    expected = sum(convs) + _conv(3, 256, 512) + _norm(512) + 512 + 1
    assert expected == 2_931_009
    found = counted(deep_conv.discriminator, (32, 32, 3))
    assert found == (expected, _norm(2 * (64 + 128 + 256) + 512))
    bare = counted(deep_conv.discriminator, (32, 32, 3), norm=layers.no_norm)
    assert bare == (expected - found[1], 0)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_initial_kernels_are_orthogonal(player):
    """As a matrix [all but the channels that PyTorch counts first, those], or its transpose."""
    arguments = (8,) if player == "generator" else ()
    model = getattr(deep_conv, player)((8, 8, 3), *arguments, width=4)
    kernels = [v.numpy() for v in model.trainable_variables if v.name == "kernel"]
    assert len(kernels) == {"generator": 5, "discriminator": 8}[player]
    for kernel in kernels:
        matrix = kernel.reshape(-1, kernel.shape[-1])
        matrix = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
        np.testing.assert_allclose(matrix.T @ matrix, np.eye(matrix.shape[1]), atol=1e-5)
