"""Fakes have the labels of the reals that they are compared with."""

import os

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import data, evaluation
from compare_gan_tf.evaluation import label_mix, openings, pairs
from compare_gan_tf.evaluation.generators import Players
from compare_gan_tf.evaluation.label_mix import UNIFORM, LabelMix, labelled_sides, of_reals
from compare_gan_tf.evaluation.sides import Samples
from compare_gan_tf.metrics import registry
from compare_gan_tf.metrics.features import raw_features

pytestmark = pytest.mark.usefixtures("trusting")

SEED = [7, 0]


def reals(labels, **options):
    images = np.zeros((len(labels), 2, 2, 1), np.uint8)
    return Samples("mine", images, np.asarray(labels), **options)


def mix(labels, classes, number=None, **options):
    return of_reals(reals(labels, **options), classes, number, 42).probabilities


def test_a_mix_is_the_shares_of_the_labels_that_are_there():
    assert mix([0, 0, 0, 1], 2) == (0.75, 0.25)
    assert mix([0, -1, -1, 1, 1, 1], 3) == (0.25, 0.75, 0.0)
    soft = np.array([[1.0, 0.0], [0.5, 0.5], [0.9, 0.1], [0.8, 0.2]], np.float32)
    assert mix(soft, 2) == pytest.approx((0.8, 0.2))


@pytest.mark.parametrize(
    ("labels", "classes", "options"),
    [
        ([0, 0, 3], 3, {}),  # a label that the generator has not got
        ([0, 0, 1], 3, {"num_classes": 2}),  # another number of classes
        ([-1, -1], 3, {}),  # none has a label
        ([0, 1, 2, 0, 1, 2], 3, {}),  # all alike already
        (np.full((4, 2), 0.5, np.float32), 3, {}),
    ],
)
def test_without_a_mix_labels_are_equally_likely(labels, classes, options):
    assert mix(labels, classes, **options) is None
    assert of_reals(None, 3, None, 0) == UNIFORM


def test_only_the_reals_that_are_compared_with_count():
    labels = np.repeat([0, 1], 500)
    few = mix(labels, 2, number=9)
    assert few is not None and sum(few) == pytest.approx(1) and few[0] * 9 == round(few[0] * 9)


def test_the_name_in_the_protocol_tells_mixes_apart():
    assert UNIFORM.name == "uniform"
    # printf '[0.75, 0.25]' | sha256sum | cut -c1-8
    assert LabelMix((0.75, 0.25)).name == "real mix 97ee261c"
    assert LabelMix((0.75001, 0.24999)).name != LabelMix((0.75, 0.25)).name
    assert LabelMix((0.75 + 1e-15, 0.25)).name == LabelMix((0.75, 0.25)).name  # of rounding


def test_the_greatest_draw_is_of_the_last_class_that_occurs(monkeypatch):
    greatest = tf.constant([2**32 - 1], tf.uint32)
    monkeypatch.setattr(label_mix.random, "bits", lambda shape, seed: greatest)
    for shares in ([1, 2, 4, 0], [1] * 10, [1] * 999):  # some add up to less than 1 in floats
        mixed = LabelMix(tuple((np.array(shares) / np.sum(shares)).tolist()))
        assert mixed.draw(1, SEED, len(shares)).item() == np.flatnonzero(shares)[-1]


def test_shares_of_draws_are_those_of_the_mix():
    probabilities = (0.6, 0.0, 0.3, 0.1)
    labels = LabelMix(probabilities).draw(40_000, SEED, 4)
    assert labels.dtype == np.int32
    shares = np.bincount(labels, minlength=4) / len(labels)
    np.testing.assert_allclose(shares, probabilities, atol=4 * np.sqrt(0.24 / len(labels)))
    assert shares[1] == 0.0


@pytest.mark.parametrize("one", [UNIFORM, LabelMix((0.5, 0.25, 0.25))])
def test_label_i_depends_on_the_seed_and_on_i_alone(one):
    many = one.draw(1000, SEED, 3)
    np.testing.assert_array_equal(one.draw(10, SEED, 3), many[:10])
    assert (one.draw(1000, [8, 0], 3) != many).any()


def test_another_mix_has_another_name():
    names = {LabelMix(p).name for p in (None, (0.5, 0.5, 0.0), (0.5, 0.0, 0.5))}
    assert len(names) == 3 and "uniform" in names


