import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from compare_gan_tf import latents, random
from compare_gan_tf.errors import UserError

PRIORS = [
    latents.Normal(5),
    latents.Uniform(5),
    latents.Hypersphere(5),
    latents.Coded(latents.Normal(1), (2,), 2),
]


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("truncation", [0.0, 0.4])
def test_the_first_rows_do_not_depend_on_how_many_are_drawn(prior, truncation):
    seed = [3, 4]
    many = prior.sample(1000, seed, truncation).numpy()
    assert many.shape == (1000, 5) and many.dtype == np.float32
    for num in (1, 3, 17):
        np.testing.assert_array_equal(prior.sample(num, seed, truncation), many[:num])
    assert not np.allclose(prior.sample(17, [3, 5], truncation), many[:17])


def test_distributions():
    for prior, name in zip(PRIORS[:2], ["norm", "uniform"], strict=True):
        arguments = () if name == "norm" else (-1, 2)
        values = prior.sample(20_000, [1, 2]).numpy().reshape(-1)
        assert scipy.stats.kstest(values, name, arguments).pvalue > 1e-3


@pytest.mark.parametrize("truncation", [0.1, 0.5, 1.0, 2.0, 5.0])
def test_truncated_normals_are_those_that_redrawing_would_keep(truncation):
    values = latents.Normal(5).sample(20_000, [1, 2], truncation).numpy().reshape(-1)
    assert np.abs(values).max() <= truncation
    expected = scipy.stats.truncnorm(-truncation, truncation)
    assert scipy.stats.kstest(values, expected.cdf).pvalue > 1e-3


def test_the_limit_of_uniform_latents():
    z = latents.Uniform(5, limit=3**0.5).sample(20_000, [1, 2]).numpy().reshape(-1)
    assert scipy.stats.kstest(z, "uniform", (-(3**0.5), 2 * 3**0.5)).pvalue > 1e-3
    with pytest.raises(UserError, match="Uniform.limit"):
        latents.Uniform(5, limit=0.0)


def test_truncation_scales_uniform_latents():
    prior = latents.Uniform(5)
    np.testing.assert_allclose(
        prior.sample(9, [1, 2], 0.25), 0.25 * prior.sample(9, [1, 2]), rtol=1e-6
    )


@pytest.mark.parametrize("prior", PRIORS)
def test_no_truncation_is_zero_or_less_also_in_a_graph(prior):
    graph = tf.function(lambda truncation: prior.sample(50, [1, 2], truncation))
    for truncation in (0.0, -1.0):
        np.testing.assert_array_equal(graph(tf.constant(truncation)), prior.sample(50, [1, 2]))


@pytest.mark.parametrize("prior", PRIORS[:2])
def test_truncation_limits_every_element_also_in_a_graph(prior):
    graph = tf.function(lambda truncation: prior.sample(50, [1, 2], truncation))
    assert np.abs(graph(tf.constant(0.3))).max() <= 0.3


def test_labels_are_uniform_and_independent_of_z():
    labels = latents.draw_labels(20_000, [1, 2], 4).numpy()
    z = latents.Uniform(1).sample(20_000, [1, 2]).numpy()[:, 0]
    assert scipy.stats.chisquare(np.bincount(labels, minlength=4)).pvalue > 1e-3
    assert abs(np.corrcoef(labels, z)[0, 1]) < 0.03
    np.testing.assert_array_equal(latents.draw_labels(7, [1, 2], 4), labels[:7])


def test_the_hypersphere_has_the_radius_of_normals_and_no_direction_of_its_own():
    z = latents.Hypersphere(3).sample(20_000, [1, 2]).numpy()
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 3**0.5, rtol=1e-5)
    # On the sphere in three dimensions each coordinate is uniform (Archimedes).
    for column in z.T:
        assert scipy.stats.kstest(column, "uniform", (-(3**0.5), 2 * 3**0.5)).pvalue > 1e-3


