import functools
import glob
import json
import logging
import os
import shutil

import gin
import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import best, checkpoints, data, evaluation, results
from compare_gan_tf.architectures import mlp
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN
from compare_gan_tf.latents import Normal
from compare_gan_tf.metrics.features import digits_classifier, raw_features
from compare_gan_tf.metrics.frechet import GaussianStatistics, frechet_distance
from compare_gan_tf.objectives.adversarial import Adversarial


def build(dataset, *, generator=None, dim=4, **options):
    return GAN(
        dataset.sample_shape,
        dataset.num_classes,
        generator=generator or functools.partial(mlp.generator, units=8, depth=1),
        discriminator=functools.partial(mlp.discriminator, units=8, depth=1),
        objectives=[Adversarial()],
        latents=Normal(dim=dim),
        **options,
    )


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def gan(digits):
    return build(digits)


def save(gan, model_dir, step, bias=None, seed=None):
    """Saves a checkpoint of that step, of fresh weights or of images all of one brightness."""
    rng = np.random.default_rng(step if seed is None else seed)
    for variable in gan.sampling_generator.variables:
        variable.assign(rng.normal(size=variable.shape))
        if bias is not None:
            variable.assign(np.full(variable.shape, bias if "out/bias" in variable.path else 0.0))
    gan.step.assign(step)
    checkpoints.Checkpoints(gan, str(model_dir), keep=1000).save()


def delete(run, step):
    """What training does with a checkpoint that it no longer keeps."""
    for path in glob.glob(checkpoints.path(run, step) + ".*"):
        os.remove(path)


@pytest.fixture
def run(tmp_path, gan):
    """A run's folder with checkpoints of steps 1, 2 and 3."""
    for step in (1, 2, 3):
        save(gan, tmp_path, step)
    return str(tmp_path)


@pytest.fixture
def scores(monkeypatch):
    """Replaces the scores by a table {(step, split): value} that tests fill; else the step."""
    table = {}

    def score(self, step, split, progress):
        progress.update(self.protocols[split].n_fake)
        return float(table.get((step, split), step)), None

    monkeypatch.setattr(evaluation._Scorer, "score", score)
    return table


def rows_on_disk(run):
    return results.read(results.path(run))


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


# --- Scores -----------------------------------------------------------------------------------


def test_a_row_says_what_was_scored_and_how(run, gan, digits):
    rows = evaluation.evaluate(run, gan, digits, steps=[2], num_samples=100, seed=7)
    assert [row["split"] for row in rows] == ["validation", "test"]
    row = rows[1]
    assert row["protocol"] == {
        "extractor": "digits-cnn",
        "weights_sha256": digits_classifier().weights_sha256,
        "resize": "none",
        "quantisation": "uint8",
        "dataset": "digits",
        "real_split": "test",
        "n_real": 300,
        "n_fake": 100,
        "ema": False,
        "seed": 7,
    }
    sha = digits_classifier().weights_sha256[:8]
    assert row["protocol_id"] == f"digits-cnn@{sha}-none-uint8-digits-test300-fake100-raw-seed7"
    assert (row["run"], row["step"], row["metric"]) == (os.path.basename(run), 2, "fid")
    assert row["value"] > 0 and row["reason"] is None and row["interval"] is None
    assert row["seconds"] > 0
    assert rows_on_disk(run) == rows


@pytest.mark.parametrize("averaged", [False, True])
def test_the_score_is_that_of_the_sampling_generators_images_as_uint8(tmp_path, digits, averaged):
    """A generator of white images, or an average of it, scores as 300 white images do."""
    gan = build(digits, ema_decay=0.9 if averaged else None)
    save(gan, tmp_path, 1, bias=50.0)
    for variable in gan.sampling_generator.variables:
        variable.assign(tf.zeros_like(variable))  # the checkpoint must be what is scored
    real, white = GaussianStatistics(), GaussianStatistics()
    real.update(digits_classifier()(digits.splits["test"].images))
    white.update(digits_classifier()(np.full((300, 8, 8, 1), 255, np.uint8)))
    (row,) = evaluation.evaluate(tmp_path, gan, digits, splits=["test"])
    assert row["value"] == pytest.approx(frechet_distance(real, white), rel=1e-5)
    assert row["protocol"]["ema"] is averaged


