"""For G(z) = tanh(z A) and D(x) = <w, x> + <x, x> / 2 the step is known in NumPy's float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import latents, random
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import update
from compare_gan_tf.layers import batch_norm
from compare_gan_tf.objectives import Adversarial, LatentOptimization, Samples, losses
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR, Game
from compare_gan_tf.testing import small_gan

RNG = np.random.default_rng(0)
N, DIM, SIZE = 6, 3, 4
A, W = RNG.normal(size=[DIM, SIZE]), RNG.normal(size=SIZE)
Z = RNG.uniform(-1, 1, [N, DIM])
STEP = {"step_size": 0.9, "damping": 0.1}


def game(a, w):
    return Game(
        random.Noise(0, 3, 0),
        update.gather,
        tf.constant(3, tf.int64),
        generate=lambda z, labels: tf.tanh(z @ a),
        judge=lambda images, labels: (
            tf.linalg.matvec(images, w) + 0.5 * tf.reduce_sum(images**2, 1)
        ),
    )


def moves(a, w, z=Z):
    """In NumPy."""
    x = np.tanh(z @ a)
    g = ((w + x) * (1 - x**2)) @ a.T
    return 0.9 * g / (0.1 + np.sum(g**2, 1, keepdims=True))


def tensors(*arrays):
    return [tf.constant(array, tf.float64) for array in arrays]


def test_the_step_is_that_of_the_damped_natural_gradient():
    made = LatentOptimization(**STEP, fraction=1.0)
    a, w, z = tensors(A, W, Z)
    moved, delta = made.latents(game(a, w), z, None)
    np.testing.assert_allclose(delta, moves(A, W), rtol=1e-9)
    np.testing.assert_allclose(moved, Z + moves(A, W), rtol=1e-9)
    x = np.tanh(Z @ A)
    for g, found in zip(((W + x) * (1 - x**2)) @ A.T, delta.numpy(), strict=True):
        inverse = np.linalg.inv(np.outer(g, g) + 0.1 * np.eye(DIM))
        np.testing.assert_allclose(found, 0.9 * inverse @ g, rtol=1e-9)
    samples = Samples(None, None, moved, None, None, moves={made.name: delta})
    for terms in (made.discriminator, made.generator):
        (term,) = terms(game(a, w), samples, {})
        np.testing.assert_allclose(term.values, np.sum(moves(A, W) ** 2, 1), rtol=1e-9)


def test_latents_are_clipped_and_a_fraction_stays():
    a, w, z = tensors(A, W, Z)
    clipped, _ = LatentOptimization(**STEP, fraction=1.0, limit=1.0).latents(game(a, w), z, None)
    np.testing.assert_allclose(clipped, np.clip(Z + moves(A, W), -1, 1), rtol=1e-9)
    many = tf.constant(RNG.uniform(-1, 1, [1000, DIM]), tf.float64)
    moved, delta = LatentOptimization(**STEP, fraction=0.8).latents(game(a, w), many, None)
    still = np.all(delta.numpy() == 0, 1)
    np.testing.assert_array_equal(moved.numpy()[still], many.numpy()[still])
    np.testing.assert_allclose(delta.numpy()[~still], moves(A, W, many.numpy())[~still], rtol=1e-9)
    assert 0.76 < np.mean(~still) < 0.84  # three deviations


def test_gradients_of_both_players_flow_through_the_step():
    made = LatentOptimization(**STEP, fraction=1.0)
    z, (a, w) = tf.constant(Z, tf.float64), tensors(A, W)
    with tf.GradientTape() as tape:
        tape.watch([a, w])
        moved, delta = made.latents(game(a, w), z, None)
        scores = game(a, w).judge(tf.tanh(moved @ a), None)
        loss = tf.reduce_mean(scores) + 0.3 * tf.reduce_mean(tf.reduce_sum(delta**2, 1))
    found = tape.gradient(loss, [a, w])

    def value(a, w):
        x = np.tanh((Z + moves(a, w)) @ a)
        penalty = 0.3 * np.mean(np.sum(moves(a, w) ** 2, 1))
        return np.mean(x @ w + 0.5 * np.sum(x**2, 1)) + penalty

    for index, array in enumerate((A, W)):
        expected = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            up, down = [A.copy(), W.copy()], [A.copy(), W.copy()]
            up[index][place] += 1e-6
            down[index][place] -= 1e-6
            expected[place] = (value(*up) - value(*down)) / 2e-6
        np.testing.assert_allclose(found[index], expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("player", [DISCRIMINATOR, GENERATOR])
def test_an_update_takes_the_moved_latents(player):
    """With one objective, the loss of the player is that of the fakes of moved latents."""
    keras.utils.set_random_seed(0)
    made = LatentOptimization(**STEP, fraction=1.0)
    gan = small_gan([Adversarial(losses.wasserstein), made], kernel_norm=None)
    images = tf.constant(RNG.uniform(-1, 1, [8, *gan.sample_shape]), tf.float32)
    labels, now = tf.zeros([8], tf.int32), {"step": tf.constant(0, tf.int64), "substep": 0}
    context = update.begin(gan, player, now["step"], 0)
    fakes = update.generate(context, 8, labels)
    z = context.game.noise.draw("z", gan.latents.sample, 8)
    np.testing.assert_allclose(fakes.z, z + fakes.moves[made.name], rtol=1e-6)
    codes = gan.latents.dim - gan.latents.noise.dim
    assert isinstance(gan.latents, latents.Coded) and made.codes == codes > 0
    assert np.min(np.sum(np.square(fakes.moves[made.name]), 1)) > 0
    np.testing.assert_array_equal(fakes.moves[made.name][:, -codes:], 0.0)
    drawn = context.game.generate(z, fakes.labels)
    before = float(np.mean(context.game.judge(drawn, fakes.labels)))
    after = float(np.mean(context.game.judge(fakes.outputs, fakes.labels)))
    assert after > before  # of the step on D's logit
    logs = update.update(gan, player, images, labels, **now)
    name = "adversarial/fake" if player == DISCRIMINATOR else "adversarial"
    expected = after if player == DISCRIMINATOR else -after
    np.testing.assert_allclose(logs[f"{player}/{name}"], expected, rtol=1e-4)


def test_it_makes_a_pass_of_its_own_for_g_under_reuse():
    gan = small_gan([losses.hinge, LatentOptimization()], reuse_last_batch=True)
    assert not gan.shares_pass and small_gan([losses.hinge], reuse_last_batch=True).shares_pass


def test_what_does_not_fit_is_refused():
    with pytest.raises(UserError, match="LatentOptimization scores fakes without reals"):
        small_gan([losses.hinge, LatentOptimization()], d_norm=batch_norm)
    with pytest.raises(UserError, match="LatentOptimization.damping is 0"):
        LatentOptimization(damping=0)