def test_coded_latents_are_noise_beside_one_hot_and_uniform_codes():
    prior = latents.Coded(latents.Normal(2), categorical=(4, 3), continuous=2)
    z = prior.sample(20_000, [1, 2]).numpy()
    assert z.shape == (20_000, prior.dim) == (20_000, 2 + 4 + 3 + 2)
    for place in prior.categorical_slices:
        code = z[:, place]
        assert set(np.unique(code)) == {0.0, 1.0} and np.all(code.sum(1) == 1)
        assert scipy.stats.chisquare(code.sum(0)).pvalue > 1e-3
    for column in z[:, -2:].T:
        assert scipy.stats.kstest(column, "uniform", (-1, 2)).pvalue > 1e-3
    np.testing.assert_array_equal(z[:, :2], latents.Normal(2).sample(20_000, [1, 2]))
    assert np.abs(np.corrcoef(z[:, [0, 1, 3, 7, 9, 10]].T) - np.eye(6)).max() < 0.03


@pytest.mark.parametrize(
    "settings", [{"categorical": (1,)}, {"continuous": -1}, {"categorical": 5}]
)
def test_codes_that_are_none_are_refused(settings):
    with pytest.raises(UserError, match="Coded"):
        latents.Coded(**settings)


def in_a_graph(function, *values):
    """What `function` gives for values that it does not know while it is traced."""
    return tf.function(function)(*(tf.constant(value) for value in values))


def test_labels_that_are_asked_for_stay_and_the_rest_are_drawn():
    drawn = latents.draw_labels(4, [1, 2], 3).numpy()
    given = np.array([-1, 2, -1, 0])
    expected = np.where(given < 0, drawn, given)
    np.testing.assert_array_equal(latents.given_or_drawn(given, 4, [1, 2], 3), expected)
    np.testing.assert_array_equal(latents.given_or_drawn(None, 4, [1, 2], 3), drawn)

    def asked(labels, num):
        return latents.given_or_drawn(labels, num, [1, 2], 3)

    np.testing.assert_array_equal(in_a_graph(asked, given, 4), expected)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 3, 0], "a label is 3: labels must be -1 to 2"),
        ([0, -2, 1, 0], "a label is -2: labels must be -1 to 2"),
        ([0, 1, 2], r"labels have the shape \(3,\): they must be int32 \[4\]"),
        ([0.0, 1.0, 2.0, 0.0], r"labels are float32 \(4,\): they must be int32"),
        ([[0], [1], [2], [0]], r"labels are int32 \(4, 1\): they must be int32"),
    ],
)
def test_labels_of_no_class_or_of_another_number_are_refused(labels, message):
    with pytest.raises(UserError, match=message):
        latents.given_or_drawn(labels, 4, [1, 2], 3)


@pytest.mark.parametrize("labels", [[0, 1, 3, 0], [0, -2, 1, 0], [0, 1, 2]])
def test_in_a_graph_wrong_labels_fail_when_it_runs(labels):
    with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be"):
        in_a_graph(lambda given, num: latents.given_or_drawn(given, num, [1, 2], 3), labels, 4)


@pytest.mark.parametrize("seed", [5, [1, 2, 3], [0.5, 1.0], "ab", None])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(UserError, match=r"the seed is .*\[2\], such as \[0, 1\]"):
        latents.require_seed(seed)


def test_labels_in_training_are_uniform_or_those_of_the_reals():
    noise = random.Noise(0, 3, 1)
    real = tf.constant([2, 0, -1, 1] * 500)
    drawn = latents.uniform_labels(noise, real, 3).numpy()
    assert scipy.stats.chisquare(np.bincount(drawn, minlength=3)).pvalue > 1e-3
    same = latents.labels_of_reals(noise, real, 3).numpy()
    known = real.numpy() >= 0
    np.testing.assert_array_equal(same[known], real.numpy()[known])
    np.testing.assert_array_equal(same[~known], drawn[~known])


def test_no_codes_leave_the_noise():
    plain = latents.Coded(latents.Normal(3), categorical=(), continuous=0)
    expected = latents.Normal(3).sample(4, [1, 2])
    np.testing.assert_array_equal(plain.sample(4, [1, 2]), expected)
