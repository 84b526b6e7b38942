import functools
import math

import keras
import pytest

from compare_gan_tf import layers
from compare_gan_tf.architectures import (
    dcgan,
    infogan,
    maxout,
    resnet5,
    resnet30,
    resnet_cifar,
    resnet_stl,
    sndcgan,
)

FAMILIES = {
    "dcgan": dcgan,
    "infogan": infogan,
    "resnet5": resnet5,
    "resnet30": resnet30,
    "resnet_cifar": resnet_cifar,
    "resnet_stl": resnet_stl,
    "sndcgan": sndcgan,
}


def counted(make, *arguments, **options):
    """(trainable, their variables, non-trainable) of a network whose weights are never made."""
    with keras.StatelessScope(initialize_variables=False):
        model = make(*arguments, **options)
        sizes = [
            sum(math.prod(v.shape) for v in variables)
            for variables in (model.trainable_variables, model.non_trainable_variables)
        ]
    keras.utils.clear_session()  # else Keras makes them when the next scope ends
    return sizes[0], len(model.trainable_variables), sizes[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_generators_have_compare_gans_numbers_of_parameters(golden, family):
    for shape, bare, bare_variables, trainable, variables, statistics, *_ in golden("compare_gan")[
        "parameters"
    ][family]:
        make = functools.partial(FAMILIES[family].generator, tuple(shape), 128)
        assert counted(make) == (trainable, variables, statistics)
        if bare is not None:
            assert counted(make, norm=layers.no_norm) == (bare, bare_variables, 0)


@pytest.mark.parametrize("family", FAMILIES)
def test_discriminators_have_compare_gans_numbers_of_parameters(golden, family):
    for shape, *_, trainable, variables, vectors in golden("compare_gan")["parameters"][family]:
        make = functools.partial(FAMILIES[family].discriminator, tuple(shape))
        if trainable < 1e8:  # else in the slow test
            found = counted(make, kernel_norm=layers.spectral_norm)
            assert found == (trainable, variables, vectors)
        else:
            assert counted(make) == (trainable, variables, 0)


@pytest.mark.slow
def test_the_largest_infogan_has_compare_gans_numbers_of_parameters(golden):
    shape, *_, trainable, variables, vectors = golden("compare_gan")["parameters"]["infogan"][-1]
    make = functools.partial(infogan.discriminator, tuple(shape))
    found = counted(make, kernel_norm=layers.spectral_norm)
    assert found == (trainable, variables, vectors)


def test_maxout_has_the_numbers_of_parameters_of_the_first_gan():
    """Sums of the layers in the published configuration for MNIST (mnist.yaml)."""
    generator = 100 * 1200 + 1200 + 1200 * 1200 + 1200 + 1200 * 784 + 784
    discriminator = 784 * 1200 + 1200 + 240 * 1200 + 1200 + 240 + 1
    assert counted(maxout.generator, (28, 28, 1), 100)[:2] == (generator, 6)
    assert counted(maxout.discriminator, (28, 28, 1))[:2] == (discriminator, 6)
