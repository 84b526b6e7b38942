"""What is said of a comparison."""

import dataclasses
import re

import comparisons
from comparisons import of_runs, run, seeds

from compare_gan_tf.comparison import records
from compare_gan_tf.comparison.tables import tables
from compare_gan_tf.comparison.verdict import cautions, verdict


def said(comparison):
    return verdict(comparison, tables(comparison))


def test_a_variant_that_always_wins_is_best():
    runs = [
        *seeds("hinge", [12.0, 12.3, 12.6, 12.1, 12.5]),
        *seeds("none", [20.0, 21.0, 22.0, 23.0, 24.0]),
    ]
    sentence, brackets = said(of_runs(runs))
    assert sentence.startswith("“hinge” is best: median FID 12.3 [12, 12.6] over 5 seeds")
    assert sentence.endswith("; it beats “none” with probability 1.00 [1.00, 1.00].")
    # 1 - 2 / 2^5: not all five on one side of the median
    assert brackets == (
        "The brackets of 5 seeds are their range, which holds the median in 94% of cases; 6 seeds "
        "reach 95%."
    )


def test_a_lead_that_may_be_chance_is_called_so():
    runs = [
        *seeds("a", [1.0, 2.0, 3.0]),
        *seeds("b", [1.5, 2.5, 2.9]),
        *seeds("c", [8.0, 9.0, 9.5]),
    ]
    sentence, brackets = said(of_runs(runs))
    assert "3 seeds are their range, which holds the median in 75% of cases" in brackets
    assert sentence.startswith("“a” leads: ") and " is best" not in sentence
    assert (
        "Its seeds do not tell it apart from “b” and “c”." in sentence
    )  # three seeds show nothing


def test_many_that_are_not_told_apart_are_counted():
    runs = [one for i in range(7) for one in seeds(f"v{i}", [1.0 + i / 100, 2.0, 3.0])]
    sentence, _ = said(of_runs(runs))
    assert sentence.endswith("apart from “v1”, “v2”, “v3” and 3 more.")


def test_one_variant_has_nothing_to_beat():
    (sentence,) = said(of_runs([run("a", 2.5)]))
    assert sentence == (
        "“a”: median FID 2.5 over one seed; there is no other variant to compare with."
    )


def test_failed_pruned_and_unscored_runs_are_counted():
    runs = [
        *seeds("a", [1.0, 2.0, None]),
        *seeds("b", [5.0, 6.0]),
        run("b", 1.0, 9, status=records.PRUNED),
    ]
    runs.append(run("a", 1.0, 8, scores={}))
    runs.append(run("b", 1.0, 7, status=records.WAITING, reason="it has no scores", scores={}))
    _, _, *others = said(of_runs(runs))
    assert others == [
        "1 of 6 runs failed, and count as worse than all others. For example, digits/a/2: it "
        "diverged",
        "1 of 6 runs have no FID, and count as failed.",
        "1 of 8 runs were not scored, and do not count. For example, digits/b/7: it has no scores",
        "1 of 8 runs were pruned or have not ended, and do not count.",
    ]


def test_where_all_runs_failed_there_is_no_best():
    first, _, second = said(of_runs([*seeds("a", [None, None]), *seeds("b", [None, None])]))
    assert first == "no variant has a median FID: half of its runs or more failed."
    assert second.startswith("4 of 4 runs failed")


def test_one_seed_has_no_probability_and_six_have_an_interval():
    (sentence,) = said(of_runs([run("a", 1.0), run("b", 2.0)]))
    assert sentence == (
        "“a” leads: median FID 1 over one seed; one seed cannot tell a difference from chance. Its "
        "seeds do not tell it apart from “b”."
    )
    six = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5]
    (sentence,) = said(of_runs([*seeds("a", six), *seeds("b", [5 + one for one in six])]))
    assert "“a” is best" in sentence


def test_settings_that_differ_beside_the_axes_are_told():
    found = of_runs([run("a", 1.0), run("b", 2.0)])
    assert not [one for one in said(found) if "differ in" in one]
    others = {"train.training_steps": ["100", "200"]}
    others |= {f"x.y{i}": ["1", "not bound"] for i in range(6)}
    found = dataclasses.replace(found, also_differ=others)
    (told,) = [one for one in said(found) if "differ in" in one]
    assert told == (
        "Beside loss, the variants differ in train.training_steps (100, 200), x.y0 (1, not bound), "
        "x.y1 (1, not bound), x.y2 (1, not bound), x.y3 (1, not bound) and 2 more: what is found "
        "may come from these."
    )
    assert cautions(found)[0] == told


def test_without_runs_that_is_said():
    assert said(of_runs([])) == ["There is no run yet."]


def test_each_data_set_has_a_sentence_and_all_have_one():
    first, second, both, *_, failed = said(comparisons.comparison(tasks=("digits", "cifar10")))
    assert first.startswith("On digits: “hinge, spectral” ")
    assert second.startswith("On cifar10: “hinge, spectral” ")
    assert both.startswith("Over all data sets “hinge, spectral” has the best mean rank, 1.")
    assert re.fullmatch(
        r"25 of 600 runs failed, and count as worse than all others\. For example, digits/\S+: the "
        "discriminator's loss is not finite at step 731",
        failed,
    )


def test_several_protocols_and_warnings_are_cautions():
    runs = seeds("a", [1.0, 2.0])
    runs[1].scores["fid"] = dataclasses.replace(
        runs[1].scores["fid"], protocol_id="q", warnings=["few"]
    )
    assert cautions(of_runs(runs)) == [
        "FID on digits was scored under 2 protocols, which do not compare.", "few",
    ]  # fmt: skip
