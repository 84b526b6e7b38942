"""Optimisers under gin: small functions, because a misspelt parameter of theirs is an error."""

import gin
import keras


@gin.configurable(module="optimizers")
def adam(
    *,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
):
    """Adam (Kingma and Ba, 2015); epsilon is TensorFlow 1's 1e-8, not Keras' 1e-7."""
    return keras.optimizers.Adam(learning_rate, beta_1, beta_2, epsilon)


@gin.configurable(module="optimizers")
def sgd(*, learning_rate: float = 0.1, momentum: float = 0.0, nesterov: bool = False):
    """Stochastic gradient descent, with momentum (Sutskever et al., 2013) if it is not 0."""
    return keras.optimizers.SGD(learning_rate, momentum, nesterov)


@gin.configurable(module="optimizers")
def rmsprop(*, learning_rate: float = 5e-5, rho: float = 0.9, epsilon: float = 1e-10):
    """RMSprop (Tieleman and Hinton, 2012) as the Wasserstein GAN's experiments have it."""
    return keras.optimizers.RMSprop(learning_rate, rho, epsilon=epsilon)
