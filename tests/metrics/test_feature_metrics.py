"""What holds for every metric of features."""

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import gaussian_statistics, kernel, nearest
from compare_gan_tf.metrics import rows as rows_module
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.fid import Fid
from compare_gan_tf.metrics.fid_infinity import FidInfinity
from compare_gan_tf.metrics.inception_score import InceptionScore
from compare_gan_tf.metrics.intra_class import IntraClassFid
from compare_gan_tf.metrics.kernel import Kid, KidBlocks, KidFull
from compare_gan_tf.metrics.memorisation import Authenticity, Duplicates, HeldOutGap, Memorised
from compare_gan_tf.metrics.prd import Prd
from compare_gan_tf.metrics.prdc import Prdc, PrecisionRecall

METRICS = (
    Fid(),
    FidInfinity(smallest=60, sizes=5),
    Kid(subsets=5, subset_size=50),
    KidBlocks(largest=25),
    KidFull(),
    InceptionScore(),
    InceptionScore(splits=10, shuffle_seed=1),
    PrecisionRecall(),
    Prdc(),
    Prd(runs=1),
    IntraClassFid(),
    Authenticity(),
    Memorised(ratio=0.8),
    Duplicates(ratio=0.8),
    HeldOutGap(),
)
# Draws, splits and blocks follow the order of the samples by definition.
ORDERED = (FidInfinity, Kid, KidBlocks, Prd)


def is_ordered(metric):
    return isinstance(metric, ORDERED) or getattr(metric, "splits", 1) > 1


def collected(rows, labels, held_out=None):
    return Collected(
        features=Rows.of(rows),
        logits=Rows.of(rows * 2),
        labels=Rows.of(labels),
        held_out=None if held_out is None else Collected(features=Rows.of(held_out)),
    )


def sides(order=slice(None)):
    rng = np.random.default_rng(0)
    labels = np.arange(420, dtype=np.int32) % 2
    real, fake, held_out = (rng.normal(size=(420, 7)).astype(np.float32) for _ in range(3))
    fake = np.float32(0.9) * fake + np.float32(0.3) + 4 * labels[:, None].astype(np.float32)
    real = real + 4 * labels[:, None].astype(np.float32)
    real_side = collected(real[order], labels[order], held_out)
    return real_side, collected(fake[order][::-1], labels[order][::-1])


def values(metric, real, fake):
    return {name: score.value for name, score in metric(real, fake).items()}


def names_of(metric):
    return repr(metric)


@pytest.mark.parametrize("metric", METRICS, ids=names_of)
def test_every_declared_score_is_a_number_within_its_interval(metric):
    real, fake = sides()
    found = metric(real, fake)
    assert list(found) == list(metric.scores)
    for score in found.values():
        assert isinstance(score.value, float) and math.isfinite(score.value)
        low, high = score.interval
        assert low <= score.value <= high


@pytest.mark.parametrize("metric", METRICS, ids=names_of)
def test_the_size_of_chunks_does_not_matter(metric, monkeypatch):
    expected = values(metric, *sides())
    for module in (rows_module, gaussian_statistics, kernel, nearest):
        monkeypatch.setattr(module, "CHUNK", 16)
    monkeypatch.setattr(Rows.chunks, "__defaults__", (16,))
    assert values(metric, *sides()) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS, ids=names_of)
def test_the_batches_that_features_came_in_do_not_matter(metric, monkeypatch):
    expected = values(metric, *sides())
    monkeypatch.setattr(rows_module, "MEMORY", 500)
    spilled = []
    for side in sides():
        rows = {name: Rows() for name in ("features", "logits", "labels")}
        for name, copy in rows.items():
            for chunk in getattr(side, name).chunks(9):
                copy.append(chunk)
        spilled.append(Collected(**rows, held_out=side.held_out))
    assert values(metric, *spilled) == expected


@pytest.mark.parametrize("metric", [m for m in METRICS if not is_ordered(m)], ids=names_of)
def test_the_order_of_samples_does_not_matter_but_where_it_defines_the_score(metric):
    order = np.random.default_rng(1).permutation(420)
    expected = values(metric, *sides())
    assert values(metric, *sides(order)) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS, ids=names_of)
