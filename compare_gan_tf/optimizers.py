"""Optimisers under gin: small functions, because a misspelt parameter of theirs is an error."""

import gin
import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class FusedAdam(keras.optimizers.Adam):
    """Keras' Adam with TensorFlow's own kernel: one pass over each variable instead of a dozen.

    The formula, the slots and the config are those of Keras; only rounding differs. Gradients are
    dense, and there is no amsgrad.
    """

    def build(self, variables):
        if self.amsgrad:
            raise ValueError("FusedAdam has no amsgrad: take keras.optimizers.Adam")
        super().build(variables)

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        slots = (slots[index] for slots in (self._momentums, self._velocities))
        variable, momentum, velocity = (_resource(v) for v in (variable, *slots))
        dtype = gradient.dtype
        step = tf.cast(self.iterations, dtype) + 1.0
        tf.raw_ops.ResourceApplyAdam(
            var=variable,
            m=momentum,
            v=velocity,
            beta1_power=tf.cast(self.beta_1, dtype) ** step,
            beta2_power=tf.cast(self.beta_2, dtype) ** step,
            lr=tf.cast(learning_rate, dtype),
            beta1=tf.cast(self.beta_1, dtype),
            beta2=tf.cast(self.beta_2, dtype),
            epsilon=tf.cast(self.epsilon, dtype),
            grad=gradient,
        )


def _resource(variable):
    """The handle of this replica's part of a variable."""
    is_keras = isinstance(variable, keras.Variable)
    return (variable.value if is_keras else variable).handle


@gin.configurable(module="optimizers")
def adam(
    *,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
):
    """Adam (Kingma and Ba, 2015); epsilon is TensorFlow 1's 1e-8, not Keras' 1e-7."""
    return FusedAdam(learning_rate, beta_1, beta_2, epsilon)


@gin.configurable(module="optimizers")
def sgd(*, learning_rate: float = 0.1, momentum: float = 0.0, nesterov: bool = False):
    """Stochastic gradient descent, with momentum (Sutskever et al., 2013) if it is not 0."""
    return keras.optimizers.SGD(learning_rate, momentum, nesterov)


@gin.configurable(module="optimizers")
def rmsprop(*, learning_rate: float = 5e-5, rho: float = 0.9, epsilon: float = 1e-10):
    """RMSprop (Tieleman and Hinton, 2012) as the Wasserstein GAN's experiments have it."""
    return keras.optimizers.RMSprop(learning_rate, rho, epsilon=epsilon)
