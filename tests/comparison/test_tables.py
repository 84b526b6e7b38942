"""The tables of a comparison, against numbers worked out by hand."""

import csv
import dataclasses
import io
import json

import comparisons
import pytest
from comparisons import of_runs, run, scored, seeds

from compare_gan_tf.comparison import records, tables
from compare_gan_tf.comparison.facets import Pictured, pictured
from compare_gan_tf.comparison.table import Column, Table, interval_text
from compare_gan_tf.comparison.tables import tables as all_tables
from compare_gan_tf.errors import UserError


def rows(comparison, name, **wanted):
    return all_tables(comparison)[name].where(**wanted)


# --- Leaderboard --------------------------------------------------------------------------------


def test_a_leaderboard_has_the_medians_and_the_failures_of_each_variant():
    runs = [*seeds("wasserstein", [4.0, 5.0, None, 6.0, 7.0]), *seeds("hinge", [1.0, 3.0, 2.0])]
    first, second = rows(of_runs(runs), "leaderboard")
    assert [(one["place"], one["variant"]) for one in (first, second)] == [
        (1, "hinge"),
        (2, "wasserstein"),
    ]
    assert first["best"] == first["median"] == 2.0
    assert second["median"] == 6.0  # of 4, 5, 6, 7 and a failed run, which is the worst
    assert (second["runs"], second["failed"], second["seeds"]) == (5, 1, 5)
    assert (second["lower_quartile"], second["upper_quartile"]) == (5.0, 7.0)
    assert second["iqm"] == 6.0  # of 5, 6, 7
    assert first["best_low"] <= 2.0 <= first["best_high"]


def test_a_variant_of_which_half_failed_has_no_median_and_is_last():
    runs = [*seeds("a", [1.0, None, None]), *seeds("b", [50.0, 60.0, 70.0])]
    first, second = rows(of_runs(runs), "leaderboard")
    assert (first["variant"], second["variant"]) == ("b", "a")
    assert second["best"] is None and second["median"] is None and second["failed"] == 2


def test_more_may_be_better():
    runs = [*seeds("a", [0.1, 0.2, 0.3]), *seeds("b", [0.7, 0.8, None])]
    found = rows(of_runs(runs, higher=True), "leaderboard")
    assert [one["variant"] for one in found] == ["b", "a"] and found[0]["best"] == 0.7


def test_the_best_setting_is_selected_on_one_split_and_reported_on_the_other():
    fast, slow = {"rate": 0.1}, {"rate": 0.01}
    runs = [
        *(run("a", 9.0, i, selected=1.0, setting=fast) for i in range(3)),
        *(run("a", 5.0, i, selected=2.0, setting=slow) for i in range(3)),
    ]
    (found,) = rows(of_runs(runs), "leaderboard")
    assert (
        found["setting"] == "rate = 0.1" and found["best"] == 9.0
    )  # 5.0 would be the test split's
    assert (found["seeds"], found["runs"], found["settings"]) == (3, 6, 2)
    assert found["median"] == 7.0


def test_a_setting_with_few_seeds_is_not_selected_for_its_luck():
    lucky = [run("a", 1.0, 0, setting={"rate": 0.5})]
    proven = [run("a", 4.0 + i, i, setting={"rate": 0.1}) for i in range(5)]
    (found,) = rows(of_runs(lucky + proven), "leaderboard")
    assert found["setting"] == "rate = 0.1" and found["best"] == 6.0


def test_runs_that_were_pruned_or_go_on_do_not_count():
    others = (records.PRUNED, records.RUNNING, records.WAITING)
    runs = seeds("a", [1.0, 2.0]) + [
        run("a", 0.1, 7 + i, status=one) for i, one in enumerate(others)
    ]
    (found,) = rows(of_runs(runs), "leaderboard")
    assert found["runs"] == 2 and found["failed"] == 0 and found["best"] == 1.5
    assert len(rows(of_runs(runs), "runs")) == 5


def test_letters_are_shared_by_those_that_are_not_told_apart():
    low, near, far = ([base + 0.1 * i for i in range(8)] for base in (1.0, 1.05, 9.0))
    runs = [*seeds("a", low), *seeds("b", near), *seeds("c", far)]
    found = {one["variant"]: one["letters"] for one in rows(of_runs(runs), "leaderboard")}
    assert found == {"a": "a", "b": "a", "c": "b"}


def test_a_metric_without_a_direction_cannot_rank():
    comparison = of_runs(seeds("a", [1.0]), higher=None)
    with pytest.raises(UserError, match="fid cannot rank: neither less nor more") as caught:
        all_tables(comparison)
    assert "\n" not in str(caught.value)


def test_a_run_that_is_complete_without_the_score_counts_as_failed():
    runs = seeds("a", [1.0, 2.0, 3.0])
    runs[0] = dataclasses.replace(runs[0], scores={"fid": scored(1.0, None)})
    runs[1] = dataclasses.replace(runs[1], scores={})
    (found,) = rows(of_runs(runs), "leaderboard")
    assert found["failed"] == 2 and found["best"] is None