def test_points_are_scored_in_the_plane(tmp_path):
    """Against fakes N((3, 0), I): |(3, 0)|^2 and the roots of diag(4.25, .25) less those of I."""
    dataset = data.load("gaussian_mixture")
    gan = build(dataset, dim=2, generator=_shifted_latents)
    save(gan, tmp_path, 1, bias=None)
    gan.generator.get_layer("shift").set_weights([np.eye(2), np.array([3.0, 0.0])])
    gan.step.assign(2)
    checkpoints.Checkpoints(gan, str(tmp_path), keep=10).save()
    rows = evaluation.evaluate(
        tmp_path, gan, dataset, steps=[2], extractor=raw_features(), num_samples=20_000
    )
    expected = 9.0 + (4.25**0.5 - 1.0) ** 2 + (0.25**0.5 - 1.0) ** 2
    for row in rows:
        assert row["value"] == pytest.approx(expected, rel=0.05)
        assert row["protocol"]["quantisation"] == "float32"


def _shifted_latents(sample_shape, latent_dim, num_classes):
    z = keras.Input((latent_dim,), name="z")
    points = keras.layers.Dense(latent_dim, name="shift")(z)
    return keras.Model({"z": z}, points, name="generator")


@pytest.mark.parametrize("batch_size", [7, 64, 1000])
def test_the_batch_size_does_not_change_a_score(run, gan, digits, batch_size):
    (expected,) = evaluation.evaluate(run, gan, digits, steps=[1], splits=["test"])
    os.remove(results.path(run))
    options = {"steps": [1], "splits": ["test"], "batch_size": batch_size}
    (found,) = evaluation.evaluate(run, gan, digits, **options)
    assert found["value"] == pytest.approx(expected["value"], rel=1e-3)
    assert found["protocol_id"] == expected["protocol_id"]


def test_conditional_generators_are_scored_with_labels_of_every_class(tmp_path, digits):
    gan = build(digits, conditional=True)
    save(gan, tmp_path, 1)
    (row,) = evaluation.evaluate(tmp_path, gan, digits, splits=["test"])
    assert row["value"] > 0
    scorer = evaluation._Scorer(
        gan=gan,
        dataset=digits,
        extractor=digits_classifier(),
        num_samples=2000,
        batch_size=250,
        seed=42,
        splits=("test",),
        real_statistics={},
    )
    labels = scorer._inputs(scorer.protocols["test"])["labels"].numpy()
    assert np.bincount(labels, minlength=10).min() > 140  # 200 expected, 4.5 standard deviations
    assert labels.max() == 9


def test_the_splits_are_scored_on_other_latents(gan, digits):
    scorer = evaluation._Scorer(
        gan=gan,
        dataset=digits,
        extractor=digits_classifier(),
        num_samples=10,
        batch_size=250,
        seed=42,
        splits=("validation", "test"),
        real_statistics={},
    )
    first, second = (scorer._inputs(p)["z"].numpy() for p in scorer.protocols.values())
    assert not np.intersect1d(first, second).size
    assert np.array_equal(first, scorer._inputs(scorer.protocols["validation"])["z"])


# --- What is scored already -------------------------------------------------------------------


def test_what_is_scored_is_not_scored_again(run, gan, digits, monkeypatch):
    rows = evaluation.evaluate(run, gan, digits)
    assert [(row["step"], row["split"]) for row in rows] == [
        (step, split) for step in (1, 2, 3) for split in ("validation", "test")
    ]
    monkeypatch.setattr(checkpoints, "restore_players", None)
    assert evaluation.evaluate(run, gan, digits) == rows
    assert rows_on_disk(run) == rows


def test_another_protocol_is_scored_beside_the_first(run, gan, digits, scores):
    first = evaluation.evaluate(run, gan, digits, seed=1)
    second = evaluation.evaluate(run, gan, digits, seed=2)
    assert rows_on_disk(run) == first + second


