"""Networks that are deeper than can be built: one line, and soon."""

import functools

import keras
import pytest

from compare_gan_tf import GAN, UserError, data, training
from compare_gan_tf.architectures import (
    maxout,
    mlp,
    r3gan,
    resnet30,
    text_networks,
)
from compare_gan_tf.objectives import losses

ABSURD = 10**8


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (maxout, (8, 8, 1)),
        (mlp, (8, 8, 1)),
        (r3gan, (8, 8, 1)),
        (resnet30, (128, 128, 3)),
        (text_networks, (32, 4)),
    ],
)
def test_an_absurd_depth_is_refused_with_its_name_and_value(module, shape):
    name = module.__name__.rpartition(".")[2]
    with pytest.raises(UserError, match=rf"{name}.generator.depth is {ABSURD}: .* in \[0, 100\]"):
        module.generator(shape, 8, depth=ABSURD)
    with pytest.raises(UserError, match=rf"{name}.discriminator.depth is {ABSURD}"):
        module.discriminator(shape, depth=ABSURD)


def test_an_own_network_that_keras_cannot_follow_is_one_line():
    def chain(sample_shape, num_classes=None):
        x = images = keras.Input(sample_shape)
        x = keras.layers.Dense(1)(keras.layers.Flatten()(x))
        return keras.Model(
            images, functools.reduce(lambda x, _: keras.ops.add(x, 1), range(1500), x)
        )

    model = functools.partial(
        GAN, generator=mlp.generator, discriminator=chain, objectives=losses.hinge
    )
    with pytest.raises(UserError, match="too many consecutive layers"):
        training.build(model, data.load(name="digits"))


@pytest.mark.parametrize("depth", [0, 1, 100])
def test_depths_that_can_be_built_pass(depth):
    model = mlp.generator((2,), 2, units=1, depth=depth)
    assert sum(isinstance(layer, keras.layers.Dense) for layer in model.layers) == depth + 1
