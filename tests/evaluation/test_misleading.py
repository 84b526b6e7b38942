"""Scores that would mislead say why, in the row and once on the terminal."""

import numpy as np
import pytest

from compare_gan_tf import data, evaluation
from compare_gan_tf.evaluation import misleading, outcomes, pairs
from compare_gan_tf.metrics import registry
from compare_gan_tf.metrics.features import digits_classifier, raw_features
from compare_gan_tf.metrics.protocol import Protocol
from compare_gan_tf.runs import results

RNG = np.random.default_rng(0)


def features(number, width):
    return np.random.default_rng(number).normal(size=(number, width))


def warnings(real, fake, metric, **options):
    found = pairs.evaluate(real, fake, metrics=[metric], **options)
    return {row["metric"]: row.get("warnings", []) for row in found.rows}


@pytest.mark.parametrize(
    ("reals", "fakes", "expected"),
    [
        (65, 65, []),
        (64, 65, ["64 real samples in 64 dimensions: their covariance is singular"]),
        (65, 40, ["40 fakes in 64 dimensions: their covariance is singular"]),
    ],
)
def test_as_many_samples_as_dimensions_are_singular(reals, fakes, expected):
    found = warnings(features(reals, 64), features(fakes, 64), "fid")["fid"]
    assert [text for text in found if "singular" in text] == expected


def test_statistics_with_their_number_are_as_good_as_samples(tmp_path):
    real, fake, path = features(50, 64), features(90, 64), str(tmp_path / "s.npz")
    pairs.evaluate(real, fake, metrics="fid", save_real_statistics=path)
    found = warnings(path, fake, "fid")["fid"]
    assert "50 real samples in 64 dimensions: their covariance is singular" in found
    moments = {"mu": real.mean(0), "sigma": np.cov(real, rowvar=False)}
    np.savez(path, **moments)  # of how many samples is not told
    assert not any("real samples" in text for text in warnings(path, fake, "fid")["fid"])


def test_few_samples_in_a_class_are_told_of_the_smallest_class():
    labels = np.repeat([0, 1], [70, 30])
    images = RNG.integers(0, 256, (100, 2, 4, 1), dtype=np.uint8)
    side = {"images": images, "labels": labels}
    found = warnings(side, side, "intra_class_fid", extractor=raw_features())["intra_class_fid"]
    assert "30 real samples and 30 fakes in a class: intra_class_fid needs 5,000" in found
    labels = np.repeat([0, 1], [92, 8])
    side = {"images": images, "labels": labels}
    found = warnings(side, side, "intra_class_fid", extractor=raw_features())["intra_class_fid"]
    assert "8 fakes in 8 dimensions: their covariance is singular" in found


@pytest.mark.parametrize(
    ("metric", "number", "least"),
    [
        ("fid", 9_999, 10_000),
        ("fid", 10_000, None),
        ("kid_full", 999, 1_000),
        ("kid_full", 1_000, None),
        ("prd", 999, 1_000),
        ("prd", 1_000, None),
        ("memorised", 999, 1_000),
        ("memorised", 1_000, None),
    ],
)
def test_each_metric_has_its_least_number(metric, number, least):
    """docs/evaluation.md has why."""
    real, fake = features(number, 2), features(number + 1, 2)[:number]
    (texts, *_) = warnings(real, fake, metric).values()
    found = [text for text in texts if "needs" in text]
    both = f"{number:,} fakes" if metric == "memorised" else f"{number:,} real samples and"
    assert bool(found) == (least is not None)
    assert all(text.startswith(both) and f"needs {least:,}" in text for text in found)


def test_the_inception_score_needs_more_of_more_classes(digits):
    """50 (K - 1) fakes for K classes: about 50,000 for 1,000, as its paper took."""
    sides = digits.splits["test"].images, digits.splits["train"].images
    options = {"extractor": digits_classifier()}
    (few,) = warnings(*sides, "inception_score", num_samples=449, **options).values()
    assert "449 fakes: inception_score needs 450" in few
    (enough,) = warnings(*sides, "inception_score", num_samples=450, **options).values()
    assert not any("needs" in text for text in enough)
    split = registry.find("inception_score")(splits=2)
    (few,) = warnings(*sides, split, num_samples=450, **options).values()
    assert "450 fakes: inception_score needs 900" in few


@pytest.mark.parametrize("name", registry.names())
def test_numbers_are_of_the_sides_that_a_metric_looks_at(name):
    metric = registry.find(name)
    assert set(metric.enough) <= {side for side, kinds in metric.needs.items() if kinds}
    assert metric.covariances == (
        name in ("fid", "fid_infinity", "intra_class_fid", "held_out_gap", "mifid")
    )


def test_pixels_as_features_are_told_of_images_and_not_of_points(digits):
    sides = "digits/test", digits.splits["validation"].images
    pixels = "the features are raw pixels: their distances do not measure visual similarity"
    assert pixels in warnings(*sides, "fid", extractor=raw_features())["fid"]
    assert pixels not in warnings(*sides, "fid")["fid"]
    assert pixels not in warnings(*sides, "ms_ssim")["ms_ssim"]  # which is of pixels by its nature
    points = warnings("gaussian_ring/test", "gaussian_ring/validation", "fid")["fid"]
    assert pixels not in points


