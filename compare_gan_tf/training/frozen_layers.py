"""FreezeD (Mo et al., 2020): the first layers of a discriminator keep their weights."""

import contextlib

import keras

from compare_gan_tf.errors import UserError


@contextlib.contextmanager
def frozen(gan, number: int):
    """Keeps the weights of D's first layers meanwhile; afterwards they train as before.

    The layers within given Keras models count one by one: those of functional models in the order
    of their depth, those of subclasses in that in which they are made. A subclass with weights of
    its own is one layer, as a block is. Moving averages in kept layers go on moving.

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
    kept = [v for layer in layers[:number] for v in layer.trainable_variables]
    for variable in kept:
        variable.trainable = False
    try:
        yield
    finally:
        for variable in kept:
            variable.trainable = True
        if kept:
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
