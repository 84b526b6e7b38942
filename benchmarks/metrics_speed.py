"""Metrics of features beside torch-fidelity's, clean-fid's and prdc's, on the same features.

FID from 10,000 x 2,048 features of each side, and precision, recall, density and coverage of
5,000 x 2,048: CPU-seconds of one thread, which counts no waiting for others, and peak memory. Both
sides in turn, in one process; prints the ratios, the median over the rounds. Exits with 1 if one
is missed. It needs the packages of the extra `peers`.

  python benchmarks/metrics_speed.py
"""

import argparse
import os
import statistics
import sys
import time
import tracemalloc
import unittest.mock

os.environ["OMP_NUM_THREADS"] = "1"  # read as numpy is imported
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import numpy as np

from compare_gan_tf.metrics.base import Collected, Rows
from compare_gan_tf.metrics.fid import Fid
from compare_gan_tf.metrics.prdc import Prdc

COLUMNS = 2048
AT_LEAST = {  # {what: how many times theirs must be ours}
    "FID, CPU-seconds, torch-fidelity": 1.6,
    "FID, CPU-seconds, clean-fid": 3.5,
    "FID with its interval, CPU-seconds, torch-fidelity": 1.2,
    "PRDC, CPU-seconds, prdc": 3.0,
    "PRDC, peak memory, prdc": 4.0,
}


def features(rows: int, seed: int) -> np.ndarray:
    """Float32 [rows, 2048], >= 0 and correlated, with a spectrum that falls like Inception's."""
    mixing = np.random.default_rng(0).normal(size=(COLUMNS, COLUMNS)).astype(np.float32)
    mixing *= (np.arange(1, COLUMNS + 1, dtype=np.float32) ** -0.5)[:, None] / 4
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(rows, COLUMNS)).astype(np.float32) @ mixing
    return np.maximum(found + 0.05 * rng.normal(size=found.shape).astype(np.float32), 0)


def collected(rows: np.ndarray) -> Collected:
    return Collected(features=Rows.of(rows))


def peers() -> dict:
    """{name: function of two sets of features}; ends the process if a package is missing."""
    for name in ("", ".transforms", ".transforms.functional", ".datasets"):
        sys.modules[f"torchvision{name}"] = unittest.mock.MagicMock()  # for images only
    try:
        import cleanfid.fid
        import torch
        from prdc import compute_prdc
        from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    except ImportError as error:
        sys.exit(f"{error}: pip install compare_gan_tf[peers]")
    torch.set_num_threads(1)

    def torch_fidelity(real, fake):
        both = [fid_features_to_statistics(torch.from_numpy(side)) for side in (fake, real)]
        return fid_statistics_to_metric(*both, verbose=False)["frechet_inception_distance"]

    def clean_fid(real, fake):
        moments = [(side.mean(axis=0), np.cov(side, rowvar=False)) for side in (real, fake)]
        return float(cleanfid.fid.frechet_distance(*moments[0], *moments[1]))

    def prdc(real, fake):
        return list(compute_prdc(real, fake, 5).values())

    return {"torch-fidelity": torch_fidelity, "clean-fid": clean_fid, "prdc": prdc}


def fid(real, fake, interval: bool = False) -> float:
    return Fid(interval=interval)(collected(real), collected(fake))["fid"].value


def fid_with_interval(real, fake) -> float:
    return fid(real, fake, interval=True)


def prdc(real, fake) -> list[float]:
    return [score.value for score in Prdc()(collected(real), collected(fake)).values()]


def measure(function, *sides) -> tuple:
    """(result, CPU-seconds, MB that were allocated at the peak)."""
    tracemalloc.start()
    start = time.process_time()
    result = function(*sides)
    seconds = time.process_time() - start
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return result, seconds, peak


def one_round(others: dict) -> dict[str, float]:
    """{what: theirs over ours}."""
    sides = features(10_000, 1), features(10_000, 2) * np.float32(1.02)
    ratios = {}
    ours, seconds, _ = measure(fid, *sides)
    for name in ("torch-fidelity", "clean-fid"):
        theirs, their_seconds, _ = measure(others[name], *sides)
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)  # of float32 means
        ratios[f"FID, CPU-seconds, {name}"] = their_seconds / seconds
        if name == "torch-fidelity":
            with_interval = measure(fid_with_interval, *sides)[1]
            ratios[f"FID with its interval, CPU-seconds, {name}"] = their_seconds / with_interval
    print(f"FID {seconds:.1f} CPU-seconds, with its interval {with_interval:.1f}", flush=True)
    sides = [side[:5_000] for side in sides]
    ours, seconds, peak = measure(prdc, *sides)
    theirs, their_seconds, their_peak = measure(others["prdc"], *sides)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    ratios["PRDC, CPU-seconds, prdc"] = their_seconds / seconds
    ratios["PRDC, peak memory, prdc"] = their_peak / peak
    print(f"PRDC {seconds:.1f} CPU-seconds and {peak:.0f} MB with its interval", flush=True)
    return ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1, help="how often all is timed")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    others = peers()
    rounds = [one_round(others) for _ in range(arguments.rounds)]
    missed = []
    for what, least in AT_LEAST.items():
        found = statistics.median(ratios[what] for ratios in rounds)
        print(f"{what}: {found:.2f} times ours ({least} asked)")
        if found < least:
            missed.append(what)
    if missed:
        sys.exit(f"missed: {'; '.join(missed)}")


if __name__ == "__main__":
    main()
