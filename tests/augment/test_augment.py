"""What holds for every augmentation, and APA's exchange."""

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.augment import ADA, APA, Augmentation, Chain, Constant, DiffAugment
from compare_gan_tf.errors import UserError
from compare_gan_tf.random import Noise

SHAPE = (6, 8, 8, 3)
LAYERS = {
    "diffaugment": DiffAugment,
    "ada": lambda: ADA(controller=Constant(0.8)),
    "chain": lambda: Chain([APA(Constant(0.5)), ADA(controller=Constant(0.5)), DiffAugment()]),
}


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(-1, 1, SHAPE).astype(np.float32)


@pytest.fixture(params=LAYERS)
def layer(request):
    return LAYERS[request.param]()


def apply(layer, images, *, step=3, tag="real"):
    return layer(images, noise=Noise(1, step, 0), tag=tag)


def test_xla_compiles_it_and_gives_the_same(layer, images):
    compiled = tf.function(
        lambda at, step: layer(at, noise=Noise(1, step, 0), tag="real"), jit_compile=True
    )
    found = compiled(images, tf.constant(3, tf.int64))
    np.testing.assert_allclose(found, apply(layer, images), atol=2e-5)


def test_the_shape_stays_and_the_images_change(layer, images):
    found = apply(layer, images)
    assert found.shape == SHAPE
    assert np.abs(found - images).mean() > 0.05


def test_a_row_depends_on_its_own_global_row_only(layer, images):
    others = images.copy()
    others[3:] = 0.25
    expected = apply(layer, images)[:3]
    np.testing.assert_allclose(apply(layer, others)[:3], expected, atol=1e-6)
    # Were it the first half of a global batch; sines of more rows may be rounded otherwise.
    np.testing.assert_allclose(apply(layer, images[:3]), expected, atol=2e-5)


def test_steps_tags_and_rows_draw_anew(layer, images):
    same = np.repeat(images[:1], 6, 0)
    first = apply(layer, same).numpy()
    np.testing.assert_array_equal(apply(layer, same), first)
    for other in (apply(layer, same, step=4), apply(layer, same, tag="fake"), first[::-1]):
        assert np.mean(np.any(other != first, axis=(1, 2, 3))) > 0.5


def test_second_order_gradients_pass_as_r1_before_augmentation_needs(layer, images):
    """The slope of |d D(T(x)) / d x|^2 in x along a direction, by finite differences."""
    noise = Noise(1, 3, 0)
    weights = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    direction = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)

    def penalty(at):
        with tf.GradientTape() as tape:
            tape.watch(at)
            value = tf.reduce_sum(weights * tf.square(layer(at, noise=noise, tag="a")))
        return tf.reduce_mean(tf.square(tape.gradient(value, at)))

    at = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = penalty(at)
    slope = tf.reduce_sum(tape.gradient(value, at) * direction)
    step = 0.1  # the penalty is quadratic: central differences are exact but for rounding
    difference = (penalty(at + step * direction) - penalty(at - step * direction)) / (2 * step)
    np.testing.assert_allclose(slope, difference, rtol=2e-3)


@pytest.mark.parametrize(("jit_compile", "channels"), [(False, 3), (False, 1), (True, 3)])
def test_with_p_zero_ada_leaves_every_bit(images, jit_compile, channels):
    layer, given = ADA(), images[:2, :, :6, :channels]
    call = tf.function(
        lambda at: layer(at, noise=Noise(1, 3, 0), tag="real"), jit_compile=jit_compile
    )
    np.testing.assert_array_equal(call(given).numpy().view(np.int32), given.view(np.int32))


def test_it_does_nothing_by_default(images):
    layer = Augmentation()
    assert apply(layer, images) is not None
    np.testing.assert_array_equal(apply(layer, images), images)
    assert layer.mix(images, None, None, "real") is images


# --- APA --------------------------------------------------------------------------------------


def pair(number):
    """Reals of zeros with label 0 and fakes of ones with label 1."""
    real = tf.zeros([number, 2, 2, 1]), tf.zeros([number], tf.int32)
    return real, (tf.ones([number, 2, 2, 1]), tf.ones([number], tf.int32))


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_the_share_of_fakes_among_the_reals_is_p_and_labels_go_with_them(p):
    number = 5000
    images, labels = APA(Constant(p)).mix(*pair(number), Noise(0, 1, 0), "real")
    assert abs(np.mean(labels) - p) <= 5 * np.sqrt(p * (1 - p) / number)
    expected = np.broadcast_to(labels.numpy()[:, None, None, None], images.shape)
    np.testing.assert_array_equal(images, expected)


def test_absent_labels_stay_absent_and_more_fakes_than_reals_are_left_over():
    (real, _), (fake, _) = pair(4)
    images, labels = APA(Constant(1.0)).mix(
        (real, None), (tf.concat([fake, 2 * fake], 0), None), Noise(0, 1, 0), "real"
    )
    assert labels is None
    np.testing.assert_array_equal(images, fake)


def test_no_gradient_reaches_the_generator_through_pseudo_reals():
    real, fake = pair(8)
    with tf.GradientTape() as tape:
        tape.watch(fake[0])
        images, _ = APA(Constant(0.5)).mix(real, fake, Noise(0, 1, 0), "real")
    assert tape.gradient(images, fake[0]) is None


def test_a_chain_of_something_else_is_refused():
    with pytest.raises(UserError, match="Chain.augmentations"):
        Chain([DiffAugment])
    with pytest.raises(UserError, match="needs images"):
        Chain([DiffAugment()]).check((3,))
