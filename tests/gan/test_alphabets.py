import math

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import alphabets

PALETTE = np.array([[0, 0, 0], [255, 0, 51], [10, 200, 30]], np.uint8)


def bound(kind, shape, symbols=None, **settings):
    alphabet = kind(**settings)
    alphabet.bind(shape, symbols)
    return alphabet


def bits(**settings):
    return bound(alphabets.Bits, (2, 3, 1), **settings)


def colours(**settings):
    return bound(alphabets.Colours, (2, 2, 3), PALETTE, **settings)


def characters(**settings):
    return bound(alphabets.Characters, (5,), (" ", "a", "b", "c"), **settings)


ALL = {"bits": bits, "colours": colours, "characters": characters}


def logits_of(alphabet, number=1, seed=0):
    return np.random.default_rng(seed).normal(size=[number, *alphabet.player_shape]) * 2.0


class Draws:
    """The uniform numbers of an update."""

    def __init__(self, seed=1):
        self._rng = np.random.default_rng(seed)

    def uniform(self, tag, shape):
        return tf.constant(self._rng.uniform(size=shape))


def uniforms_for(alphabet, number, seed=1):
    rng = np.random.default_rng(seed)
    return tf.constant(rng.uniform(size=[number, *alphabet.draw_shape]))


@pytest.mark.parametrize("kind", ALL)
def test_hard_samples_are_drawn_by_their_probabilities(kind):
    alphabet, number = ALL[kind](), 20_000
    logits = tf.constant(logits_of(alphabet))
    drawn = alphabet.draw(logits, uniforms_for(alphabet, number)).numpy()
    share = (drawn + 1) / 2 if kind == "bits" else drawn
    expected = alphabet.probabilities(logits).numpy()[0]
    error = np.sqrt(expected * (1 - expected) / number)
    assert np.all(np.abs(share.mean(0) - expected) < 5 * error + 1e-6)
    if kind != "bits":
        assert np.all(drawn.sum(-1) == 1)


@pytest.mark.parametrize("kind", ALL)
def test_log_probabilities_of_all_samples_add_up(kind):
    shapes = {"bits": (2, 2, 1), "colours": (1, 2, 3), "characters": (2,)}
    symbols = {"bits": None, "colours": PALETTE, "characters": ("a", "b", "c")}
    classes = {"bits": alphabets.Bits, "colours": alphabets.Colours}
    alphabet = bound(classes.get(kind, alphabets.Characters), shapes[kind], symbols[kind])
    logits = tf.constant(logits_of(alphabet))
    states = 2 if kind == "bits" else alphabet.player_shape[-1]
    grid = np.indices([states] * int(np.prod(alphabet.draw_shape)))
    flat = grid.reshape(len(grid), -1).T.reshape(-1, *alphabet.draw_shape)
    every = 2.0 * flat - 1.0 if kind == "bits" else np.eye(states)[flat]
    total = np.exp(alphabet.log_probability(logits, tf.constant(every))).sum()
    assert total == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("kind", ALL)
def test_what_is_encoded_is_decoded_exactly(kind):
    rng = np.random.default_rng(2)
    data = {
        "bits": 255 * rng.integers(0, 2, [4, 2, 3, 1]).astype("uint8"),
        "colours": PALETTE[rng.integers(0, 3, [4, 2, 2])],
        "characters": rng.integers(0, 4, [4, 5]).astype("uint8"),
    }[kind]
    alphabet = ALL[kind]()
    hard = alphabet.encode(tf.constant(data))
    assert hard.shape[1:] == alphabet.player_shape
    decoded = alphabet.decode(hard).numpy()
    if kind == "characters":
        np.testing.assert_array_equal(decoded, data)
    else:
        back = np.floor((decoded * 0.5 + 0.5) * 255 + 0.5).astype("uint8")
        np.testing.assert_array_equal(back, data)


@pytest.mark.parametrize("kind", ALL)
def test_the_likeliest_sample_has_the_largest_probability(kind):
    alphabet = ALL[kind]()
    logits = tf.constant(logits_of(alphabet))
    best = alphabet.log_probability(logits, alphabet.likeliest(logits)).numpy()
    others = alphabet.draw(logits, uniforms_for(alphabet, 500))
    assert np.all(alphabet.log_probability(logits, others) <= best + 1e-12)


