"""Averages by power functions, and those of other lengths that their snapshots make."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import batch_norm
from compare_gan_tf.optimizers import PostHocEMA, post_hoc

# Of Karras et al. (2024), section 3.1, and of ema-pytorch 0.8.3 (MIT), `sigma_rel_to_gamma`.
GAMMAS = {0.05: 16.97, 0.10: 6.94}
OF_EMA_PYTORCH = {0.01: 96.99489782370986, 0.15: 3.5578687748994646, 0.25: 0.71982395800071}
# `solve_weights` of ema-pytorch 0.8.3 for averages of lengths 0.05 and 0.1 after 100, 200, 300 and
# 400 steps, and a wanted one after 400.
SOLVED = {
    0.03: [
        -2.780166502e-15, 1.605000578e-12, -1.600932125e-07, 5.222180303e-06,
        -0.01091717783, 0.1153490474, 1.96238044, -1.132841745,
    ],
    0.15: [
        -0.0005413876886, 0.001872650253, -0.01266485396, 0.03662323148,
        -0.07509442437, 0.1930462508, -0.2543611565, 1.074382805,
    ],
}  # fmt: skip


def weights(length, step, total):
    """The weight of each of `total` steps in the average after `step`, in float64."""
    gamma, s = post_hoc.exponent(length), np.arange(1, total + 1, dtype=np.float64)
    share = (s / step) ** (gamma + 1) - ((s - 1) / step) ** (gamma + 1)
    return np.where(s <= step, share, 0.0)


def tracked(trajectory, settings):
    """{step: the averages [lengths, D]} of a trajectory [steps, D] of a weight."""
    keras.utils.clear_session()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(trajectory.shape[1])])
    kernel, bias = model.variables
    averages = post_hoc.PowerFunctionAverages(model, settings)
    update = tf.function(averages.update, autograph=False)
    found = {}
    for step, value in enumerate(trajectory, start=1):
        kernel.assign(value[None])
        bias.assign(value)
        update(model, tf.constant(step, tf.int64))
        if step % settings.snapshot_every == 0:
            assert all(np.array_equal(k[0], b) for k, b in averages.averages)
            found[step] = np.stack([b.numpy() for _, b in averages.averages])
    return found


def test_the_exponent_of_a_length_is_that_of_the_paper():
    for length, gamma in GAMMAS.items():
        assert post_hoc.exponent(length) == pytest.approx(gamma, abs=0.005)
    for length, gamma in OF_EMA_PYTORCH.items():
        assert post_hoc.exponent(length) == pytest.approx(gamma, rel=1e-12)
    assert post_hoc.exponent(12**-0.5) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("length", [0.02, 0.05, 0.1, 0.28])
def test_the_length_is_the_relative_standard_deviation_of_the_profile(length):
    s = (np.arange(10**6) + 0.5) / 10**6
    profile = s ** post_hoc.exponent(length)
    mean = np.average(s, weights=profile)
    assert np.average((s - mean) ** 2, weights=profile) ** 0.5 == pytest.approx(length, rel=1e-5)


def test_the_average_weighs_each_step_by_the_power_function():
    """A weight that is e_s at step s makes the average list the weights of all steps.

    The recursion integrates the power function over each step, and s^gamma / sum takes it at the
    end of the step: of 1,000 steps each weighs at most gamma^2 / 1000^2 more or less.
    """
    settings = PostHocEMA((0.05, 0.1), 1000)
    found = tracked(np.eye(1000, dtype=np.float32), settings)[1000]
    s = np.arange(1, 1001, dtype=np.float64)
    for length, average in zip(settings.lengths, found, strict=True):
        np.testing.assert_allclose(average, weights(length, 1000, 1000), rtol=1e-4, atol=1e-8)
        assert average.sum() == pytest.approx(1.0, abs=1e-5)
        gamma = post_hoc.exponent(length)
        at_ends = s**gamma / np.sum(s**gamma)
        assert np.abs(average - at_ends).max() < gamma**2 / 1000**2


def test_after_the_first_step_the_average_is_the_weight():
    trajectory = np.array([[0.1, -3.0, 7e-8]], np.float32)
    for average in tracked(trajectory, PostHocEMA((0.01, 0.28), 1))[1]:
        assert np.array_equal(average, trajectory[0])


def test_the_first_step_is_as_good_under_xla():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)])
    averages = post_hoc.PowerFunctionAverages(model, PostHocEMA())
    tf.function(averages.update, autograph=False, jit_compile=True)(model, tf.constant(1))
    for kernel, _ in averages.averages:
        assert np.array_equal(kernel, model.variables[0])


def test_what_is_averaged_are_the_weights_and_the_statistics():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5, seed=1), batch_norm()])
    model.add(keras.layers.Dense(2))
    names = [variable.path.rpartition("/")[2] for variable in post_hoc.averaged(model)]
    assert "seed_generator_state" not in names and {"kernel", "moving_mean"} <= set(names)
    averages = post_hoc.PowerFunctionAverages(model, PostHocEMA((0.05, 0.1, 0.2)))
    numbers = sum(int(np.prod(variable.shape)) for variable in post_hoc.averaged(model))
    assert averages.snapshot_bytes == 3 * 4 * numbers


def test_inner_products_are_integrals():
    s = (np.arange(200_000) + 0.5) / 1000  # up to 200

    def profile(t, gamma):
        return np.where(s < t, (gamma + 1) / t * (s / t) ** gamma, 0.0)

    for pair in (((80.0, 3.5), (200.0, 7.0)), ((200.0, 7.0), (80.0, 3.5)), ((90.0, 1.0),) * 2):
        integral = np.sum(profile(*pair[0]) * profile(*pair[1])) / 1000
        assert post_hoc.inner_product(*pair[0], *pair[1]) == pytest.approx(integral, rel=1e-4)
    assert np.isfinite(post_hoc.inner_product(1.0, 1e4, 1e6, 1e4))


@pytest.mark.parametrize("length", SOLVED)
def test_the_combination_is_that_of_ema_pytorch(length):
    found, _ = post_hoc.coefficients([100, 100, 200, 200, 300, 300, 400, 400], [0.05, 0.1] * 4,
                                     400, length)  # fmt: skip
    np.testing.assert_allclose(found, SOLVED[length], rtol=1e-7, atol=1e-16)


def test_a_length_that_is_tracked_is_its_snapshot():
    found, error = post_hoc.coefficients([10, 10, 20, 20], [0.05, 0.1] * 2, 20, 0.1)
    np.testing.assert_allclose(found, [0, 0, 0, 1], atol=1e-12)
    assert error < 1e-7


@pytest.mark.parametrize(
    ("length", "bound"), [(0.02, 0.03), (0.03, 0.01), (0.075, 0.002), (0.15, 0.002), (0.25, 0.03)]
)
def test_the_error_is_that_of_the_profile(length, bound):
    """40 snapshots of two lengths; the profile of the combination is summed step by step."""
    steps = np.repeat(np.arange(50, 2001, 50), 2)
    found, error = post_hoc.coefficients(steps, [0.05, 0.1] * 40, 2000, length)
    lengths = np.tile([0.05, 0.1], 40)
    parts = [weights(one, step, 2000) for one, step in zip(lengths, steps, strict=True)]
    wanted = weights(length, 2000, 2000)
    difference = np.linalg.norm(found @ np.stack(parts) - wanted) / np.linalg.norm(wanted)
    assert error == pytest.approx(difference, rel=0.05, abs=1e-3)
    assert error < bound


def test_a_third_length_is_made_of_two():
    """A weight that walks at random, after 1,000 steps with 40 snapshots in float32."""
    walk = np.cumsum(np.random.default_rng(0).normal(size=(1000, 16)), axis=0).astype(np.float32)
    found = tracked(walk, PostHocEMA((0.05, 0.1), 25))
    steps = sorted(found)
    for length, bound in ((0.03, 3e-3), (0.075, 2e-4), (0.15, 2e-4), (0.2, 1e-3)):
        solved, _ = post_hoc.coefficients(np.repeat(steps, 2), [0.05, 0.1] * 40, 1000, length)
        made = np.einsum("sl,sld->d", solved.reshape(40, 2), np.stack([found[s] for s in steps]))
        wanted = weights(length, 1000, 1000) @ walk.astype(np.float64)
        assert np.linalg.norm(made - wanted) / np.linalg.norm(wanted) < bound, length


@pytest.mark.parametrize("lengths", [(0.0,), (0.05, 0.288), (-0.1, 0.1), (0.05, float("nan")), ()])
def test_lengths_outside_the_range_are_refused(lengths):
    with pytest.raises(UserError, match=r"^PostHocEMA.lengths") as error:
        PostHocEMA(lengths)
    assert "\n" not in str(error.value)


def test_lengths_that_are_alike_are_refused():
    with pytest.raises(UserError, match=r"lengths is \(0.1, 0.05, 0.0501\): two are alike"):
        PostHocEMA((0.1, 0.05, 0.0501))
