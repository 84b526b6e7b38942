"""ADA's multipliers, its pipelines by name, and what it does to images after geometry and colours.

The expected numbers are NVIDIA's rules (stylegan2-ada-pytorch, training/augment.py and train.py),
worked out by hand or by numpy.
"""

import functools

import gin
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.augment import ADA, Constant, colours, corruptions, geometry
from compare_gan_tf.config import configurables
from compare_gan_tf.errors import UserError
from compare_gan_tf.random import Noise

NUMBER = 20_000
BLITTING = ["x_flip", "quarter_turns", "integer_translation"]
GENERAL = [
    "isotropic_scaling", "rotation", "anisotropic_scaling", "rotation", "fractional_translation",
]  # fmt: skip
COLOURS = ["brightness", "contrast", "luma_flip", "hue", "saturation"]
PIPELINES = {
    "blit": BLITTING,
    "geom": GENERAL,
    "color": COLOURS,
    "filter": ["band_filter"],
    "noise": ["rgb_noise"],
    "cutout": ["cutout_rectangle"],
    "bg": BLITTING + GENERAL,
    "bgc": BLITTING + GENERAL + COLOURS,
    "bgcf": BLITTING + GENERAL + COLOURS + ["band_filter"],
    "bgcfn": BLITTING + GENERAL + COLOURS + ["band_filter", "rgb_noise"],
    "bgcfnc": BLITTING + GENERAL + COLOURS + ["band_filter", "rgb_noise", "cutout_rectangle"],
}


def _names(layer) -> list[str]:
    functions = (*layer.geometry, *layer.colours, *layer.corruptions)
    return [function.__name__ for function in functions]


@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines_are_nvidias(name):
    assert _names(ADA(pipeline=name)) == PIPELINES[name]


def test_the_published_pipeline_is_the_default_and_a_part_can_be_replaced():
    assert _names(ADA()) == PIPELINES["bgc"]
    replaced = ADA(pipeline="bgcfnc", colours=[colours.hue])
    assert _names(replaced) == BLITTING + GENERAL + ["hue", *PIPELINES["bgcfnc"][-3:]]


@pytest.mark.parametrize("pipeline", ["bcg", "", ["bgc"], None])
def test_other_pipelines_are_refused(pipeline):
    with pytest.raises(UserError, match="ADA.pipeline is .*bgcfnc"):
        ADA(pipeline=pipeline)


def _share_of_changed(transform, p: float, size) -> float:
    matrices = transform(Noise(5, 1, 0), "t", p, size).numpy()
    return np.mean(np.any(matrices != np.eye(matrices.shape[-1]), axis=(1, 2)))


@pytest.mark.parametrize(
    ("transform", "size", "share"),
    [
        (geometry.isotropic_scaling, (NUMBER, 16, 16, 3), 0.15),
        (geometry.x_flip, (NUMBER, 16, 16, 3), 0.075),
        (geometry.rotation, (NUMBER, 16, 16, 3), 1 - np.sqrt(1 - 0.15)),
        (colours.hue, NUMBER, 0.15),
        (colours.luma_flip, NUMBER, 0.075),
    ],
)
def test_a_multiplier_scales_the_probability(transform, size, share):
    halved = functools.partial(transform, multiplier=0.5)
    error = 5 * np.sqrt(share * (1 - share) / NUMBER)
    assert abs(_share_of_changed(halved, 0.3, size) - share) < error


def test_multipliers_end_at_certainty_and_at_never():
    shape = (64, 16, 16, 3)
    always = functools.partial(geometry.isotropic_scaling, multiplier=4.0)
    assert _share_of_changed(always, 0.3, shape) == 1.0
    assert np.all(np.isfinite(geometry.rotation(Noise(0, 0, 0), "t", 0.9, shape, multiplier=2.0)))
    never = functools.partial(geometry.rotation, multiplier=0.0)
    assert _share_of_changed(never, 1.0, shape) == 0.0


@pytest.mark.parametrize("multiplier", [-0.5, "half"])
def test_multipliers_that_are_none_are_refused(multiplier):
    transform = functools.partial(colours.hue, multiplier=multiplier)
    with pytest.raises(UserError, match="multiplier"):
        ADA(geometry=[], colours=[transform]).check((8, 8, 3))


def test_gin_binds_multipliers(no_bindings):
    configurables.load()
    gin.parse_config("ada.hue.multiplier = 0.0\nADA.pipeline = 'color'")
    try:
        layer = gin.get_configurable("ADA")(controller=Constant(1.0))
        hue = layer.colours[3]
        matrices = hue(Noise(0, 0, 0), "t", 1.0, 8)
    finally:
        gin.clear_config()
    np.testing.assert_array_equal(matrices, np.broadcast_to(np.eye(4), [8, 4, 4]))


# --- Cutout and noise -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("centre", "columns", "rows"),
    [
        # |(i + 1/2) / side - centre| < 1/4, side 8 across and 4 down.
        ([0.5, 0.5], range(2, 6), range(1, 3)),
        ([0.0, 1.0], range(2), range(3, 4)),
        ([0.3, 0.6], range(0, 4), range(1, 3)),
    ],
)
def test_cutout_covers_pixels_whose_centres_are_in_it(given, centre, columns, rows):
    images = np.ones([2, 4, 8, 3], np.float32)
    found = corruptions.cutout_rectangle(given(chosen=0.0, centre=centre), "t", 1.0, images)
    expected = images.copy()
    expected[:, rows.start : rows.stop, columns.start : columns.stop] = 0.0
    np.testing.assert_array_equal(found, expected)