def test_samples_that_have_no_score_are_told_so(metric):
    real, fake = sides()
    (needed,) = set(metric.needs["fake"]) - {"labels"}
    broken = getattr(fake, needed).read().copy()
    broken[3, 1] = np.nan
    with pytest.raises(UndefinedScore, match="1 of .* not finite"):
        metric(real, dataclasses.replace(fake, **{needed: Rows.of(broken)}))
    one = {
        name: Rows.of(getattr(fake, name).read()[:1]) for name in ("features", "logits", "labels")
    }
    with pytest.raises(UndefinedScore):
        metric(real, Collected(**one))


@pytest.mark.parametrize("metric", METRICS, ids=names_of)
def test_features_that_are_all_alike_have_a_finite_score_or_none(metric):
    real, fake = sides()
    alike = Rows.of(np.ones((420, 7), np.float32))
    both = [
        dataclasses.replace(side, features=alike, logits=alike, held_out=Collected(features=alike))
        for side in (real, fake)
    ]
    assert all(math.isfinite(value) for value in values(metric, *both).values())


@pytest.mark.parametrize("metric", METRICS, ids=names_of)
def test_settings_are_frozen_and_tell_metrics_apart(metric):
    assert metric == dataclasses.replace(metric)
    for field in dataclasses.fields(metric):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(metric, field.name, None)
    if "seed" in {field.name for field in dataclasses.fields(metric)}:
        with pytest.raises(UserError, match="seed is -1"):
            dataclasses.replace(metric, seed=-1)


def test_good_fakes_are_better_than_each_kind_of_bad_ones():
    """The table of docs: which metric notices what."""
    rng = np.random.default_rng(0)
    modes = 6 * rng.normal(size=(8, 6))

    def draw(count=400, kinds=8):
        return modes[rng.integers(0, kinds, count)] + rng.normal(size=(count, 6))

    real, good, half = draw(), draw(), draw(kinds=4)
    noisy = draw() + 2 * rng.normal(size=(400, 6))
    copies = real + 0.02 * rng.normal(size=(400, 6))
    repeated = draw()[np.arange(400) // 8]
    notices = {
        Fid(): (half, noisy, repeated),
        KidFull(): (half, noisy),
        Prd(runs=2): (half, noisy, repeated),
        Prdc(): (half, noisy, repeated),
        PrecisionRecall(): (half, noisy, repeated),
        Authenticity(): (copies,),
        Memorised(): (copies,),
        Duplicates(): (repeated,),
    }
    for metric, bad_ones in notices.items():
        best = score(metric, real, good)
        for bad in bad_ones:
            worse = score(metric, real, bad)
            signs = [1 if higher else -1 for higher in metric.scores.values()]
            gaps = [s * (best[name] - worse[name]) for s, name in zip(signs, best, strict=True)]
            assert max(gaps) > 0.05, (metric, best, worse)


def score(metric, real, fake):
    both = (Collected(features=Rows.of(rows.astype(np.float32))) for rows in (real, fake))
    return values(metric, *both)


def test_numpy_will_do():
    modules = "fid fid_infinity intra_class kernel inception_score prdc prd memorisation intervals"
    program = "import sys\n"
    for name in modules.split():
        program += f"import compare_gan_tf.metrics.{name}\n"
    program += "print('tensorflow' in sys.modules, 'sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"], done.stderr


MEMORY = """
import resource
import numpy as np
from compare_gan_tf.metrics import rows as spilling
from compare_gan_tf.metrics.base import Collected, Rows
from compare_gan_tf.metrics.{module} import {metric}

spilling.MEMORY = 1 << 20
rng = np.random.default_rng(0)
sides = []
for _ in range(2):
    rows = Rows()
    for _ in range(0, {count}, 500):
        rows.append(rng.normal(size=(500, 1024)).astype(np.float32))
    sides.append(Collected(features=rows, logits=rows))
{metric}({settings})(*sides)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "module, metric, settings",
    [
        ("fid", "Fid", ""),
        ("fid_infinity", "FidInfinity", "sizes=3, smallest=2000"),
        ("kernel", "Kid", "subsets=5"),
        ("kernel", "KidBlocks", ""),
        ("inception_score", "InceptionScore", ""),
        ("prdc", "Prdc", ""),
        ("memorisation", "Authenticity", ""),
    ],
)
def test_memory_does_not_grow_with_the_samples(module, metric, settings):
    peaks = []
    for count in (3_000, 6_000, 9_000):
        program = MEMORY.format(module=module, metric=metric, settings=settings, count=count)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert not done.returncode, done.stderr
        peaks.append(float(done.stdout))
    # The features grow by 49 MB; what may grow is some numbers a sample.
    assert peaks[2] - peaks[0] < 16, peaks
