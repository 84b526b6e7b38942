import time

import numpy as np
import pytest

from compare_gan_tf.evaluation import pairs, progress
from compare_gan_tf.evaluation.sides import Method, Samples
from compare_gan_tf.metrics.features import Extracted

IMAGES = np.zeros((400, 4, 4, 1), np.uint8)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (42, "42 s"), (200, "3 min 20 s"), (3600, "1 h"), (7530, "2 h 5 min")],
)
def test_durations_are_words(seconds, words):
    assert progress.duration(seconds) == words


def slow(images):
    """2 ms a sample after a first call that takes longer, as a traced function's does."""
    time.sleep(0.002 * len(images) + (0.3 if not slow.calls else 0.0))
    slow.calls += 1
    return Extracted(np.zeros((len(images), 1000), np.float32))


def test_a_forecast_is_extrapolated_from_a_warm_batch():
    slow.calls = 0
    side = Samples("zeros", IMAGES)
    found = progress.forecast([(side, 50_000, True)], Method(extractor=slow, batch_size=10))
    assert slow.calls == 2
    assert 100 <= found.seconds < 250  # 2 ms each, on a busy machine more
    assert found.samples == 50_000
    assert found.disk == 50_000 * (4000 + 16) - 2**25  # what is not held in memory
    assert found.memory > progress.used_memory() / 2 + 6 * 8 * 1000**2
    assert "for 50,000 samples" in str(found) and "MiB of memory" in str(found)


def test_few_batches_are_not_worth_a_forecast():
    assert (
        progress.forecast(
            [(Samples("zeros", IMAGES), 390, False)], Method(extractor=slow, batch_size=10)
        )
        is None
    )


def test_the_forecast_stands_above_the_bar(capsys):
    def mean(images):
        return images.reshape(len(images), -1)[:, :2] + 0.0

    rng = np.random.default_rng(0)
    sides = rng.integers(0, 256, (2, 400, 4, 4, 1), dtype=np.uint8)
    pairs.evaluate(*sides, metrics="fid", extractor=mean, batch_size=10, progress=True)
    err = capsys.readouterr().err
    assert "evaluate: about 1 s for 800 samples" in err
    assert "800/800" in err
    pairs.evaluate(*sides, metrics="fid", extractor=mean, batch_size=10)
    assert capsys.readouterr().err == ""
