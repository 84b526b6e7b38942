"""Checkpoints hold the weights of a network by number: the order of its variables must not change.

The digests are of the variables' paths as of version 0.1's first networks, in which resizings were
layers of their own (commit fc89048).
"""

import hashlib

import pytest
from fast_ones import slow_but

from compare_gan_tf.architectures import (
    biggan,
    biggan_deep,
    residual,
    resnet5,
    resnet30,
    resnet_cifar,
    resnet_stl,
    sagan,
)
from compare_gan_tf.layers import layer_norm, spectral_norm

NETWORKS = {
    "resnet_cifar": (resnet_cifar, 32, {"width": 4}, {}),
    "resnet_cifar 1x1": (resnet_cifar, 32, {"width": 4, "shortcut_kernel": 1}, {}),
    "resnet_cifar zeros": (resnet_cifar, 28, {"width": 4}, {"upsample": residual.zero_insertion}),
    "resnet5": (resnet5, 32, {"width": 4}, {}),
    "resnet_stl": (resnet_stl, 48, {"width": 4}, {}),
    "resnet30": (resnet30, 32, {"width": 4, "depth": 1}, {}),
    "sagan": (sagan, 32, {"ch": 4}, {}),
    "sagan bilinear": (sagan, 32, {"ch": 4}, {"upsample": residual.bilinear}),
    "sagan 48": (sagan, 48, {"ch": 4}, {}),
    "biggan": (biggan, 32, {"ch": 4}, {}),
    "biggan 128": (biggan, 128, {"ch": 2}, {}),
    "biggan_deep": (biggan_deep, 32, {"ch": 4}, {}),
}
DIGESTS = {  # {name: (without kernel norm, with spectral norm)}
    "resnet_cifar": ("4b8fd9934e7b", "b8b61c12c6af"),
    "resnet_cifar 1x1": ("4b8fd9934e7b", "b8b61c12c6af"),
    "resnet_cifar zeros": ("4b8fd9934e7b", "b8b61c12c6af"),
    "resnet5": ("8545b93febb6", "f8d301bd39b2"),
    "resnet_stl": ("0a9fb79a9040", "0fd9842b1f72"),
    "resnet30": ("b81bd74da205", "ecd50fb70b21"),
    "sagan": ("1ea7b00e2356", "208db614f95f"),
    "sagan bilinear": ("1ea7b00e2356", "208db614f95f"),
    "sagan 48": ("2f1497c79508", "83a08fe54f79"),
    "biggan": ("db907a8f5cc3", "1b5e818905dd"),
    "biggan 128": ("605b70d5cc96", "fd5395f18ce8"),
    "biggan_deep": ("51468b1a6913", "c1d2a1d76cb2"),
}


def digest(*networks) -> str:
    paths = "\n".join(variable.path for network in networks for variable in network.variables)
    return hashlib.sha256(paths.encode()).hexdigest()[:12]


@pytest.mark.parametrize("normed", slow_but([False, True], True))
@pytest.mark.parametrize("name", NETWORKS)
def test_the_variables_are_in_the_order_of_the_checkpoints(name, normed):
    module, side, both, of_generator = NETWORKS[name]
    both = both | {"kernel_norm": spectral_norm if normed else None}
    generator = module.generator((side, side, 3), 120, 10, **both, **of_generator)
    of_discriminator = {} if normed else {"norm": layer_norm}
    discriminator = module.discriminator((side, side, 3), 10, **both, **of_discriminator)
    assert digest(generator, discriminator) == DIGESTS[name][normed]
