import glob
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import evaluation
from compare_gan_tf.errors import UserError
from compare_gan_tf.runs import best, checkpoints, results


def delete(run, step):
    """What training does with a checkpoint that it no longer keeps."""
    for path in glob.glob(checkpoints.path(run, step) + ".*"):
        os.remove(path)


def rows_on_disk(run):
    return results.read(results.path(run))


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


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

    def appending(path, *rows):
        if path == results.path(run):
            seen.append(best.read(run)["step"])
        append(path, *rows)

    monkeypatch.setattr(results, "append", appending)
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
    assert step == (1 if calls >= 4 else 2)  # two copies, two renames, then best.json
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


@pytest.mark.parametrize(
    "name", ["ckpt-2.index", "ckpt-3.index.partial", "ckpt-7.data-00000-of-00001", "best.json"]
)
def test_a_folder_in_the_place_of_a_file_is_told_before_anything_is_scored(
    run, gan, digits, scores, name
):
    place = os.path.join(best.folder(run), name)
    os.makedirs(place)
    with pytest.raises(UserError, match=f"{name} is a folder, but a file is written there: remove"):
        evaluation.evaluate(run, gan, digits)
    assert not os.path.exists(results.path(run))
    os.rename(place, os.path.join(best.folder(run), "mine"))  # a folder of the user's is no fault
    assert evaluation.evaluate(run, gan, digits)
    assert os.listdir(os.path.join(best.folder(run), "mine")) == []


def test_a_file_in_the_place_of_the_folder_is_told_before_anything_is_scored(
    run, gan, digits, scores
):
    with open(best.folder(run), "w") as file:
        file.write("mine")
    with pytest.raises(UserError, match="best is no folder, but the best checkpoint is copied"):
        evaluation.evaluate(run, gan, digits)
    assert not os.path.exists(results.path(run))
