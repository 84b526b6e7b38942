import os

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.data.cache import Cache, default_folder, file_facts, fingerprint
from compare_gan_tf.errors import UserError

ARRAYS = {"numbers": np.arange(5), "names": np.array(["a", "bc"])}


@pytest.fixture
def cache(tmp_path):
    return Cache(str(tmp_path / "kept"), budget=1)


def assert_same(found):
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)


def test_what_is_written_is_read(cache, tmp_path):
    assert cache.read("x") is None
    cache.write("x", ARRAYS)
    assert_same(cache.read("x"))
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["x.npz"]


@pytest.mark.parametrize("spoil", [lambda b: b[:-20], lambda b: b"", lambda b: b[:70] + b"?" * 9])
def test_damaged_files_count_as_missing(cache, tmp_path, spoil):
    cache.write("x", ARRAYS)
    path = tmp_path / "kept" / "x.npz"
    path.write_bytes(spoil(path.read_bytes()))
    assert cache.read("x") is None
    cache.write("x", ARRAYS)
    assert_same(cache.read("x"))


def test_without_a_budget_nothing_is_kept(tmp_path):
    cache = Cache(str(tmp_path / "kept"), budget=0)
    cache.write("x", ARRAYS)
    assert cache.read("x") is None and not (tmp_path / "kept").exists()


def test_small_things_that_cannot_be_kept_are_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    cache = Cache(str(tmp_path / "file"), budget=1)
    cache.write("x", ARRAYS)
    assert cache.read("x") is None


def test_the_folder_is_the_users_by_default(monkeypatch, caches):
    assert default_folder() == str(caches)
    assert Cache(budget=1).path("x") == str(caches / "x")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/home/someone")
    assert default_folder() == "/home/someone/.cache/compare_gan_tf"


def test_a_fingerprint_tells_values_shapes_and_types_apart():
    numbers = np.arange(6)
    parts = [
        (numbers,),
        (numbers.astype(np.int32),),
        (numbers.reshape(2, 3),),
        (numbers.reshape(3, 2),),
        (numbers[::-1],),
        (numbers[:3], numbers[3:]),
        ("a", "b"),
        ("ab",),
        (("a", "b"),),
        (1,),
        ("1",),
    ]
    assert len({fingerprint(*part) for part in parts}) == len(parts)
    assert fingerprint(numbers, "a") == fingerprint(np.arange(6), "a")
    assert fingerprint(numbers.reshape(2, 3).T) == fingerprint(numbers.reshape(2, 3).T.copy())


def test_the_facts_of_a_file_change_with_it(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"one")
    first = file_facts(str(path))
    assert first[1] == 3
    os.utime(path, ns=(0, first[2] + 1))
    assert file_facts(str(path)) != first


def test_a_folder_that_is_on_no_disk_is_refused():
    with pytest.raises(UserError, match="data.load.cache_folder is 'gs://bucket/x': .* on a disk"):
        data.load("digits", cache_folder="gs://bucket/x")
