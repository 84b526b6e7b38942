"""The claims of the landscape, on runs whose scores are planted."""

import dataclasses
import itertools

import pytest

from compare_gan_tf.comparison import Comparison, Run, Scored, claims, tables, terminal

AXES = {
    "loss": ["non-saturating", "Wasserstein"],
    "penalty": ["none", "gradient penalty", "L2"],
    "normalisation": ["none", "spectral", "layer", "batch"],
    "network": ["SNDCGAN", "ResNet"],
    "ratio": ["1:1", "5:1"],
}


def run(variant, seed, score, setting=0):
    scored = Scored([(100, score)], 100, score, None, score, None, None, {}, "p", [])
    return Run(
        name=f"{variant}/{setting}/{seed}", variant=variant, setting={"rate": setting}, seed=seed,
        task="digits", status="complete" if score is not None else "failed", reason=None,
        scores={"fid": scored} if score is not None else {}, steps=100, images=6400, seconds=1.0,
        multiply_adds=None, folder=None,
    )  # fmt: skip


def claims_of(law, seeds=5):
    """The claims on every combination of the axes; `law` gives the score of (variant, seed)."""
    variants = [dict(zip(AXES, one, strict=True)) for one in itertools.product(*AXES.values())]
    runs = [run(one, seed, law(one, seed)) for one in variants for seed in range(seeds)]
    comparison = Comparison("landscape", "fid", {"fid": False}, AXES, runs, {})
    return {row["id"]: row for row in claims.claims(comparison).rows}


def paper(variant, seed):
    """As the paper has it."""
    score = 100.0
    score *= {"none": 1.0, "spectral": 0.2, "layer": 0.6, "batch": 1.3}[variant["normalisation"]]
    score *= {"none": 1.0, "gradient penalty": 0.7, "L2": 1.2}[variant["penalty"]]
    wide = variant["penalty"] == "gradient penalty" or variant["loss"] == "Wasserstein"
    spread = 0.3 if wide else 0.05
    if variant["penalty"] == "gradient penalty":
        better = "5:1" if variant["network"] == "ResNet" else "1:1"
        score *= 0.4 if variant["ratio"] == better else 1.0
    return score * (1.0 + spread * (seed - 2) / 2)


def test_what_is_planted_is_supported():
    found = claims_of(paper)
    assert {*found, "C10"} == {claim.id for claim in claims.CLAIMS}
    verdicts = {name: row["verdict"] for name, row in found.items()}
    assert verdicts == dict.fromkeys(verdicts, "supported")


def test_the_ratio_is_that_of_the_medians():
    """100 / 20 of spectral normalisation; the ratio of D's updates changes nothing there."""
    row = claims_of(paper)["C1"]
    assert row["ratio"] == pytest.approx(5.0) and row["pairs"] == 4 and row["runs"] == 40


def test_the_opposite_is_contradicted():
    found = claims_of(lambda variant, seed: 1e4 / paper(variant, seed))
    opposite = [found[name]["verdict"] for name in ("C1", "C2", "C3", "C4a", "C7", "C9a", "C9b")]
    assert set(opposite) == {"contradicted"}


def test_what_does_not_differ_is_undecided():
    found = claims_of(lambda variant, seed: 50.0 + seed)
    assert {row["verdict"] for row in found.values()} == {"undecided"}
    assert found["C1"]["chance"] == pytest.approx(0.5)


def test_one_seed_decides_nothing():
    found = claims_of(lambda variant, _: paper(variant, 2), seeds=1)
    assert found["C9a"]["verdict"] == "undecided"


def test_a_budget_of_two_runs_decides_nothing():
    """6 orders of 2 and 2 runs in each of 2 pairs: 2 / 36 by chance, more than 5 %."""
    runs = [
        run({"loss": "non-saturating", "network": network, **one}, seed, score + seed)
        for network in AXES["network"]
        for one, score in (
            ({"penalty": "none", "normalisation": "spectral"}, 10.0),
            ({"penalty": "gradient penalty", "normalisation": "none"}, 90.0),
        )
        for seed in (0, 1)
    ]
    axes = {name: AXES[name] for name in ("loss", "network", "penalty", "normalisation")}
    rows = claims.claims(Comparison("few", "fid", {"fid": False}, axes, runs, {})).rows
    (row,) = [row for row in rows if row["id"] == "C6"]
    assert row["verdict"] == "undecided" and "by chance with probability 0.0556" in row["reason"]


