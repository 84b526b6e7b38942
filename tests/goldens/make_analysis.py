"""Writes analysis.json: what rliable, autorank and statsmodels say of the scores that it holds.

It needs `pip install rliable==1.2.0 arch==7.2.0 'pandas<3' autorank==1.3.0 statsmodels==0.15.0`.
"""

import warnings

import numpy as np
from writing import rounded, write

RESAMPLES = 20_000
THRESHOLDS = [-3.05, -2.85, -2.55, -2.25]
GAMMA = -2.5


def scores_of(seed: int, runs: int, tasks: int, shift: float = 0.0) -> np.ndarray:
    """More is better: minus the logarithm of scores such as FID."""
    rng = np.random.RandomState(seed)
    scores = -np.log(15.0) + shift + 0.2 * rng.randn(runs, tasks) + 0.1 * rng.randn(tasks)
    return np.round(scores, 4)


def of_rliable() -> dict:
    from rliable import library, metrics

    np.random.seed(0)
    aggregates = {
        "iqm": metrics.aggregate_iqm,
        "mean": metrics.aggregate_mean,
        "median_of_means": metrics.aggregate_median,
        "optimality_gap": lambda scores: metrics.aggregate_optimality_gap(scores, GAMMA),
    }
    cases = []
    for seed, runs, tasks in ((0, 10, 3), (1, 50, 5)):
        scores = scores_of(seed, runs, tasks)
        better = scores_of(seed + 10, runs - 2, tasks, 0.1)

        def improvement(x, y):
            return np.array([metrics.probability_of_improvement(x, y)])

        found = {}
        for name, aggregate in aggregates.items():
            points, intervals = library.get_interval_estimates(
                {"x": scores}, lambda x, f=aggregate: np.array([f(x)]), reps=RESAMPLES
            )
            found[name] = [*points["x"], *intervals["x"].ravel()]
        points, intervals = library.get_interval_estimates(
            {"x": [better, scores]}, improvement, reps=RESAMPLES // 10
        )
        found["improvement"] = [*points["x"], *intervals["x"].ravel()]
        profiles, bands = library.create_performance_profile(
            {"x": scores}, np.array(THRESHOLDS), reps=RESAMPLES // 4
        )
        profile = [profiles["x"], *bands["x"]]
        cases.append({"scores": scores, "better": better, **found, "profile": profile})
    return {"thresholds": THRESHOLDS, "gamma": GAMMA, "cases": cases}


def of_autorank() -> dict:
    import pandas as pd
    from autorank import autorank

    rng = np.random.RandomState(3)
    scores = 30 * np.exp(0.5 * rng.randn(20, 1) + 0.1 * rng.randn(20, 4) + [0, 0.02, 0.1, 0.2])
    scores = np.round(scores, 3)
    settings = {
        "order": "ascending",
        "force_mode": "nonparametric",
        "effect_size": "cliff_delta",
        "verbose": False,
    }
    names = list("abcd")
    four = autorank(pd.DataFrame(scores, columns=names), **settings)
    two = autorank(pd.DataFrame(scores[:, [0, 3]], columns=["a", "d"]), **settings)
    table = four.rankdf.loc[names]
    return {
        "scores": scores,
        "average_ranks": table.meanrank.to_numpy(float),
        "medians": table["median"].to_numpy(float),
        "critical_difference": float(four.cd),
        "friedman_p_value": float(four.pvalue),
        "wilcoxon_p_value_of_first_and_last": float(two.pvalue),
        "cliffs_delta_against_the_best": table.effect_size.to_numpy(float),
    }


def of_statsmodels() -> dict:
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.power import TTestIndPower, TTestPower

    powers = []
    for paired, test in ((False, TTestIndPower()), (True, TTestPower())):
        for runs in (2, 3, 5, 10, 20, 50, 240):
            for alpha, power in ((0.05, 0.8), (0.01, 0.9)):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    least = float(np.squeeze(test.solve_power(None, runs, alpha, power)))
                if abs(test.power(least, runs, alpha) - power) < 1e-5:  # its search may fail
                    powers.append([paired, runs, alpha, power, least])
    p_values = [0.01, 0.04, 0.03, 0.005, 0.2, 0.03]
    corrected = multipletests(p_values, method="holm")[1]
    return {"least_differences": powers, "p_values": p_values, "holm": corrected}


def made() -> dict:
    return {
        "source": "rliable 1.2.0 (intervals of 20,000 resamples, by percentiles), autorank 1.3.0, "
        "statsmodels 0.15.0",
        "rliable": rounded(of_rliable(), 6),
        "autorank": rounded(of_autorank(), 8),
        "statsmodels": rounded(of_statsmodels(), 8),
    }


if __name__ == "__main__":
    write(__file__, made())