def test_a_classifier_of_other_images_is_told(digits):
    other = "digits-cnn was trained on digits: its features suit no other images"
    images = RNG.integers(0, 256, (90, 8, 8, 1), dtype=np.uint8)
    assert other in warnings(images, images[::-1], "fid", extractor=digits_classifier())["fid"]
    assert other not in warnings("digits/test", images, "fid")["fid"]


def test_a_training_split_as_the_real_side_is_told_but_where_it_is_meant():
    start = "the real samples are the training split"
    for metric, told in (("fid", True), ("prdc", True), ("memorised", False)):
        for texts in warnings("digits/train", "digits/test", metric).values():
            assert any(text.startswith(start) for text in texts) == told
    for texts in warnings("digits/test", "digits/train", "fid").values():
        assert not any(text.startswith(start) for text in texts)


def test_intervals_that_are_missing_or_wide_are_told():
    missing = "no interval: the effect of chance on the score is unknown"
    silent = registry.find("fid")(interval=False)
    assert missing in warnings(features(90, 4), features(80, 4), silent)["fid"]
    wide = "the interval is wider than the value"
    found = pairs.evaluate(features(90, 4), features(80, 4), metrics="kid_full").rows[0]
    low, high = found["interval"]
    assert high - low > abs(found["value"]) and wide in found["warnings"]
    assert wide not in warnings(features(90, 4), features(80, 4) + 9, "kid_full")["kid_full"]
    parzen = warnings(features(90, 4), features(80, 4), "parzen")
    assert missing not in parzen["parzen_sigma"]  # a width that was found has no interval
    one = outcomes.Outcome("fid", -5.0, None, [-6.0, -4.0])  # as logarithms are
    assert misleading._interval_warnings(registry.find("fid")(), one) == []


def test_a_warning_is_in_a_row_once_and_only_beside_a_value():
    one = outcomes.Outcome("fid", 5.0, None, [4.0, 6.0], ("b", "a"))
    protocol = Protocol(metric="fid", n_fake=10, seed=0)
    assert outcomes.row(one, protocol, 0.0, ["a", "a"])["warnings"] == ["a", "b"]
    assert "warnings" not in outcomes.row(one._replace(value=None), protocol, 0.0, ["a"])
    assert "warnings" not in outcomes.row(one._replace(warnings=()), protocol, 0.0)


def test_truncation_is_told(tmp_path, gan, digits, save):
    save(gan, tmp_path, 1)
    options = {"splits": ["test"], "floor": False}
    (cut,) = evaluation.evaluate(tmp_path, gan, digits, truncation=0.5, **options)
    assert any(text.startswith("latents are truncated at 0.5") for text in cut["warnings"])
    (whole,) = evaluation.evaluate(tmp_path, gan, digits, **options)
    assert not any("truncated" in text for text in whole["warnings"])


# --- Rows -------------------------------------------------------------------------------------


def test_rows_carry_them_and_their_protocols_do_not(tmp_path, gan, digits, save):
    save(gan, tmp_path, 1)
    rows = evaluation.evaluate(tmp_path, gan, digits, splits=["train"], num_samples=50)
    assert results.read(results.path(tmp_path)) == rows
    (row,) = rows
    assert "50 fakes in 64 dimensions: their covariance is singular" in row["warnings"]
    assert "warnings" not in row["protocol"]
    lines = evaluation.warning_lines(rows)
    assert len(lines) == len(row["warnings"])
    assert all(line.startswith("warning: ") and line.endswith("(fid train)") for line in lines)


def test_a_failed_score_has_none(tmp_path, gan, digits, save):
    save(gan, tmp_path, 1)
    (row,) = evaluation.evaluate(
        tmp_path, gan, digits, splits=["test"], metrics=["kid"], floor=False
    )
    assert row["value"] is None and "warnings" not in row


def test_each_distinct_warning_is_one_line():
    names = ["fid", "kid", "precision", "recall", "density"]
    rows = [
        {"metric": name, "split": "test", "step": step, "warnings": ["few", *extra]}
        for step in (1, 2)
        for name, extra in zip(names, [["odd"], [], [], [], []], strict=True)
    ]
    assert misleading.lines(rows) == [
        "warning: few (fid test, kid test, precision test and 2 more)",
        "warning: odd (fid test)",
    ]
    assert misleading.lines([{"metric": "fid"}]) == []


def test_a_table_of_two_sides_ends_with_them(tmp_path):
    path = tmp_path / "scores.json"
    found = pairs.evaluate(features(20, 30), features(25, 30), metrics="fid,kid_full", output=path)
    text = str(found)
    assert text.count("20 real samples in 30 dimensions: their covariance is singular (fid)") == 1
    assert found.rows[0]["warnings"] == found.to_dict()["scores"][0]["warnings"]
    assert "warnings" in path.read_text()


def test_toy_points_of_a_run_have_no_word_of_pixels(build, save, tmp_path):
    points = data.load("gaussian_ring")
    gan = build(points, generator=None)
    save(gan, tmp_path, 1)
    (row,) = evaluation.evaluate(tmp_path, gan, points, splits=["test"], num_samples=100)
    assert not any("pixels" in text for text in row["warnings"])