def test_a_checkpoint_of_other_contents_is_scored_again(run, gan, digits, scores):
    evaluation.evaluate(run, gan, digits)
    save(gan, run, 2, seed=99)
    scores[2, "validation"] = 0.5
    rows = evaluation.evaluate(run, gan, digits)
    assert len(rows) == 6
    assert [(row["step"], row["split"]) for row in rows_on_disk(run)[6:]] == [
        (2, "validation"),
        (2, "test"),
    ]
    assert best.read(run)["step"] == 2


def test_a_cut_line_is_scored_again(run, gan, digits, scores):
    rows = evaluation.evaluate(run, gan, digits)
    with open(results.path(run), "r+b") as file:
        file.truncate(os.path.getsize(results.path(run)) - 30)
    again = evaluation.evaluate(run, gan, digits)
    assert [row | {"seconds": 0, "time": ""} for row in again] == [
        row | {"seconds": 0, "time": ""} for row in rows
    ]
    lines = open(results.path(run)).read().splitlines()
    assert len(lines) == 7
    assert json.loads(lines[6])["step"] == 3


def test_only_due_checkpoints_are_scored(run, gan, digits, scores):
    rows = evaluation.evaluate(run, gan, digits, every=2)
    assert {row["step"] for row in rows} == {2}
    assert evaluation.scored_steps(run) == {2}
    assert [step for step in range(7) if evaluation.is_due(step, 3)] == [3, 6]
    assert evaluation.is_due(0, 0)


# --- Failures ---------------------------------------------------------------------------------


def test_samples_that_are_not_finite_are_counted_in_the_reason(tmp_path, digits):
    def generator(sample_shape, latent_dim, num_classes):
        z = keras.Input((latent_dim,), name="z")
        images = keras.layers.Reshape(sample_shape)(keras.layers.Dense(64)(z))
        scale = keras.ops.sqrt(1.0 - z[:, :1])  # NaN for 16 % of the latents
        return keras.Model({"z": z}, images * keras.ops.reshape(scale, (-1, 1, 1, 1)))

    gan = build(digits, generator=generator)
    save(gan, tmp_path, 5)
    rows = evaluation.evaluate(tmp_path, gan, digits, batch_size=100)
    for row in rows:
        number, rest = row["reason"].split(" ", 1)
        assert row["value"] is None
        assert rest == "of 300 samples of checkpoint 5 are not finite"
        assert 25 < int(number) < 75
    assert "NaN" not in open(results.path(tmp_path)).read()
    assert best.read(tmp_path) is None


def test_too_few_samples_are_a_reason(run, gan, digits):
    rows = evaluation.evaluate(run, gan, digits, steps=[1], num_samples=1)
    assert {row["reason"] for row in rows} == {"a covariance needs at least 2 samples, not 1"}


def test_a_damaged_checkpoint_is_a_reason_and_the_others_are_scored(run, gan, digits, scores):
    path = checkpoints.path(run, 2) + ".data-00000-of-00001"
    shutil.copy(path, f"{path}.whole")
    with open(path, "r+b") as file:
        file.truncate(100)
    rows = evaluation.evaluate(run, gan, digits)
    assert [row["value"] for row in rows] == [1.0, 1.0, None, None, 3.0, 3.0]
    assert "cannot read checkpoint" in rows[2]["reason"] and "\n" not in rows[2]["reason"]
    evaluation.evaluate(run, gan, digits)
    assert len(rows_on_disk(run)) == 6  # tried again, with the same outcome
    os.replace(f"{path}.whole", path)
    assert [row["value"] for row in evaluation.evaluate(run, gan, digits)] == [1, 1, 2, 2, 3, 3]