def test_noise_is_scaled_for_each_image(given):
    images = np.zeros([2, 4, 4, 3], np.float32)
    noise = given(chosen=0.0, scale=-2.0, elements=1.5)
    found = corruptions.rgb_noise(noise, "t", 1.0, images)
    np.testing.assert_allclose(found, images + 0.1 * 2.0 * 1.5, rtol=1e-6)


@pytest.mark.parametrize("name", ["cutout_rectangle", "rgb_noise", "band_filter"])
def test_what_is_not_chosen_comes_out_as_it_is(name):
    images = np.random.default_rng(0).uniform(-1, 1, [400, 8, 8, 3]).astype(np.float32)
    transform = getattr(corruptions, name)
    untouched = transform(Noise(1, 0, 0), "t", 0.0, images)
    np.testing.assert_array_equal(untouched, images)
    halved = transform(Noise(1, 0, 0), "t", 0.6, images, multiplier=0.5).numpy()
    share = {"band_filter": 1 - 0.7**4}.get(name, 0.3)  # four bands, each chosen by itself
    same = np.mean(np.all(halved == images, axis=(1, 2, 3)))
    assert abs(1 - same - share) < 5 * np.sqrt(share * (1 - share) / 400)


# --- Filtering --------------------------------------------------------------------------------


def _response(taps, frequency):
    """Of taps centred on 0 at a frequency in half-cycles a pixel, real for symmetric ones."""
    offsets = np.arange(len(taps)) - len(taps) // 2
    return np.sum(taps * np.cos(np.pi * frequency * offsets))


def test_the_bank_splits_octaves_and_adds_up_to_the_identity():
    bank = corruptions.filter_bank()
    assert bank.shape == (4, 43)
    np.testing.assert_allclose(bank, bank[:, ::-1], atol=1e-12)
    np.testing.assert_allclose(bank.sum(0), np.eye(1, 43, 21)[0], atol=1e-12)
    np.testing.assert_allclose(bank.sum(1), [1, 0, 0, 0], atol=1e-12)  # the mean is of the lowest
    # Half-band filters are 1/2 in the middle of the spectrum, and each band ends where the next
    # octave begins.
    assert _response(bank[3], 0.5) == pytest.approx(0.5)
    assert _response(bank[3], 1.0) == pytest.approx(1.0)
    assert [_response(bank[band], 1.0) for band in range(3)] == pytest.approx([0, 0, 0], abs=1e-12)
    assert _response(bank[2], 0.5) == pytest.approx(0.5)


def test_the_gain_of_one_band_is_normalised_by_the_expected_power(given):
    """With the lowest band twice as strong, power (10 * 4 + 3) / 13 is scaled back to 1."""
    images = np.full([2, 8, 8, 1], 0.5, np.float32)  # all of it in the lowest band

    class LowestAlone(given):
        def uniform(self, tag, shape):
            return tf.fill(shape, 0.0 if "band0" in tag else 1.0)

    found = corruptions.band_filter(LowestAlone(gain=1.0), "t", 0.5, images)
    np.testing.assert_allclose(found, 0.5 * 4 / (43 / 13), rtol=1e-5)  # along either axis


def test_filtering_is_along_both_axes_of_the_reflected_image(given):
    images = np.random.default_rng(1).uniform(-1, 1, [1, 30, 24, 2]).astype(np.float32)
    found = corruptions.band_filter(given(chosen=0.0, gain=-1.5), "t", 1.0, images).numpy()
    gains = np.ones(4)
    for band in range(4):
        own = np.where(np.arange(4) == band, 2.0**-1.5, 1.0)
        gains *= own / np.sqrt(np.sum(np.array([10, 1, 1, 1]) / 13 * own**2))
    taps = gains @ corruptions.filter_bank()
    padded = np.pad(images[0], [(21, 21), (21, 21), (0, 0)], mode="reflect").astype(np.float64)
    for axis in (0, 1):
        padded = np.apply_along_axis(np.convolve, axis, padded, taps, "valid")
    np.testing.assert_allclose(found[0], padded, atol=1e-5)


def test_a_gradient_of_a_gradient_goes_through_the_whole_pipeline():
    layer = ADA(pipeline="bgcfnc", controller=Constant(0.8))
    images = tf.constant(np.random.default_rng(2).uniform(-1, 1, [4, 8, 8, 3]), tf.float32)

    @tf.function(jit_compile=True, autograph=False)
    def second(images):
        with tf.GradientTape() as outer:
            outer.watch(images)
            with tf.GradientTape() as inner:
                inner.watch(images)
                value = tf.reduce_sum(layer(images, noise=Noise(3, 0, 0), tag="a") ** 3)
            slope = tf.reduce_sum(inner.gradient(value, images) ** 2)
        return outer.gradient(slope, images)

    assert np.all(np.isfinite(second(images)))
    assert np.any(second(images) != 0)