def test_each_data_set_has_rows_of_its_own():
    runs = [
        *seeds("a", [1.0, 2.0]), *seeds("b", [3.0, 4.0]),
        *seeds("a", [30.0, 40.0], task="mnist"), *seeds("b", [10.0, 20.0], task="mnist"),
    ]  # fmt: skip
    found = rows(of_runs(runs), "leaderboard")
    assert [(one["task"], one["variant"], one["best"]) for one in found] == [
        ("digits", "a", 1.5), ("digits", "b", 3.5), ("mnist", "b", 15.0), ("mnist", "a", 35.0),
    ]  # fmt: skip


# --- Contests -----------------------------------------------------------------------------------


def test_the_probability_of_improvement_is_mann_and_whitneys_share_of_pairs():
    runs = [*seeds("a", [1.0, 2.0, 3.0]), *seeds("b", [2.5, 4.0, None])]
    found = {(r["first"], r["second"]): r["probability"] for r in rows(of_runs(runs), "pairwise")}
    assert found["a", "b"] == pytest.approx(8 / 9) and found["b", "a"] == pytest.approx(1 / 9)
    assert len(found) == 2


def test_over_all_data_sets_the_probability_is_the_mean():
    runs = [
        *seeds("a", [1.0, 2.0]), *seeds("b", [3.0, 4.0]),
        *seeds("a", [30.0, 40.0], task="mnist"), *seeds("b", [35.0, 50.0], task="mnist"),
    ]  # fmt: skip
    (found,) = rows(of_runs(runs), "pairwise", task="all data sets", first="a")
    assert found["probability"] == pytest.approx((1.0 + 0.75) / 2)


def test_the_budget_curve_begins_at_the_mean_and_ends_at_the_best():
    found = rows(of_runs(seeds("a", [1.0, 2.0, 6.0])), "budget")
    assert [one["budget"] for one in found] == [1, 2, 3]
    # The best of two of three: (1, 2), (1, 6), (2, 6).
    assert [one["expected"] for one in found] == pytest.approx([3.0, 4 / 3, 1.0])


def test_the_budget_curve_of_many_runs_has_few_points():
    found = rows(of_runs(seeds("a", [float(i) for i in range(200)])), "budget")
    assert len(found) <= 30 and found[0]["budget"] == 1 and found[-1]["budget"] == 200


def test_a_variant_that_is_worse_everywhere_needs_more_runs():
    runs = [
        *seeds("a", [float(i) for i in range(1, 21)]),
        *seeds("b", [i / 2 for i in range(1, 21)]),
    ]
    (found,) = rows(of_runs(runs), "efficiency")
    assert (found["variant"], found["against"]) == ("a", "b") and found["ratio"] > 1.5


def test_a_profile_is_the_share_of_runs_that_reach_a_multiple_of_the_median():
    runs = [*seeds("a", [1.0, 2.0]), *seeds("b", [2.0, 4.0])]  # the median run scores 2
    found = rows(of_runs(runs), "profile", variant="a")
    assert found[0]["ratio"] == pytest.approx(0.5) and found[0]["share"] == 0.5
    assert found[-1]["ratio"] == pytest.approx(2.0) and found[-1]["share"] == 1.0
    halves = [one["share"] for one in found if one["ratio"] < 0.999]
    assert set(halves) == {0.5}


def test_scores_that_are_not_above_0_have_no_profile():
    assert "profile" not in all_tables(of_runs(seeds("a", [0.0, 2.0])))


def test_the_ranks_of_variants_that_never_meet_are_certain():
    runs = [*seeds("a", [1.0, 2.0, 3.0]), *seeds("b", [7.0, 8.0, 9.0])]
    found = {(r["variant"], r["rank"]): r["probability"] for r in rows(of_runs(runs), "ranks")}
    assert found == {("a", 1): 1.0, ("a", 2): 0.0, ("b", 1): 0.0, ("b", 2): 1.0}
    assert "ranks" not in all_tables(of_runs([run("a", 1.0), run("b", 2.0)]))  # one seed each


def test_over_all_data_sets_none_counts_more_for_the_size_of_its_scores():
    """b is 4 times worse where scores are small and 1.2 times better where they are large."""
    runs = [
        *seeds("a", [1.0, 1.01]), *seeds("b", [4.0, 4.04]),
        *seeds("a", [120.0, 120.1], task="mnist"), *seeds("b", [100.0, 100.1], task="mnist"),
    ]  # fmt: skip
    found = rows(of_runs(runs), "ranks", task="all data sets", rank=1)
    assert {one["variant"]: one["probability"] for one in found} == {"a": 1.0, "b": 0.0}


def test_power_is_of_the_deviation_within_variants():
    runs = [*seeds("a", [1.0, 3.0]), *seeds("b", [11.0, 13.0, None])]
    (found,) = rows(of_runs(runs), "power")
    assert found["deviation"] == pytest.approx(2.0**0.5) and found["seeds"] == 2
    assert found["difference"] == 10.0 and found["detectable"] == pytest.approx(8.0, abs=0.1)
    assert found["needed"] == 2  # the difference is more than what two seeds of each show


# --- Facets -------------------------------------------------------------------------------------