def test_a_checkpoint_deleted_meanwhile_is_skipped_with_one_line(
    run, gan, digits, scores, monkeypatch, caplog
):
    restore = checkpoints.restore_players

    def restore_after_pruning(gan, model_dir, step):
        if step == 2:
            delete(run, 2)
        restore(gan, model_dir, step)

    monkeypatch.setattr(checkpoints, "restore_players", restore_after_pruning)
    with caplog.at_level(logging.WARNING, "absl"):
        rows = evaluation.evaluate(run, gan, digits)
    assert [row["step"] for row in rows] == [1, 1, 3, 3]
    assert messages(caplog) == ["checkpoint 2 was deleted before it was scored, skipped"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": [4]}, r"no checkpoint of step 4, only of \[1, 2, 3\]"),
        ({"splits": ["holdout"]}, "no split 'holdout', only train, validation, test"),
        ({"num_samples": 0}, "evaluate.num_samples is 0"),
        ({"batch_size": 0}, "evaluate.batch_size is 0"),
        ({"every": -1}, "evaluate.every is -1"),
    ],
)
def test_bad_settings_are_one_clear_line_and_write_nothing(run, gan, digits, options, message):
    with pytest.raises(UserError, match=message) as caught:
        evaluation.evaluate(run, gan, digits, **options)
    assert "\n" not in str(caught.value).split("\n  In call to configurable")[0]  # gin's
    assert not os.path.exists(results.path(run))


def test_an_extractor_that_does_not_fit_the_data_is_named(run, gan):
    with pytest.raises(UserError, match=r"digits-cnn takes .*\(2,\).*@raw_features"):
        evaluation.evaluate(run, gan, data.load("gaussian_ring"))


def test_a_run_without_checkpoints_says_so(tmp_path, gan, digits):
    with pytest.raises(UserError, match="no checkpoints in .*train first"):
        evaluation.evaluate(tmp_path, gan, digits)


# --- The best checkpoint ----------------------------------------------------------------------


def best_files(run):
    return sorted(os.listdir(best.folder(run)))


def files_of(step):
    return ["best.json", f"ckpt-{step}.data-00000-of-00001", f"ckpt-{step}.index"]


def test_the_best_is_selected_on_the_validation_split(run, gan, digits, scores):
    scores.update({(1, "validation"): 5, (2, "validation"): 4, (3, "validation"): 6})
    scores.update({(1, "test"): 9, (2, "test"): 8, (3, "test"): 0})
    evaluation.evaluate(run, gan, digits)
    found = best.read(run)
    assert (found["step"], found["split"], found["value"]) == (2, "validation", 4.0)
    assert best_files(run) == files_of(2)
    for name in files_of(2)[1:]:
        with open(os.path.join(best.folder(run), name), "rb") as file:
            copy = file.read()
        with open(os.path.join(run, "checkpoints", name), "rb") as file:
            assert copy == file.read()


def test_the_copy_is_a_checkpoint(run, gan, digits, scores):
    evaluation.evaluate(run, gan, digits, steps=[2])
    checkpoints.restore_players(gan, run, 2)
    expected = [variable.numpy() for variable in gan.generator.variables]
    checkpoints.restore_players(gan, run, 3)
    checkpoints.read_players(gan, os.path.join(best.folder(run), "ckpt-2"))
    for variable, value in zip(gan.generator.variables, expected, strict=True):
        assert np.array_equal(variable.numpy(), value)


def test_of_equals_the_later_is_the_best(run, gan, digits, scores):
    scores.update({(step, "validation"): 1 for step in (1, 2, 3)})
    evaluation.evaluate(run, gan, digits)
    assert best.read(run)["step"] == 3


def test_without_the_validation_split_nothing_is_selected(run, gan, digits, scores):
    evaluation.evaluate(run, gan, digits, splits=["test"])
    assert best.read(run) is None


def test_a_better_checkpoint_replaces_the_best_and_a_worse_does_not(run, gan, digits, scores):
    evaluation.evaluate(run, gan, digits, steps=[2])
    evaluation.evaluate(run, gan, digits, steps=[3])
    assert best.read(run)["step"] == 2
    evaluation.evaluate(run, gan, digits, steps=[1])
    assert best.read(run)["step"] == 1
    assert best_files(run) == files_of(1)


