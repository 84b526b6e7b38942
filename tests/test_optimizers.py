import keras
import numpy as np
import pytest

from compare_gan_tf import optimizers

GRADIENTS = np.random.default_rng(0).normal(size=(20, 3, 2)).astype(np.float32)


def minimised(optimizer):
    """A weight [3, 2] after one step along each of GRADIENTS."""
    weight = keras.Variable(np.arange(6, dtype=np.float32).reshape(3, 2))
    optimizer.build([weight])
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
    return weight.numpy()


@pytest.mark.parametrize("beta_1", [0.0, 0.5, 0.9])
def test_adam_is_that_of_its_paper(beta_1):
    weight, mean, square = np.arange(6.0).reshape(3, 2), 0.0, 0.0
    for step, gradient in enumerate(GRADIENTS.astype(np.float64), start=1):
        mean = beta_1 * mean + (1 - beta_1) * gradient
        square = 0.99 * square + 0.01 * gradient**2
        rate = 0.1 * np.sqrt(1 - 0.99**step) / (1 - beta_1**step)
        weight = weight - rate * mean / (np.sqrt(square) + 1e-8)  # section 2, epsilon hat
    adam = optimizers.adam(learning_rate=0.1, beta_1=beta_1, beta_2=0.99)
    np.testing.assert_allclose(minimised(adam), weight, rtol=1e-5)


def test_the_fused_adam_is_that_of_keras_with_a_schedule_and_clipping_too():
    def make(optimizer):
        schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5)
        return optimizer(schedule, 0.5, 0.99, 1e-8, global_clipnorm=1.0, weight_decay=0.01)

    fused, plain = (minimised(make(a)) for a in (optimizers.FusedAdam, keras.optimizers.Adam))
    np.testing.assert_allclose(fused, plain, rtol=1e-5)


def test_the_fused_adam_is_remade_from_its_config():
    adam = optimizers.adam(learning_rate=0.3, beta_1=0.25)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(adam))
    assert isinstance(again, optimizers.FusedAdam)
    assert again.get_config() == adam.get_config()


def test_the_fused_adam_refuses_what_its_kernel_cannot_do():
    with pytest.raises(ValueError, match="amsgrad"):
        minimised(optimizers.FusedAdam(amsgrad=True))