# --- In a run ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def imbalanced():
    """Nine digits of ten are zeros or ones."""
    digits = data.load("digits")
    splits = {}
    for name, split in digits.splits.items():
        frequent = np.flatnonzero(split.labels <= 1)
        rare = np.flatnonzero(split.labels > 1)[: len(frequent) // 9]
        splits[name] = split.subset(np.sort(np.concatenate([frequent, rare])))
    return data.Dataset("digits", splits, num_classes=10)


@pytest.fixture
def conditional(tmp_path, imbalanced, build, save):
    gan = build(imbalanced, conditional=True)
    save(gan, tmp_path, 1)
    return gan


def given_labels(gan, tag, real, metric, number):
    sides = labelled_sides(Players(gan, tag=""), (metric,), real, None, 42)
    batches = sides[metric].tagged(tag).batches(number, 7, 42)
    return np.concatenate([batch.labels for batch in batches])


def test_a_run_draws_the_mix_of_each_split(tmp_path, conditional, imbalanced):
    rows = evaluation.evaluate(tmp_path, conditional, imbalanced, extractor=raw_features())
    real = openings.of_split(imbalanced, "test")
    expected = of_reals(real, 10, None, 42)
    found = {row["split"]: row["protocol"]["labels"] for row in rows}
    assert found["test"] == expected.name != "uniform"
    assert found["validation"] != found["test"]  # another mix, another protocol
    labels = given_labels(conditional, "test", real, registry.find("fid")(), 2000)
    shares = np.bincount(labels, minlength=10) / 2000
    np.testing.assert_allclose(shares, expected.probabilities, atol=0.04)
    assert shares[:2].sum() > 0.85


def test_the_first_rows_of_many_fakes_are_those_of_few(conditional, imbalanced):
    real = openings.of_split(imbalanced, "test")
    metric = registry.find("fid")()
    side = labelled_sides(Players(conditional, tag="x"), (metric,), real, None, 42)[metric]
    few, many = (
        [np.concatenate(parts) for parts in zip(*side.batches(n, size, 3), strict=True)]
        for n, size in ((20, 6), (90, 90))
    )
    for one, other in zip(few, many, strict=True):  # samples, labels
        np.testing.assert_array_equal(one, other[:20])


def test_metrics_of_each_class_have_as_many_fakes_of_the_rare_ones(
    tmp_path, conditional, imbalanced
):
    names = ["fid", "intra_class_fid"]
    rows = evaluation.evaluate(
        tmp_path, conditional, imbalanced, metrics=names, splits=["train"], num_samples=250,
        extractor=raw_features(),
    )  # fmt: skip
    found = {row["metric"]: row for row in rows}
    assert found["intra_class_fid"]["protocol"]["labels"] == "uniform"
    assert found["fid"]["protocol"]["labels"].startswith("real mix ")
    assert found["intra_class_fid"]["value"] > 0
    even = given_labels(
        conditional, "train", openings.of_split(imbalanced, "train"),
        registry.find("intra_class_fid")(), 250,
    )  # fmt: skip
    assert np.bincount(even, minlength=10).min() >= 10


def test_what_classifies_gets_the_labels_of_the_training_mix(tmp_path, conditional, imbalanced):
    cas = registry.find("cas")(steps=3)
    rows = evaluation.evaluate(
        tmp_path, conditional, imbalanced, metrics=[cas], splits=["test"], floor=False
    )
    assert {row["protocol"]["labels"][:8] for row in rows} == {"real mix"}
    assert all(row["value"] is not None for row in rows)


def test_two_sides_draw_the_mix_too(conditional, imbalanced):
    split = imbalanced.splits["test"]
    real = {"images": split.images, "labels": split.labels}
    options = {"metrics": "fid", "extractor": raw_features()}
    mixed = pairs.evaluate(real, conditional, **options).rows[0]
    plain = pairs.evaluate({"images": split.images}, conditional, **options).rows[0]
    assert mixed["protocol"]["labels"].startswith("real mix ")
    assert plain["protocol"]["labels"] == "uniform"
    assert mixed["protocol_id"] != plain["protocol_id"] and mixed["value"] != plain["value"]


def test_without_labels_nothing_is_said_of_them(tmp_path, gan, digits, save):
    save(gan, tmp_path, 1)
    rows = evaluation.evaluate(tmp_path, gan, digits, splits=["test"], floor=False)
    assert not any("labels" in row["protocol"] for row in rows)


def test_a_module_draws_the_mix_too(tmp_path):
    class Sampler(tf.Module):
        """Image i is of the brightness of its label."""

        @tf.function(
            input_signature=[
                tf.TensorSpec([], tf.int32), tf.TensorSpec([2], tf.int32),
                tf.TensorSpec([], tf.float32), tf.TensorSpec([None], tf.int32),
            ]
        )  # fmt: skip
        def sample(self, num, seed, truncation, labels):
            return tf.ones([num, 2, 2, 1]) * tf.cast(labels, tf.float32)[:, None, None, None] / 255

    path = tmp_path / "generator"
    tf.saved_model.save(Sampler(), str(path))
    os.makedirs(path / "assets.extra")
    (path / "assets.extra" / "metadata.json").write_text('{"conditional": true, "num_classes": 3}')
    labels = np.repeat([0, 1, 2], [10, 70, 20])
    side, metric = openings.side(str(path)), registry.find("fid")()
    mixed = labelled_sides(side, (metric,), reals(labels), None, 42)[metric]
    assert mixed.facts["labels"] == LabelMix((0.1, 0.7, 0.2)).name
    batches = list(mixed.batches(1000, 7, 3))
    found = np.concatenate([batch.labels for batch in batches])
    shares = np.bincount(found, minlength=3) / 1000
    np.testing.assert_allclose(shares, [0.1, 0.7, 0.2], atol=0.06)
    images = np.concatenate([batch.samples for batch in batches])
    np.testing.assert_array_equal(images[:, 0, 0, 0], found)
