"""FreezeD (Mo et al., 2020): the first layers of the discriminator are not trained."""

import contextlib

import keras

from compare_gan_tf.errors import UserError


def first_variables(gan, number: int) -> list:
    """The trainable variables of the discriminator's first layers.

    Layers of nested Keras models are counted one by one: those of a functional model sorted by
    depth, those of a subclassed model in the order of creation. A subclassed model with weights of
    its own counts as one layer, like a block.

    Args:
      gan: a built GAN.
      number: number of layers with trainable weights, less than the discriminator has.

    Raises:
      UserError: the discriminator does not have more layers than `number`.
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
    """Context manager in which these variables of a GAN are not trained.

    Moving averages in the same layers are still updated.
    """
    for variable in variables:
        variable.trainable = False
    try:
        yield
    finally:
        for variable in variables:
            variable.trainable = True
        if variables:
            gan.train_function = None  # `fit` must trace again, with these variables trainable


def _layers(model: keras.Model):
    """Yields the layers with trainable weights of a model and of nested models."""
    for layer in model.layers:
        if isinstance(layer, keras.Model) and _is_made_of_layers(layer):
            yield from _layers(layer)
        elif layer.trainable_variables:
            yield layer


def _is_made_of_layers(model: keras.Model) -> bool:
    held = {id(variable) for layer in model.layers for variable in layer.weights}
    return all(id(variable) in held for variable in model.weights)
