import keras
import numpy as np
import pytest

from compare_gan_tf import optimizers
from compare_gan_tf.errors import UserError
from compare_gan_tf.optimizers.schedules import cosine_decay, linear_decay

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


@pytest.mark.parametrize("make", [optimizers.adam, optimizers.sgd, optimizers.rmsprop])
def test_every_optimiser_clips_and_follows_schedules(make):
    schedule = linear_decay(start=0.1, steps=40)
    scaled, clipped = make(learning_rate=schedule, clip_norm=2.0), make(clip_value=0.5)
    assert (scaled.global_clipnorm, clipped.clipvalue) == (2.0, 0.5)
    assert np.all(np.isfinite(minimised(scaled)))
    assert float(scaled.learning_rate) == pytest.approx(0.05)


def test_gradients_are_clipped_by_the_norm_of_all_together_or_by_value():
    for settings, expected in (({"clip_norm": 1.0}, (0.6, 0.8)), ({"clip_value": 3.5}, (3.0, 3.5))):
        weights = [keras.Variable([0.0]), keras.Variable([0.0])]
        sgd = optimizers.sgd(learning_rate=1.0, **settings)
        sgd.build(weights)
        sgd.apply([keras.ops.convert_to_tensor([g]) for g in (3.0, 4.0)], weights)
        np.testing.assert_allclose([-float(w[0]) for w in weights], expected, rtol=1e-6)


def test_schedules_count_training_steps_of_several_updates():
    sgd = optimizers.sgd(learning_rate=linear_decay(start=1.0, steps=10))
    optimizers.count_training_steps(sgd, updates=3)
    rates = []
    weight = keras.Variable([0.0])
    sgd.build([weight])
    for _ in range(7):
        rates.append(float(sgd.learning_rate))
        sgd.apply([keras.ops.ones(1)], [weight])
    np.testing.assert_allclose(rates, [1.0, 1.0, 1.0, 0.9, 0.9, 0.9, 0.8], rtol=1e-6)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(sgd))
    assert float(again._learning_rate(6)) == pytest.approx(0.8)


def test_beta_2_may_be_a_schedule():
    beta_2 = cosine_decay(start=0.9, end=0.99, steps=20)
    adam = optimizers.adam(learning_rate=0.1, beta_1=0.0, beta_2=beta_2)
    weight, square = np.arange(6.0).reshape(3, 2), 0.0
    for step, gradient in enumerate(GRADIENTS.astype(np.float64)):
        beta = 0.9 + 0.09 * (1 - np.cos(np.pi * step / 20)) / 2
        square = beta * square + (1 - beta) * gradient**2
        rate = 0.1 * np.sqrt(1 - beta ** (step + 1))
        weight = weight - rate * gradient / (np.sqrt(square) + 1e-8)
    np.testing.assert_allclose(minimised(adam), weight, rtol=1e-4)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(adam))
    assert float(again.beta_2(20)) == pytest.approx(0.99)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_may_be_a_schedule(nesterov):
    """From .5 to .7 in 10 updates, then constant; Sutskever et al. (2013), eq. 1 to 4."""
    momentum = linear_decay(start=0.5, end=0.7, steps=10)
    sgd = optimizers.sgd(learning_rate=0.1, momentum=momentum, nesterov=nesterov)
    weight, velocity = np.arange(6.0).reshape(3, 2), 0.0
    for step, gradient in enumerate(GRADIENTS.astype(np.float64)):
        now = 0.5 + 0.2 * min(step / 10, 1.0)
        velocity = now * velocity - 0.1 * gradient
        weight = weight + (now * velocity - 0.1 * gradient if nesterov else velocity)
    np.testing.assert_allclose(minimised(sgd), weight, rtol=1e-5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(sgd))
    assert float(again.momentum(5)) == pytest.approx(0.6)
    optimizers.count_training_steps(again, updates=3)
    assert float(again.momentum(16)) == pytest.approx(0.6)


def test_a_constant_schedule_of_momentum_is_that_of_keras():
    constant = linear_decay(start=0.9, end=0.9, steps=1)
    ours = optimizers.sgd(learning_rate=0.1, momentum=constant)
    np.testing.assert_array_equal(minimised(ours), minimised(optimizers.sgd(momentum=0.9)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clip_norm": 1.0, "clip_value": 1.0}, "give one of them"),
        ({"clip_norm": 0.0}, "adam.clip_norm is 0.0"),
        ({"learning_rate": linear_decay}, "give @linear_decay"),
        ({"beta_2": cosine_decay}, "adam.beta_2 is @cosine_decay.*give @cosine_decay"),
    ],
)
def test_bad_settings_of_optimisers_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        optimizers.adam(**settings)