def test_the_best_5_per_cent_are_selected_on_one_split_and_reported_on_the_other():
    runs = [run("a", 100.0 - i, i, selected=float(i + 1)) for i in range(40)]
    found = rows(of_runs(runs), "top")
    assert [(one["run"], one["score"]) for one in found] == [
        ("digits/a/0", 100.0),
        ("digits/a/1", 99.0),
    ]


def test_ends_are_the_medians_of_the_best_and_of_the_last_checkpoint():
    runs = [
        run("a", best, i, scores={"fid": scored(best, best, last)})
        for i, (best, last) in enumerate([(1.0, 2.0), (3.0, 9.0), (5.0, 6.0)])
    ]
    (found,) = rows(of_runs(runs), "ends")
    assert (found["best"], found["last"], found["change"]) == (3.0, 6.0, 1.0)


def test_costs_add_up_with_failed_runs_and_a_gap_is_no_sum():
    runs = [run("a", 1.0, 0), run("a", None, 1, steps=50), run("a", 2.0, 2, seconds=None)]
    (found,) = rows(of_runs(runs), "cost")
    assert (found["runs"], found["steps"], found["images"]) == (3, 250, 3 * 6400)
    assert found["seconds"] is None and found["seconds_of_one"] == 2.0
    assert found["multiply_adds"] == 3e9


def test_the_front_holds_the_runs_that_none_beats_in_both():
    def both(precision, recall, seed):
        scores = {
            "fid": scored(1.0, 1.0),
            "precision": scored(0, precision),
            "recall": scored(0, recall),
        }
        return run("a", 1.0, seed, scores=scores)

    runs = [both(0.9, 0.1, 0), both(0.5, 0.5, 1), both(0.4, 0.4, 2), both(0.1, 0.9, 3)]
    directions = {"fid": False, "precision": True, "recall": True}
    found = rows(of_runs(runs, higher_is_better=directions), "diversity")
    assert [one["front"] for one in found] == ["yes", "yes", "", "yes"]
    assert (found[0]["x"], found[0]["y"]) == (0.1, 0.9)


def test_protocols_are_listed_with_their_fields_and_warnings():
    (found,) = rows(comparisons.comparison(seeds=1, settings=1), "protocols", metric="fid")
    assert "n_real = 360" in found["fields"] and found["warnings"].startswith("360 fakes")


def test_importance_is_shown_where_it_is_given():
    comparison = of_runs(seeds("a", [1.0, 2.0]))
    found = all_tables(comparison, {"rate": 0.2, "loss": 0.7})["importance"].rows
    assert [(one["name"], one["share"]) for one in found] == [("loss", 0.7), ("rate", 0.2)]
    assert "importance" not in all_tables(comparison)


def test_the_best_the_median_and_the_worst_run_are_pictured():
    comparison = of_runs(seeds("a", [3.0, 1.0, None, 2.0, 5.0]) + seeds("b", [4.0]))
    assert pictured(comparison) == [
        Pictured("digits", "a", "best", "digits/a/1", 1.0),
        Pictured("digits", "a", "median", "digits/a/3", 2.0),
        Pictured("digits", "a", "worst", "digits/a/4", 5.0),
        Pictured("digits", "b", "only", "digits/b/0", 4.0),
    ]


# --- As files -----------------------------------------------------------------------------------

AWKWARD = 'a "b", c\nd; =1+1 <script>é'


def test_a_table_is_the_same_as_csv_and_as_json():
    columns = [Column("name", "Name", "text"), Column("score", "Score", interval=True)]
    values = [
        {"name": AWKWARD, "score": 0.1 + 0.2, "score_low": None, "score_high": 1e300},
        {"name": "", "score": None, "score_low": 1.0, "score_high": -2.5},
    ]
    table = Table("t", "T", "note", columns, values)
    head, *found = csv.reader(io.StringIO(table.csv(), newline=""))
    assert head == ["name", "score", "score_low", "score_high"]
    assert found[0] == [AWKWARD, repr(0.1 + 0.2), "", "1e+300"] and found[1] == [
        "",
        "",
        "1.0",
        "-2.5",
    ]
    assert json.loads(table.json())["rows"] == values


@pytest.mark.parametrize("failed", [0.0, 0.5, 1.0])
def test_every_table_is_plain_whatever_failed(failed):
    comparison = comparisons.comparison(
        norms=("none", "spectral"), seeds=2, settings=2, failed=failed
    )
    for name, table in all_tables(comparison, {"norm": 1.0}).items():
        read = json.loads(table.json())
        assert read["name"] == name and len(read["rows"]) == len(table.rows) > 0
        for row in table.rows:
            assert set(row) >= set(table.keys())
            assert all(type(one) in (str, int, float, type(None)) for one in row.values()), (
                name,
                row,
            )


def test_an_interval_in_words():
    row = {"a": 12.34, "a_low": 11.0, "a_high": None}
    assert interval_text(row, "a", 3) == "12.3 [11, failed]"
    assert interval_text(row | {"a_low": None}, "a", 3) == "12.3"


def test_without_runs_there_are_no_tables():
    assert all_tables(of_runs([])) == {}
    assert tables.leaderboard([]).rows == []
