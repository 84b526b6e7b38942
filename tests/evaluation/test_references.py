import logging
import os

import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import references
from compare_gan_tf.metrics.gaussian_statistics import GaussianStatistics

FACTS = {"samples": "0" * 64, "name": "digits-cnn", "number": 20}


@pytest.fixture
def statistics():
    found = GaussianStatistics()
    found.update(np.random.default_rng(0).normal(size=(20, 3)))
    return found


def test_what_is_written_is_read(statistics, tmp_path):
    path = str(tmp_path / "new" / "stats.npz")
    references.write(path, statistics, FACTS)
    found = references.read(path)
    assert found.count == 20
    np.testing.assert_array_equal(found.mean, statistics.mean)
    np.testing.assert_allclose(found.covariance, statistics.covariance, rtol=1e-15)
    assert os.listdir(tmp_path / "new") == ["stats.npz"]
    with np.load(path, allow_pickle=False) as file:
        assert set(file.files) == {"mu", "sigma", "n", "protocol"}


def test_the_cache_tells_facts_apart(statistics, cache):
    assert references.cached(FACTS) is None
    references.keep(FACTS, statistics)
    assert references.cached(dict(reversed(FACTS.items()))).count == 20
    for name, other in (("samples", "1" * 64), ("number", 19), ("name", "raw"), ("more", None)):
        assert references.cached(FACTS | {name: other}) is None
    assert os.listdir(cache) == [f"{references.key(FACTS)}.npz"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"COMPARE_GAN_CACHE": "/data/cache"}, "/data/cache/statistics"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/compare_gan_tf/statistics"),
        ({"HOME": "/home/me"}, "/home/me/.cache/compare_gan_tf/statistics"),
    ],
)
def test_where_the_cache_is(monkeypatch, variables, expected):
    for name in ("COMPARE_GAN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert references.folder() == expected


def test_a_cache_that_cannot_be_written_is_a_warning(statistics, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COMPARE_GAN_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING, "absl"):
        references.keep(FACTS, statistics)
    assert "are not cached: cannot write" in caplog.text


def test_a_damaged_file_of_the_cache_is_a_warning(statistics, cache, caplog):
    references.keep(FACTS, statistics)
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:200])
    with caplog.at_level(logging.WARNING, "absl"):
        assert references.cached(FACTS) is None
    assert "it is made again" in caplog.text


def test_a_file_that_cannot_be_written_is_one_line(statistics, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write .*stats.npz"):
        references.write(str(tmp_path / "file" / "stats.npz"), statistics, {})
