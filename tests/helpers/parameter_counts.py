"""Numbers of parameters of networks of any size."""

import math

import keras


def counted(make, *arguments, **options):
    """Trainable weights of a network whose weights are never made."""
    with keras.StatelessScope(initialize_variables=False):
        model = make(*arguments, **options)
        size = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    keras.utils.clear_session()  # else Keras makes them when the next scope ends
    return size