@pytest.mark.parametrize("kind", ALL)
def test_straight_through_is_hard_with_the_gradient_of_the_mean(kind):
    alphabet = ALL[kind](relaxation=alphabets.straight_through)
    logits = tf.constant(logits_of(alphabet, 3))
    weights = np.random.default_rng(3).normal(size=logits.shape)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        relaxed = tf.reduce_sum(weights * alphabet.relaxed(logits, Draws()))
        mean = tf.reduce_sum(weights * alphabet.mean(logits))
    hard = alphabet.draw(logits, alphabet.uniforms(logits, Draws()))
    assert float(relaxed) == pytest.approx(float(tf.reduce_sum(weights * hard)), abs=1e-9)
    found, expected = tape.gradient(relaxed, logits), tape.gradient(mean, logits)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("kind", ALL)
def test_a_cold_concrete_sample_is_hard_and_by_the_same_probabilities(kind):
    alphabet = ALL[kind](relaxation=alphabets.Concrete(temperature=1e-4))
    number = 5_000
    one = tf.constant(logits_of(alphabet))
    logits = tf.repeat(one, number, 0)
    soft = alphabet.relaxed(logits, Draws(4))
    share = (soft.numpy() + 1) / 2 if kind == "bits" else soft.numpy()
    assert np.mean(np.minimum(share, 1 - share) > 1e-3) < 1e-2
    expected = alphabet.probabilities(one).numpy()[0]
    assert np.all(np.abs(share.mean(0) - expected) < 5 * np.sqrt(0.25 / number) + 1e-3)


def test_hard_samples_have_no_gradient():
    alphabet = bits()
    logits = tf.constant(logits_of(alphabet))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        fake = alphabet.relaxed(logits, Draws())
    assert tape.gradient(fake, logits) is None


@pytest.mark.parametrize(
    ("kind", "shape", "symbols", "message"),
    [
        (alphabets.Bits, (2,), None, "GAN.alphabet is Bits"),
        (alphabets.Bits, (8, 8, 3), PALETTE, "GAN.alphabet is Bits"),
        (alphabets.Colours, (8, 8, 3), None, "the data has no palette"),
        (alphabets.Colours, (8,), ("a", "b"), "the data has no palette"),
        (alphabets.Characters, (8, 8, 1), None, "the data is no text"),
        (alphabets.Characters, (8,), PALETTE, "the data is no text"),
    ],
)
def test_data_of_another_kind_is_refused(kind, shape, symbols, message):
    with pytest.raises(UserError, match=message):
        bound(kind, shape, symbols)


@pytest.mark.parametrize("temperature", [0.0, np.inf])
def test_a_temperature_must_be_positive(temperature):
    with pytest.raises(UserError, match=f"Concrete.temperature is {temperature}"):
        alphabets.Concrete(temperature=temperature)


@pytest.mark.parametrize(
    ("relaxation", "message"),
    [
        (alphabets.Concrete, r"is @Concrete: it must be @Concrete\(\), with parentheses"),
        (3, "is 3: it must be"),
        ("concrete", "is 'concrete': it must be"),
        (math.tanh, "is @tanh: it must be"),
    ],
)
def test_what_cannot_relax_is_refused(relaxation, message):
    with pytest.raises(UserError, match=f"Bits.relaxation {message}"):
        alphabets.Bits(relaxation=relaxation)


def test_the_probability_of_a_bit_is_the_logistic_function_of_its_logit():
    alphabet = bound(alphabets.Bits, (2, 2, 1), None)
    rng = np.random.default_rng(5)
    logits = rng.normal(scale=3.0, size=[6, 2, 2, 1])
    hard = rng.choice([-1.0, 1.0], size=logits.shape)
    found = alphabet.log_probability(tf.constant(logits), tf.constant(hard))
    expected = np.log(1.0 / (1.0 + np.exp(-hard * logits))).sum((1, 2, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
