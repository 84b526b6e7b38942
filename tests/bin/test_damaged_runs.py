"""A run's files that were cut off or changed: one line says so and names the cure, which works."""

import pytest

from compare_gan_tf.bin import build, evaluate, report, train
from compare_gan_tf.runs import manifest, results
from compare_gan_tf.storage import locks


def last_line(errors):
    return errors.strip().splitlines()[-1]


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_config_is_refused_and_the_training_writes_it_anew(
    run_verb, trained, small, damage, caplog
):
    folder = trained
    path, whole = folder / "config.gin", (folder / "config.gin").read_text()
    lines = whole.splitlines(keepends=True)
    texts = {"cut": "".join(lines[:-4]), "changed": whole.replace("units = 8", "units = 9")}
    path.write_text(texts.get(damage, ""))
    assert path.read_text() != whole
    code, _, errors = run_verb(report, f"--model_dir={folder}")
    assert code == 1 and errors.count("\n") == 1 and not caplog.text
    assert "config.gin is cut off, or was changed" in errors
    assert "train again with the config of the run" in errors
    code, _, errors = run_verb(train, *small)
    assert code == 0, errors
    assert "cut off, or was changed: the text in manifest.json counts" in caplog.text
    assert path.read_text() == whole == manifest.config(str(folder))


def test_the_latest_checkpoint_is_the_one_before_a_damaged_one(run_verb, trained, caplog):
    folder = trained
    (data,) = folder.glob("checkpoints/ckpt-4.data*")
    data.write_bytes(bytes(data.stat().st_size))
    code, _, errors = run_verb(report, f"--model_dir={folder}", "--checkpoint=latest")
    assert code == 0 and "ckpt-4 cannot be read, trying the one before" in caplog.text, errors
    assert build.choose_step(str(folder), "latest") == 2
    code, _, errors = run_verb(report, f"--model_dir={folder}", "--checkpoint=4")
    assert code == 1 and "name another --checkpoint" in last_line(errors)


def test_a_score_that_was_changed_is_computed_again(run_verb, trained):
    folder = trained
    arguments = [f"--model_dir={folder}", "--checkpoint=4"]
    assert run_verb(evaluate, *arguments)[0] == 0
    path = folder / results.FILE_NAME
    rows, text = results.read(path), path.read_text()
    value = str(rows[0]["value"])
    path.write_text(text.replace(value, "1" + value[1:] if value[0] != "1" else "2" + value[1:]))
    assert len(results.read(path)) == len(rows) - 1
    code, _, errors = run_verb(evaluate, *arguments)
    assert code == 0, errors
    found = results.latest(results.read(path))
    assert {key: row["value"] for key, row in found.items()} == {
        results.key(row): row["value"] for row in rows
    }


@pytest.mark.parametrize(("verb", "part"), [(train, "training"), (evaluate, "evaluation")])
def test_a_second_writer_is_refused_and_told_who_the_first_is(run_verb, trained, small, verb, part):
    folder = trained
    given = small if verb is train else small[1:]
    before = sorted(path for path in folder.rglob("*") if path.is_file())
    with locks.sole_writer(str(folder), part):
        code, _, errors = run_verb(verb, *given)
    assert code == 1 and f"another {part} is writing to {folder} (process " in last_line(errors)
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == before
