"""Two sides: the numbers, what is done once only, and what is not done again."""

import json
import os

import numpy as np
import pytest
import scipy.linalg

from compare_gan_tf import metrics
from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import outcomes, pairs
from compare_gan_tf.metrics import registry
from compare_gan_tf.metrics.features import digits_classifier


def frechet(first, second):
    """Heusel et al., 2017, eq. 6, by scipy's matrix root in float64."""
    c1, c2 = (np.cov(np.float64(side), rowvar=False) for side in (first, second))
    root = scipy.linalg.sqrtm(c1 @ c2).real
    shift = np.float64(first).mean(0) - np.float64(second).mean(0)
    return shift @ shift + np.trace(c1 + c2 - 2 * root)


@pytest.fixture
def features():
    rng = np.random.default_rng(3)
    real, fake, other = (rng.normal(size=(n, 12)) for n in (400, 300, 300))
    return real, 1.2 * fake + 0.3, other


def test_three_lines_give_the_number_of_scipy(features):
    real, fake, _ = features
    found = metrics.evaluate(real, fake, metrics=["fid"])
    assert found["fid"] == pytest.approx(frechet(real, fake), rel=1e-6)  # float32 features
    assert found.values() == {"fid": found["fid"]}
    assert "fid" in str(found) and found.rows[0]["protocol_id"] in str(found)


def test_images_are_sent_through_the_extractor(digits):
    real, fake = (digits.splits[name].images for name in ("test", "validation"))
    found = pairs.evaluate("digits/test", fake, metrics="fid")
    expected = frechet(*(digits_classifier()(images).features for images in (real, fake)))
    assert found["fid"] == pytest.approx(expected, rel=1e-5)
    (row,) = found.rows
    protocol = row["protocol"]
    assert (protocol["dataset"], protocol["real_split"], protocol["real_sha256"]) == (
        "digits",
        "test",
        None,  # the name says what is in it
    )
    assert protocol["extractor"] == "digits-cnn" and protocol["quantisation"] == "uint8"
    assert row["interval"][0] < row["value"] < row["interval"][1]


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_the_batch_size_changes_no_score(digits, batch_size):
    sides = "digits/test", "digits/validation"
    names = ["fid", "kid_full", "inception_score", "ms_ssim"]
    expected = pairs.evaluate(*sides, metrics=names)
    found = pairs.evaluate(*sides, metrics=names, batch_size=batch_size)
    for name in names:  # as far as the extractor's float32 products depend on the batch
        assert found[name] == pytest.approx(expected[name], rel=1e-5)
    assert [r["protocol_id"] for r in found.rows] == [r["protocol_id"] for r in expected.rows]


def test_each_side_goes_through_the_extractor_once_for_all_metrics(digits, features):
    seen = []

    def pixels(images):
        seen.append(len(images))
        return images.reshape(len(images), -1)[:, 20:30]

    sides = digits.splits["test"].images, digits.splits["validation"].images
    names = ["fid", "kid_full", "prdc", "precision_recall"]
    found = pairs.evaluate(*sides, metrics=names, extractor=pixels)
    assert sum(seen) == 600
    expected = [score for name in names for score in registry.find(name).scores]
    assert [row["metric"] for row in found.rows] == expected
    assert found.rows[0]["protocol"]["extractor"] == "pixels"


def test_a_score_that_fails_is_a_row_with_the_reason_beside_the_others(features):
    real, fake, _ = features
    found = metrics.evaluate(real, fake, metrics=["inception_score", "fid", "kid"])
    rows = {row["metric"]: row for row in found.rows}
    assert "inception_score needs logits of the fakes" in rows["inception_score"]["reason"]
    assert rows["kid"]["value"] is None and "1000" in rows["kid"]["reason"]
    assert rows["fid"]["value"] > 0 and rows["fid"]["reason"] is None
    with pytest.raises(UserError, match="inception_score has no value: .* needs logits"):
        found["inception_score"]
    assert list(found) == list(rows)
    with pytest.raises(UserError, match="there is no score 'prdc': there are inception_score, fid"):
        found["prdc"]
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("names", [["fid"], ["fid", "kid_full"]])
def test_features_that_are_not_finite_are_a_reason(digits, names):
    images = digits.splits["test"].images
    broken = images.copy()
    broken[:3] = 255

    def one_over(images):
        with np.errstate(divide="ignore"):
            return 1.0 / (255.0 - images[:, 3:5, 3:5].reshape(len(images), -1))

    for sides in ((broken, images), (images, broken)):
        found = pairs.evaluate(*sides, metrics=names, extractor=one_over)
        assert all("not finite" in row["reason"] for row in found.rows)
        assert len(found.rows) == len(names)


