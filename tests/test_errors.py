"""Errors of the file system: the cause that it tells, and what cures that cause."""

import errno
import os

import pytest
import tensorflow as tf

from compare_gan_tf import errors, sampling
from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import references, scores

LONG = "x" * 300  # names of most file systems have 255 bytes at most


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.ENAMETOOLONG, "File name too long; choose a shorter name"),
        (errno.ENOSPC, "No space left on device; free space there"),
        (errno.EDQUOT, "Disk quota exceeded; free space there"),
        (errno.EACCES, "Permission denied; make it writable"),
        (errno.EROFS, "Read-only file system; choose a place that can be written to"),
        (errno.EBUSY, "Device or resource busy; choose another place"),
    ],
)
def test_the_cure_follows_from_the_cause(number, cure):
    words = os.strerror(number)
    told = OSError(number, words, "a/b"), tf.errors.UnknownError(None, None, f"a/b; {words}")
    for error in told:
        assert errors.unwritable("cannot write a/b", error).endswith(cure)
    assert errors.unwritable("cannot write a/b", told[0]) == f"cannot write a/b: {cure}"


def test_an_error_that_is_none_of_the_file_system_has_no_number():
    assert errors.file_error(ValueError("shapes differ")) is None
    assert errors.file_error(tf.errors.NotFoundError(None, None, "No such file or directory")) == 2


def test_a_name_that_is_too_long_is_the_cause_of_samples_that_are_not_written(tmp_path):
    source = sampling.sources.Source("a test", lambda *_: None, (2, 2, 1), "images")
    for output, format_ in ((LONG + ".npz", "npz"), (LONG, "png")):
        with pytest.raises(UserError, match="too long; choose a shorter name") as caught:
            sampling.write(source, sampling.Wanted(0), str(tmp_path / output), format_)
        assert "free space" not in str(caught.value)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("write", ["scores", "statistics", "samples"])
def test_every_writer_names_it(write, tmp_path):
    path = str(tmp_path / LONG)
    with pytest.raises(UserError, match="too long; choose a shorter name"):
        if write == "scores":
            scores.write(path, scores.Scores([], {}, {}))
        elif write == "statistics":
            references.write(path, _Statistics, {})
        else:
            sampling.writers.require_free(path, "png", overwrite=False)
    assert os.listdir(tmp_path) == []


class _Statistics:
    mean, covariance, count = [0.0], [[1.0]], 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EACCES, "Permission denied", "a/b"), "cannot read x: Permission denied"),
        (ValueError("one\n  two"), "cannot read x: one two"),
        (ValueError(), "cannot read x: ValueError"),
        (UserError("of ours"), "of ours"),
    ],
)
def test_errors_of_a_library_become_one_line(error, said):
    with pytest.raises(UserError) as caught:
        with errors.as_user_error("cannot read x", OSError, ValueError):
            raise error
    assert str(caught.value) == said
    if said != "of ours":
        with pytest.raises(UserError, match=f"^{said}; mend it$"):
            with errors.as_user_error("cannot read x", OSError, ValueError, cure="mend it"):
                raise error


def test_errors_of_other_classes_pass():
    with pytest.raises(KeyError), errors.as_user_error("cannot read x", OSError):
        raise KeyError("bug")


def test_an_error_in_a_users_code_is_told_with_its_line():
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        tf.matmul(tf.ones([3]), tf.ones([3]))
    line = caught.traceback[0].lineno + 1
    told = errors.with_origin(caught.value)
    assert told == f"InvalidArgumentError: In[0] ndims must be >= 2, in {__file__} line {line}"


def test_an_error_with_no_line_of_the_users_has_none():
    with pytest.raises(UserError) as caught:
        sampling.writers.require_free("", "png", overwrite=False)
    caught.value.__traceback__ = caught.value.__traceback__.tb_next
    assert " line " not in errors.with_origin(caught.value)
