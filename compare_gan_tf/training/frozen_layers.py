"""FreezeD (Mo et al., 2020): the first layers of a discriminator keep their weights."""

import contextlib

import keras

from compare_gan_tf.errors import UserError


def first_variables(gan, number: int) -> list:
    """The trainable variables of D's first layers.

    The layers within given Keras models count one by one: those of functional models in the order
    of their depth, those of subclasses in that in which they are made. A subclass with weights of
    its own is one layer, as a block is.

    Args:
      gan: a built GAN, whose discriminator it is.
      number: of layers with weights that train.

    Raises:
      UserError: there are not more of them.
    """
    layers = list(dict.fromkeys(_layers(gan.discriminator)))
    if not 0 <= number < len(layers):
        raise UserError(
            f"train.freeze_d_layers = {number}: the discriminator has {len(layers)} layers with "
            f"weights, so it must be 0 to {len(layers) - 1}"
        )
    return [variable for layer in layers[:number] for variable in layer.trainable_variables]


@contextlib.contextmanager
def frozen(gan, variables: list):
    """Keeps these variables of a GAN as they are meanwhile; afterwards they train as before.

    Moving averages in the layers that they are of go on moving.
    """
    for variable in variables:
        variable.trainable = False
    try:
        yield
    finally:
        for variable in variables:
            variable.trainable = True
        if variables:
            gan.train_function = None  # or `fit` would go on as it was traced


def _layers(model: keras.Model):
    """The layers with weights that train, of a model and of the models in it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model) and _is_made_of_layers(layer):
            yield from _layers(layer)
        elif layer.trainable_variables:
            yield layer


def _is_made_of_layers(model: keras.Model) -> bool:
    held = {id(variable) for layer in model.layers for variable in layer.weights}
    return all(id(variable) in held for variable in model.weights)