def test_fewer_samples_are_a_choice_that_the_seed_decides(digits):
    sides = "digits/train", "digits/test"
    one, two, other = (
        pairs.evaluate(*sides, metrics="fid", num_real=200, num_samples=100, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one["fid"] == two["fid"] != other["fid"]
    assert one.rows[0]["protocol"]["n_real"] == 200
    assert one.rows[0]["protocol"]["n_fake"] == 100


# --- Statistics -------------------------------------------------------------------------------


def test_statistics_of_the_reals_do_in_their_place(features, tmp_path):
    real, fake, _ = features
    path = str(tmp_path / "stats.npz")
    whole = metrics.evaluate(real, fake, metrics=["fid"], save_real_statistics=path)
    with np.load(path) as file:  # the layout of pytorch-fid and clean-fid
        np.testing.assert_allclose(file["mu"], real.mean(0), atol=1e-6)
        np.testing.assert_allclose(file["sigma"], np.cov(real, rowvar=False), atol=1e-6)
        assert file["n"] == 400
    again = metrics.evaluate(path, fake, metrics=["fid"])
    assert again["fid"] == pytest.approx(whole["fid"], rel=1e-12)
    assert again.rows[0]["interval"] == pytest.approx(whole.rows[0]["interval"], rel=1e-9)
    mixed = metrics.evaluate(path, fake, metrics=["fid", "prdc"])
    reasons = {row["reason"] for row in mixed.rows if row["metric"] != "fid"}
    assert reasons == {"prdc needs features of the real side: give samples or features"}
    assert mixed["fid"] == again["fid"]


def test_what_else_is_scored_moves_no_score_and_no_interval(digits):
    sides = "digits/test", "digits/validation"
    alone, beside = (pairs.evaluate(*sides, metrics=m) for m in ("fid", "fid,kid_full"))
    one, other = alone.rows[0], beside.rows[0]
    assert one["protocol_id"] == other["protocol_id"]
    for key in ("value", "interval"):
        assert one[key] == pytest.approx(other[key], rel=1e-9)


def test_the_cache_serves_the_same_samples_and_no_others(digits, cache, monkeypatch):
    images = digits.splits["test"].images
    fakes = digits.splits["validation"].images
    extract, seen = digits_classifier(), []
    call = type(extract).__call__
    monkeypatch.setattr(
        type(extract), "__call__", lambda self, x: (seen.append(len(x)), call(self, x))[1]
    )
    first = pairs.evaluate(images, fakes, metrics="fid", extractor=extract)
    assert sum(seen) == 600 and len(list(cache.glob("*.npz"))) == 1
    again = pairs.evaluate(images.copy(), fakes, metrics="fid", extractor=extract)
    assert sum(seen) == 900  # the fakes alone
    assert again["fid"] == pytest.approx(first["fid"], rel=1e-12)
    changed = images.copy()
    changed[0, 0, 0, 0] ^= 1  # one bit of one pixel
    pairs.evaluate(changed, fakes, metrics="fid", extractor=extract)
    assert sum(seen) == 1500 and len(list(cache.glob("*.npz"))) == 2
    pairs.evaluate(images, fakes, metrics="fid", extractor=extract, num_real=200)
    assert sum(seen) == 2000
    (path, *_) = sorted(cache.glob("*.npz"))
    path.write_bytes(b"half a file")
    for changed_again in (images, changed):  # a damaged file is made again
        pairs.evaluate(changed_again, fakes, metrics="fid", extractor=extract)


def test_a_function_without_a_hash_is_not_cached(digits, cache):
    images = digits.splits["test"].images
    for scale in (1, 2):
        found = pairs.evaluate(
            images, images[::-1], metrics="fid", extractor=lambda_of(scale), num_samples=299
        )
    assert found["fid"] > 0 and not cache.exists()


def lambda_of(scale):
    def centre(images):
        return scale * images[:, 3:5, 3:5, 0].reshape(len(images), -1)

    return centre


# --- Two models -------------------------------------------------------------------------------


def test_two_models_differ_by_their_difference(features):
    real, fake, other = features
    found = metrics.evaluate(real, fake, against=other, metrics=["fid", "kid_full"])
    for row, first, second in zip(found.differences, found.rows, found.against_rows, strict=True):
        assert row["value"] == pytest.approx(first["value"] - second["value"], rel=1e-9)
        low, high = row["interval"]
        assert low < row["value"] < high
    assert found.differences[0]["interval"][0] > 0  # the first is worse, beyond chance
    assert "difference" in str(found)
    assert found.to_dict()["differences"] == found.differences


def test_models_scored_under_different_protocols_are_refused(features):
    real, fake, other = features
    with pytest.raises(UserError, match="cannot be compared by fid.*n_fake 300 and 200"):
        metrics.evaluate(real, fake, against=other[:200], metrics=["fid"])


# --- The file of scores -----------------------------------------------------------------------


def test_the_file_is_written_after_every_metric_and_nothing_in_it_is_done_again(
    features, tmp_path, monkeypatch
):
    real, fake, _ = features
    path = str(tmp_path / "scores.json")
    names = ["fid", "kid_full", "prdc"]
    scored, original = [], outcomes.outcomes

    def dying(metric, *sides):
        scored.append(metric.name)
        if len(scored) == 2:
            raise KeyboardInterrupt
        return original(metric, *sides)

    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "outcomes", dying)
        with pytest.raises(KeyboardInterrupt):
            metrics.evaluate(real, fake, metrics=names, output=path)
    content = json.load(open(path))
    assert [row["metric"] for row in content["scores"]] == ["fid"]
    assert content["complete"] is False
    monkeypatch.setattr(
        outcomes,
        "outcomes",
        lambda metric, *s: (scored.append(metric.name), original(metric, *s))[1],
    )
    found = metrics.evaluate(real, fake, metrics=names, output=path)
    assert scored == ["fid", "kid_full", "kid_full", "prdc"]
    again = metrics.evaluate(real, fake, metrics=names, output=path)
    assert scored == ["fid", "kid_full", "kid_full", "prdc"] and again.rows == found.rows
    content = json.load(open(path))
    assert content["complete"] is True and content["scores"] == found.rows
    assert {"compare_gan_tf", "tensorflow", "numpy"} <= content["versions"].keys()
    assert os.listdir(tmp_path) == ["scores.json"]


def test_other_samples_or_settings_are_scored_anew(features, tmp_path):
    real, fake, other = features
    path = str(tmp_path / "scores.json")
    kid = registry.find("kid")
    first = metrics.evaluate(real, fake, metrics=[kid(subset_size=50, subsets=3)], output=path)
    second = metrics.evaluate(real, fake, metrics=[kid(subset_size=60, subsets=3)], output=path)
    third = metrics.evaluate(real, other, metrics=[kid(subset_size=60, subsets=3)], output=path)
    assert len({first["kid"], second["kid"], third["kid"]}) == 3
    assert json.load(open(path))["scores"] == third.rows


def test_a_file_of_something_else_is_not_overwritten(features, tmp_path):
    path = tmp_path / "notes.json"
    path.write_text('{"notes": 1}')
    with pytest.raises(UserError, match="holds no scores"):
        metrics.evaluate(*features[:2], metrics=["fid"], output=str(path))
    assert path.read_text() == '{"notes": 1}'


def test_the_folder_of_the_output_is_made(features, tmp_path):
    path = tmp_path / "new" / "scores.json"
    metrics.evaluate(*features[:2], metrics=["fid"], output=str(path))
    assert json.loads(path.read_text())["complete"]


def test_a_failed_score_is_tried_again(features, tmp_path):
    path = str(tmp_path / "scores.json")
    real, fake, _ = features
    metrics.evaluate(real, fake, metrics=["kid"], output=path)
    content = json.load(open(path))
    assert content["scores"][0]["value"] is None
    content["scores"][0] |= {"reason": "an older one"}
    json.dump(content, open(path, "w"))
    (row,) = metrics.evaluate(real, fake, metrics=["kid"], output=path).rows
    assert row["reason"] != "an older one"
