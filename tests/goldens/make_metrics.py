"""Writes metrics.json: what torch-fidelity, clean-fid and prdc make of the same features.

  pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
  pip install torch-fidelity==0.4.0 clean-fid==0.1.35 prdc==0.2 scikit-learn scipy --no-deps
  python tests/goldens/make_metrics.py

Only their functions of features are run, so a stub stands in for torchvision. The features are
those of `features`, which tests/metrics/test_peers.py makes again.
"""

import importlib.metadata
import sys
import unittest.mock

import numpy as np
from writing import write

CASES = {  # name: [reals, fakes, columns]
    "full rank": [600, 500, 32],
    "fewer samples than columns": [120, 100, 160],
}
SUBSETS, SUBSET_SIZE, SEED = 20, 80, 2020


def features(reals: int, fakes: int, columns: int):
    """Correlated, positive features of both sides, float64."""
    rng = np.random.RandomState(0)
    mixing = rng.randn(columns, columns) / np.sqrt(columns)
    real = np.abs(rng.randn(reals, columns) @ mixing)
    fake = np.abs(rng.randn(fakes, columns) @ mixing * 1.1 + 0.1)
    return real, fake


def stub_torchvision() -> None:
    """Lets the packages be imported that would only use it for images."""
    for name in ("", ".transforms", ".transforms.functional", ".datasets"):
        sys.modules[f"torchvision{name}"] = unittest.mock.MagicMock()


def scores(real, fake):
    import torch
    from cleanfid.fid import frechet_distance, kernel_distance
    from prdc import compute_prdc
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_isc import isc_features_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import prc_features_to_metric

    real_torch, fake_torch = torch.from_numpy(real), torch.from_numpy(fake)
    statistics = [fid_features_to_statistics(side) for side in (fake_torch, real_torch)]
    moments = [(np.mean(side, axis=0), np.cov(side, rowvar=False)) for side in (real, fake)]
    np.random.seed(SEED)  # clean-fid draws from the global generator
    kid_clean = kernel_distance(fake, real, num_subsets=SUBSETS, max_subset_size=SUBSET_SIZE)
    quiet = {"verbose": False}
    kid = kid_features_to_metric(
        fake_torch,
        real_torch,
        kid_subsets=SUBSETS,
        kid_subset_size=SUBSET_SIZE,
        rng_seed=SEED,
        **quiet,
    )
    prc = {
        str(k): prc_features_to_metric(fake_torch, real_torch, prc_neighborhood=k, **quiet)
        for k in (3, 5)
    }
    return {
        "torch-fidelity": {
            "fid": fid_statistics_to_metric(*statistics, verbose=False),
            "kid": kid,
            "isc 10 shuffled": isc_features_to_metric(fake_torch * 3),
            "isc 10": isc_features_to_metric(fake_torch * 3, shuffle=False),
            "isc 1": isc_features_to_metric(fake_torch * 3, splits=1),
            "prc": prc,
        },
        "clean-fid": {
            "fid": float(frechet_distance(*moments[0], *moments[1])),
            "kid": kid_clean,
        },
        "prdc": {
            str(k): {name: float(value) for name, value in compute_prdc(real, fake, k).items()}
            for k in (3, 5)
        },
    }


def made() -> dict:
    stub_torchvision()
    packages = ("torch-fidelity", "clean-fid", "prdc", "torch", "scikit-learn", "scipy", "numpy")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return {
        "source": f"tests/goldens/make_metrics.py with {versions}",
        "cases": {
            name: {"sizes": sizes, **scores(*features(*sizes))} for name, sizes in CASES.items()
        },
    }


if __name__ == "__main__":
    write(__file__, made())
