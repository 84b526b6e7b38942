"""Files of averages, and what is refused of them."""

import functools
import types

import numpy as np
import pytest
from small_runs import model

from compare_gan_tf.errors import UserError
from compare_gan_tf.optimizers import PostHocEMA, post_hoc
from compare_gan_tf.runs import ema_snapshots

LENGTHS = (0.05, 0.1)
STEPS = range(10, 401, 10)


@pytest.fixture(scope="module")
def gan():
    made = functools.partial(model, post_hoc_ema=PostHocEMA(LENGTHS, 10))
    return made((8, 8, 1), 10, 0)


def averages(gan, step):
    """Of a G whose weights are all s after step s: the means of these steps."""
    shapes = [variable.shape for variable in post_hoc.averaged(gan.generator)]
    return [[np.full(shape, mean(length, step), np.float32) for shape in shapes]
            for length in LENGTHS]  # fmt: skip


def mean(length, step):
    gamma, s = post_hoc.exponent(length), np.arange(1, step + 1, dtype=np.float64)
    return s @ ((s / step) ** (gamma + 1) - ((s - 1) / step) ** (gamma + 1))


@pytest.fixture
def folder(gan, tmp_path):
    for step in STEPS:
        ema_snapshots.write(str(tmp_path), step, LENGTHS, averages(gan, step))
    return str(tmp_path)


@pytest.mark.parametrize("length", [0.03, 0.05, 0.15])
def test_an_average_is_made_in_the_sampling_generator(gan, folder, length):
    gan.step.assign(400)
    copied = {id(v) for v in post_hoc.averaged(gan.sampling_generator)}
    before = [(v, v.numpy()) for v in gan.sampling_generator.variables if id(v) not in copied]
    own = [v.numpy() for v in gan.generator.variables]
    ema_snapshots.reconstruct(gan, folder, length)
    for variable in post_hoc.averaged(gan.sampling_generator):
        np.testing.assert_allclose(variable, mean(length, 400), rtol=2e-4)
    assert all(np.array_equal(v, value) for v, value in before)
    assert all(np.array_equal(v, o) for v, o in zip(gan.generator.variables, own, strict=True))


def test_later_snapshots_take_no_part(gan, folder):
    found = ema_snapshots.combination(folder, gan, 300, 0.05)
    assert max(found) == 300
    np.testing.assert_allclose(found[300], [1, 0], atol=1e-9)


def test_the_same_averages_are_the_same_bytes(gan, tmp_path):
    for name in "ab":
        ema_snapshots.write(str(tmp_path / name), 3, LENGTHS, averages(gan, 3))
    first, second = ((tmp_path / name / "ema" / "3.npz").read_bytes() for name in "ab")
    assert first == second
    assert 0 < len(first) - gan.post_hoc.snapshot_bytes < 300 * len(gan.post_hoc.variables)


def test_what_comes_after_a_step_is_deleted(gan, folder, tmp_path):
    for name in ("20.npz.partial", "notes.txt"):
        (tmp_path / "ema" / name).write_text("")
    ema_snapshots.cut_back(folder, 25)
    assert ema_snapshots.list_steps(folder) == [10, 20]
    assert sorted(one.name for one in (tmp_path / "ema").iterdir()) == [
        "10.npz", "20.npz", "notes.txt",
    ]  # fmt: skip
    ema_snapshots.cut_back(str(tmp_path / "none"), 0)


def refused(call, match):
    with pytest.raises(UserError, match=match) as error:
        call()
    assert "\n" not in str(error.value)


def test_a_run_without_averages_is_refused(folder):
    plain = types.SimpleNamespace(post_hoc=None)
    refused(
        lambda: ema_snapshots.combination(folder, plain, 400, 0.05),
        "has no snapshots for post-hoc EMA: train it anew with GAN.post_hoc_ema = @PostHocEMA()",
    )


def test_a_step_without_a_snapshot_is_refused(gan, folder, tmp_path):
    refused(
        lambda: ema_snapshots.combination(folder, gan, 137, 0.05),
        r"137.npz is missing, the last one before is of step 130: name another --checkpoint, whose"
        r" step is a multiple of PostHocEMA.snapshot_every = 10$",
    )
    refused(
        lambda: ema_snapshots.combination(str(tmp_path / "none"), gan, 137, 0.05),
        "137.npz is missing, there is none before",
    )


def test_too_few_snapshots_are_refused(gan, folder):
    refused(
        lambda: ema_snapshots.combination(folder, gan, 20, 0.01),
        r"the 2 snapshots up to step 20 make the length 0.01 with an error of 60%, more than 5%: "
        r"take a length nearer to 0.05 or 0.1, or train with more",
    )


def test_a_damaged_snapshot_is_refused(gan, folder, tmp_path):
    gan.step.assign(400)
    path = tmp_path / "ema" / "390.npz"
    path.write_bytes(path.read_bytes()[:-40])
    refused(lambda: ema_snapshots.reconstruct(gan, folder, 0.05), r"cannot read .*390.npz: ")
    ema_snapshots.write(folder, 390, LENGTHS, [values[::-1] for values in averages(gan, 390)])
    refused(lambda: ema_snapshots.reconstruct(gan, folder, 0.05), "390.npz has averages of another")


def test_a_folder_that_cannot_be_written_is_told(gan, tmp_path):
    (tmp_path / "ema").write_text("a file in the way")
    refused(
        lambda: ema_snapshots.write(str(tmp_path), 5, LENGTHS, averages(gan, 5)),
        r"cannot write the averages of step 5 to .*ema/5.npz: .* run the same command again",
    )
