"""FastGAN's objectives against numbers from numpy."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.architectures import mlp
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN
from compare_gan_tf.objectives import PatchHinge, Reconstruction
from compare_gan_tf.objectives.base import Scored
from compare_gan_tf.objectives.reconstruction import absolute_distance, quadrants
from compare_gan_tf.random import Noise
from compare_gan_tf.testing import small_gan

GAME = types.SimpleNamespace(noise=Noise(3, 0, 0))
REAL = np.array([[1.5, -0.5, 0.9], [0.2, 2.0, -1.0]], np.float32)
FAKE = np.array([[-2.0, 0.5, -0.95], [0.0, -0.85, 1.0]], np.float32)


def scored(patches):
    return Scored(None, None, None, heads={"patches": tf.constant(patches)})


def terms(objective):
    both = {"real": scored(REAL), "fake": scored(FAKE)}
    d = objective.discriminator(GAME, None, both)
    (g,) = objective.generator(GAME, None, {"fake": both["fake"]})
    return [term.values.numpy() for term in (*d, g)]


def test_without_smoothing_it_is_the_hinge_of_each_patch():
    real, fake, g = terms(PatchHinge(smoothing=0.0))
    np.testing.assert_allclose(real, np.maximum(0, 1 - REAL).mean(1), rtol=1e-6)
    np.testing.assert_allclose(fake, np.maximum(0, 1 + FAKE).mean(1), rtol=1e-6)
    np.testing.assert_allclose(g, -FAKE.mean(1), rtol=1e-6)


def test_margins_are_uniform_between_1_minus_smoothing_and_1():
    """Where all scores are below, the loss is the margin less the score."""
    objective, score = PatchHinge(smoothing=0.2), np.full((400, 50), -3.0, np.float32)
    found = objective.discriminator(GAME, None, {"real": scored(score), "fake": scored(-score)})
    margins = [term.values.numpy() - 3.0 for term in found]
    for margin in margins:
        assert margin.mean() == pytest.approx(0.9, abs=5 * 0.2 / (12 * 20000) ** 0.5)
        assert margin.std() == pytest.approx(0.2 / (12 * 50) ** 0.5, rel=0.2)
    assert np.any(margins[0] != margins[1])


def test_quadrants_are_those_of_each_sample():
    x = np.arange(4 * 4 * 6).reshape(4, 4, 6, 1)
    found = quadrants(tf.constant(x), tf.constant([0, 1, 2, 3])).numpy()
    np.testing.assert_array_equal(found[0], x[0, :2, :3])
    np.testing.assert_array_equal(found[1], x[1, :2, 3:])
    np.testing.assert_array_equal(found[2], x[2, 2:, :3])
    np.testing.assert_array_equal(found[3], x[3, 2:, 3:])


def test_targets_are_every_kth_pixel_of_what_d_has_seen_and_of_the_same_quadrant():
    """Decoders that return their maps: the distance is 0 from maps that are the target."""
    objective = Reconstruction(distance=absolute_distance)
    objective.decoders = [lambda maps, training: maps] * 3
    rng = np.random.default_rng(0)
    seen = tf.constant(rng.uniform(-1, 1, (6, 16, 16, 3)), tf.float32)
    heads = {
        "seen": seen,
        "whole_maps": seen[:, ::2, ::2],
        "part_maps": seen[:, ::2, ::2],  # its quadrant of 4 x 4 is every second pixel of 8 x 8
        "small_maps": seen[:, ::4, ::4],
    }
    (term,) = objective.discriminator(GAME, None, {"real": Scored(None, None, None, heads=heads)})
    np.testing.assert_allclose(term.values, np.zeros(6), atol=1e-6)
    shifted = heads | {"small_maps": heads["small_maps"] + 0.25}
    (term,) = objective.discriminator(GAME, None, {"real": Scored(None, None, None, heads=shifted)})
    np.testing.assert_allclose(term.values, np.full(6, 0.25), rtol=1e-5)


def test_distances_are_taken_in_float32():
    """Of maps in float16 and decoders in float32, as in mixed precision."""
    objective = Reconstruction(distance=lambda images, targets: (images - targets)[:, 0, 0, 0])
    objective.decoders = [lambda maps, training: tf.cast(maps, tf.float32)] * 3
    maps = tf.constant(np.full((2, 16, 16, 3), 0.1), tf.float16)
    heads = {"seen": maps, **dict.fromkeys(Reconstruction.reads[1:], maps)}
    (term,) = objective.discriminator(GAME, None, {"real": Scored(None, None, None, heads=heads)})
    assert term.values.dtype == tf.float32


def test_decoders_have_the_published_channels_and_learn_with_d():
    gan = small_gan([PatchHinge(), Reconstruction(width=3, doublings=1)])
    decoder = gan.objectives[1].decoders[0]
    assert decoder.output.shape == (None, 4, 4, 1)
    convs = [layer for layer in decoder.layers if hasattr(layer, "layer")]
    assert [layer.layer.filters for layer in convs] == [2 * 4 * 3, 1]
    trained = {id(v) for v in gan.d_optimizer._trainable_variables}
    assert {id(v) for v in decoder.trainable_variables} <= trained


def test_a_discriminator_without_patches_is_refused():
    keras.utils.set_random_seed(0)
    for objective, output in ((PatchHinge(), "patches"), (Reconstruction(), "seen")):
        with pytest.raises(UserError, match=f"needs the output '{output}'.*@fastgan"):
            GAN(
                (4, 4, 1),
                generator=mlp.generator,
                discriminator=mlp.discriminator,
                objectives=[objective],
            )


def test_too_many_doublings_are_refused():
    with pytest.raises(UserError, match="doublings is 2: it makes images of 8 px"):
        small_gan([PatchHinge(), Reconstruction(doublings=2)])
