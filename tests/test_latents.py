import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from compare_gan_tf import latents

PRIORS = [latents.Normal(5), latents.Uniform(5)]


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
    for prior, name in zip(PRIORS, ["norm", "uniform"], strict=True):
        arguments = () if name == "norm" else (-1, 2)
        values = prior.sample(20_000, [1, 2]).numpy().reshape(-1)
        assert scipy.stats.kstest(values, name, arguments).pvalue > 1e-3


@pytest.mark.parametrize("truncation", [0.1, 0.5, 1.0, 2.0, 5.0])
def test_truncated_normals_are_those_that_redrawing_would_keep(truncation):
    values = latents.Normal(5).sample(20_000, [1, 2], truncation).numpy().reshape(-1)
    assert np.abs(values).max() <= truncation
    expected = scipy.stats.truncnorm(-truncation, truncation)
    assert scipy.stats.kstest(values, expected.cdf).pvalue > 1e-3


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
    assert np.abs(graph(tf.constant(0.3))).max() <= 0.3


def test_labels_are_uniform_and_independent_of_z():
    labels = latents.draw_labels(20_000, [1, 2], 4).numpy()
    z = latents.Uniform(1).sample(20_000, [1, 2]).numpy()[:, 0]
    assert scipy.stats.chisquare(np.bincount(labels, minlength=4)).pvalue > 1e-3
    assert abs(np.corrcoef(labels, z)[0, 1]) < 0.03
    np.testing.assert_array_equal(latents.draw_labels(7, [1, 2], 4), labels[:7])