def test_a_claim_on_the_best_settings_may_differ_from_one_on_each():
    """Spectral normalisation wins at each of three rates but the one that suits none best."""
    scores = {"none": [10.0, 90.0, 95.0], "spectral": [50.0, 60.0, 70.0]}
    runs = [
        run({"loss": "non-saturating", "penalty": "none", "normalisation": one}, seed, of + seed, i)
        for one, by_rate in scores.items()
        for i, of in enumerate(by_rate)
        for seed in range(5)
    ]
    axes = {name: AXES[name] for name in ("loss", "penalty", "normalisation")}
    rows = claims.claims(Comparison("rates", "fid", {"fid": False}, axes, runs, {})).rows
    best, each = [row for row in rows if row["id"] == "C1"]
    assert (best["settings"], best["pairs"], best["runs"]) == ("the best", 1, 10)
    assert best["verdict"] == "contradicted" and best["ratio"] == pytest.approx(12 / 52)
    assert (each["settings"], each["pairs"], each["runs"]) == ("each", 3, 30)
    assert each["chance"] == pytest.approx(2 / 3)
    ratio = (12 / 52 * 92 / 62 * 97 / 72) ** (1 / 3)
    assert each["ratio"] == pytest.approx(ratio)


def test_each_setting_is_told_from_the_ratio_that_a_claim_is_about():
    """At both rates 5:1 is twice as good, where the ratio of updates is a setting."""
    variant = {"loss": "non-saturating", "penalty": "gradient penalty", "normalisation": "none"}
    variant["network"] = "ResNet"
    runs = [
        dataclasses.replace(
            run(variant, seed, of * (1 + at) + seed),
            setting={"rate": at, "ratio": ratio},
            name=name,
        )
        for ratio, of in (("1:1", 80.0), ("5:1", 40.0))
        for at in (0, 1)
        for seed in range(3)
        for name in [f"{ratio}/{at}/{seed}"]
    ]
    axes = {name: AXES[name] for name in ("loss", "penalty", "normalisation", "network")}
    rows = claims.claims(Comparison("ratios", "fid", {"fid": False}, axes, runs, {})).rows
    found = {row["settings"]: row for row in rows if row["id"] == "C5a"}
    assert (found["each"]["pairs"], found["each"]["runs"]) == (2, 12)
    assert found["each"]["ratio"] == pytest.approx((81 / 41 * 161 / 81) ** 0.5)
    assert found["each"]["verdict"] == "supported"


def claim_on_variations(scores, seeds=5):
    """C10 on runs {variation: score}, with a spread of 1 % over the seeds."""
    runs = [
        run({"variation": name}, seed, score * (1.0 + 0.005 * (seed - 2)))
        for name, score in scores.items()
        for seed in range(seeds)
    ]
    axes = {"variation": list(scores)}
    (row,) = claims.claims(Comparison("resnets", "fid", {"fid": False}, axes, runs, {})).rows
    return row


def test_most_variations_may_be_alike():
    """The medians' ratios are 0.98, 1 / 1.03 and 0.5: the one that is typical is 1 / 1.03."""
    row = claim_on_variations({"plain": 50.0, "a": 49.0, "b": 51.5, "c": 100.0})
    assert row["id"] == "C10" and row["verdict"] == "supported"
    assert (row["pairs"], row["runs"]) == (3, 20)
    assert row["ratio"] == pytest.approx(1 / 1.03) and row["ratio_low"] > 0.9


def test_variations_that_change_much_are_not_alike():
    row = claim_on_variations({"plain": 50.0, "a": 40.0, "b": 80.0, "c": 100.0})
    assert row["verdict"] == "contradicted"
    assert row["ratio"] == pytest.approx(0.625) and row["ratio_high"] < 0.9


def test_variations_of_one_seed_decide_nothing():
    assert claim_on_variations({"plain": 50.0, "a": 50.0}, seeds=1)["verdict"] == "undecided"
    assert "above 0" in claim_on_variations({"plain": -5.0, "a": -5.0})["reason"]


def test_failed_runs_are_worse_than_all():
    """Without normalisation every run diverges."""

    def law(variant, seed):
        return None if variant["normalisation"] == "none" else paper(variant, seed)

    found = claims_of(law)
    assert found["C1"]["verdict"] == "supported" and found["C2"]["verdict"] == "contradicted"


def test_a_study_without_the_axes_has_no_claims():
    runs = [run({"loss": loss}, 0, 1.0) for loss in AXES["loss"]]
    comparison = Comparison("losses", "fid", {"fid": False}, {"loss": AXES["loss"]}, runs, {})
    assert claims.claims(comparison).rows == []


def test_a_table_is_rows_of_text():
    scores = {"hinge": (9.0, 10.0), "ns": (5.0, 6.0)}
    runs = [run({"loss": loss}, s, one[s]) for loss, one in scores.items() for s in (0, 1)]
    comparison = Comparison("losses", "fid", {"fid": False}, {"loss": list(scores)}, runs, {})
    headings, (first, second), right = terminal.table(tables.tables(comparison)["leaderboard"])
    assert headings[:2] == ["#", "Variant"] and headings[2].startswith("FID,")
    assert first[:2] == ["1", "ns"] and first[2].startswith("5.5 [")
    assert second[:2] == ["2", "hinge"] and second[2].startswith("9.5 [")
    assert 0 in right and not {1, 2} & set(right)