def test_the_best_outlives_its_deletion_by_training(run, gan, digits, scores):
    evaluation.evaluate(run, gan, digits)
    delete(run, 1)
    evaluation.evaluate(run, gan, digits)
    assert best.read(run)["step"] == 1
    assert best_files(run) == files_of(1)


def test_the_best_is_kept_before_its_rows_allow_its_deletion(run, gan, digits, scores, monkeypatch):
    append, seen = results.append, []
    monkeypatch.setattr(
        results, "append", lambda *args: (seen.append(best.read(run)["step"]), append(*args))
    )
    scores.update({(1, "validation"): 3, (2, "validation"): 2, (3, "validation"): 1})
    evaluation.evaluate(run, gan, digits)
    assert seen == [1, 2, 3]


def test_a_lost_copy_is_made_again(run, gan, digits, scores):
    evaluation.evaluate(run, gan, digits)
    shutil.rmtree(best.folder(run))
    evaluation.evaluate(run, gan, digits)
    assert best_files(run) == files_of(1)


@pytest.mark.parametrize("calls", range(7))
def test_the_previous_best_is_there_wherever_copying_dies(
    run, gan, digits, scores, monkeypatch, calls
):
    """Copying is killed before each of its file operations in turn; then it runs to its end."""
    evaluation.evaluate(run, gan, digits, steps=[2])
    left = [calls]

    def dying(operation):
        def call(*arguments, **options):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return operation(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        for name in ("copy", "rename", "remove"):
            patch.setattr(tf.io.gfile, name, dying(getattr(tf.io.gfile, name)))
        with pytest.raises(KeyboardInterrupt):
            evaluation.evaluate(run, gan, digits, steps=[1])
    step = best.read(run)["step"]
    checkpoints.read_players(gan, os.path.join(best.folder(run), f"ckpt-{step}"))
    assert step == (1 if calls >= 5 else 2)
    evaluation.evaluate(run, gan, digits, steps=[1])
    assert best_files(run) == files_of(1)


def test_a_full_disk_leaves_the_previous_best(run, gan, digits, scores, monkeypatch):
    evaluation.evaluate(run, gan, digits, steps=[2])

    def full(*arguments, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.io.gfile, "copy", full)
    with pytest.raises(UserError, match="cannot keep the best .*No space left.*free space"):
        evaluation.evaluate(run, gan, digits, steps=[1])
    assert best.read(run)["step"] == 2
    assert best_files(run) == files_of(2)
    assert {row["step"] for row in rows_on_disk(run)} == {2}  # what is not kept is scored again


# --- Following a training ---------------------------------------------------------------------


@pytest.fixture
def training(tmp_path, gan, monkeypatch):
    """Events that happen while `follow` sleeps, one each time; the clock runs with the sleep."""
    events, clock = [], [0.0]

    def sleep(seconds):
        clock[0] += seconds
        if events:
            events.pop(0)()

    monkeypatch.setattr(evaluation.time, "sleep", sleep)
    monkeypatch.setattr(evaluation.time, "monotonic", lambda: clock[0])
    return events


def done(run):
    return lambda: open(os.path.join(run, "TRAIN_DONE"), "w").close()


def test_follow_scores_checkpoints_as_they_come_until_training_is_done(
    tmp_path, gan, digits, scores, training
):
    run = str(tmp_path / "later")
    training += [
        lambda: save(gan, run, 10),
        lambda: None,
        lambda: (save(gan, run, 20), save(gan, run, 30)),
        lambda: (save(gan, run, 40), done(run)()),
    ]
    rows = evaluation.follow(run, gan, digits, poll_seconds=60)
    assert [row["step"] for row in rows if row["split"] == "test"] == [10, 20, 30, 40]
    assert not training
    assert evaluation.scored_steps(run) == {10, 20, 30, 40}


def test_follow_on_a_finished_run_scores_it_and_returns(run, gan, digits, scores, training):
    done(run)()
    training.append(lambda: pytest.fail("slept"))
    rows = evaluation.follow(run, gan, digits)
    assert len(rows) == 6


def test_follow_gives_up_without_a_new_checkpoint(
    run, gan, digits, scores, training, caplog, monkeypatch
):
    slept = []
    sleep = evaluation.time.sleep
    monkeypatch.setattr(evaluation.time, "sleep", lambda s: (slept.append(s), sleep(s)))
    training += [lambda: None] * 5 + [lambda: save(gan, run, 4)]
    with caplog.at_level(logging.WARNING, "absl"):
        rows = evaluation.follow(run, gan, digits, poll_seconds=100, timeout_seconds=1000)
    assert {row["step"] for row in rows} == {1, 2, 3, 4}
    assert sum(slept) == 600 + 1100  # news after 600 s, then more than 1000 s without
    assert "no new checkpoint for 1000 s" in messages(caplog)[-1]


def test_follow_computes_the_features_of_real_samples_once(run, gan, digits, training):
    calls = []

    class Counting:
        name, weights_sha256, resize = "counting", None, "none"

        def check(self, sample_shape):
            pass

        def __call__(self, images):
            calls.append(images)
            return np.asarray(images, np.float32).reshape(len(images), -1)[:, 20:30]

    training += [lambda: save(gan, run, 4), done(run)]
    with gin.unlock_config():
        gin.bind_parameter("evaluate.extractor", Counting())
    try:
        evaluation.follow(run, gan, digits)
    finally:
        gin.clear_config()
    real = np.concatenate([digits.splits[name].images for name in ("validation", "test")])
    real = {image.tobytes() for image in real}
    assert sum(image.tobytes() in real for batch in calls for image in batch) == 600
    assert sum(map(len, calls)) == 600 + 4 * 600


def test_follow_tries_a_failed_score_once(run, gan, digits, training, monkeypatch):
    restored = []
    restore = checkpoints.restore_players
    monkeypatch.setattr(
        checkpoints,
        "restore_players",
        lambda gan, run, step: (restored.append(step), restore(gan, run, step)),
    )
    with open(checkpoints.path(run, 2) + ".data-00000-of-00001", "r+b") as file:
        file.truncate(100)
    training += [lambda: None, lambda: None, done(run)]
    evaluation.follow(run, gan, digits)
    assert restored == [1, 2, 3]


# --- Gin --------------------------------------------------------------------------------------


def test_gin_binds_evaluate_and_follow(run, gan, digits):
    done(run)()
    gin.parse_config(
        """
        evaluate.num_samples = 50
        evaluate.splits = ("test",)
        evaluate.extractor = @raw_features()
        follow.poll_seconds = 1
        """
    )
    try:
        rows = evaluation.follow(run, gan, digits)
    finally:
        gin.clear_config()
    assert [row["protocol_id"] for row in rows] == [
        "raw-none-uint8-digits-test300-fake50-raw-seed42"
    ] * 3


def test_gin_rejects_a_misspelt_parameter():
    with pytest.raises(ValueError, match="num_sample"):
        gin.parse_config("evaluate.num_sample = 50")
    gin.clear_config()


def test_the_bindings_belong_to_their_modules():
    assert gin.get_configurable("evaluate").__module__ == "compare_gan_tf.evaluation"
    assert gin.get_configurable("follow").__module__ == "compare_gan_tf.evaluation"
    for name in ("digits_classifier", "raw_features"):
        assert gin.get_configurable(name).__module__ == "compare_gan_tf.metrics.features"


def test_the_best_under_another_protocol_is_kept_until_it_is_scored(run, gan, digits, scores):
    evaluation.evaluate(run, gan, digits)
    kept = best.read(run)
    others = [step for step in checkpoints.list_steps(run) if step != kept["step"]]
    for name in os.listdir(os.path.join(run, "checkpoints")):
        if name.startswith(f"ckpt-{kept['step']}."):
            os.remove(os.path.join(run, "checkpoints", name))  # as training prunes it
    evaluation.evaluate(run, gan, digits, steps=others[:1], num_samples=200)
    assert best.read(run) == kept
    rows = evaluation.evaluate(run, gan, digits, steps=[kept["step"]], num_samples=200)
    assert [row["step"] for row in rows] == [kept["step"]] * 2
