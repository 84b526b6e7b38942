"""`compare-gan study` and its parts: exit codes, and one line for what goes wrong."""

import importlib
import json
import os
import sys

import pytest

pytest.importorskip("optuna")

import study_workers

from compare_gan_tf.bin import command
from compare_gan_tf.bin import study as whole
from compare_gan_tf.bin.study import common, create, export, report, status, work
from compare_gan_tf.study import check, folder

PARTS = {"create": create, "work": work, "status": status, "export": export, "report": report}
BASE = "include 'base/digits_mlp.gin'\n"
STUDY = """
study.base = "base.gin"
study.axes = {"loss": {"hinge": ["Adversarial.loss = @hinge"], "none": []}}
study.settings = {"adam.learning_rate": [1e-3, 1e-4]}
"""


@pytest.fixture
def study(tmp_path, monkeypatch, run_verb):
    """A function (part, *arguments) -> (code, stdout, stderr), of a study in `s`.

    What it binds is not looked up: that takes TensorFlow in another process.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["compare-gan", "study"])
    monkeypatch.setattr(check, "check", lambda *_: {"fid": False, "recall": True})
    monkeypatch.delenv(common.STORAGE, raising=False)
    (tmp_path / "base.gin").write_text(BASE)
    (tmp_path / "one.gin").write_text(STUDY)

    def run(part, *arguments):
        return run_verb(PARTS.get(part, whole), *arguments)

    return run


def one_line(result, *words):
    code, _, err = result
    assert code == 1
    assert err.count("\n") == 1, err
    for word in words:
        assert word in err
    return err


def test_help_of_each(capsys):
    assert set(PARTS) == set(whole.SUBVERBS)
    for name, module in {**PARTS, "": whole}.items():
        text = command.help_text(f"study {name}".strip(), module)
        assert "--study_dir" in text and "For example" in text
        assert module.__doc__.strip().splitlines()[0] in text
        words = " ".join(text.split())
        # A study is no run: its file has another default, and it keeps no permission to import.
        assert "of the run" not in words.replace("of the runs", "") and "on the run" not in words
        assert ("--gin_config=" in text) == ("such as study/digits.gin" in words)
        assert ("--allow_imports=" in text) == ("works on it needs the flag" in words)
        makes = name in ("", "create")
        assert ("  --study=" in text) == (not makes) and ("  --gin_config=" in text) == makes


def test_the_name_of_a_study_is_in_its_file(study):
    """`--study` would have no effect where a study is made."""
    result = study("create", "--gin_config=one.gin", "--study_dir=s", "--study=other")
    one_line(result, "no flag --study")
    assert not os.path.exists("s")


def test_a_study_is_made_and_found_again(study):
    code, out, err = study("create", "--gin_config=one.gin", "--study_dir=s")
    assert (code, out, err) == (0, "one: 4 runs\n", "")
    assert study("create", "--gin_config=one.gin", "--study_dir=s")[:2] == (0, "one: 4 runs\n")
    assert study("create", "--study_dir=s")[:2] == (0, "one: 4 runs\n")
    code, out, _ = study("status", "--study_dir=s")
    assert code == 0 and "no worker runs: start compare-gan study" in out
    assert out.splitlines()[1].split() == ["hinge", "0", "0", "0", "2"]
    code, out, _ = study("status", "--study_dir=s", "--json")
    found = json.loads(out)
    assert code == 0 and not found["is_done"] and found["seconds_left"] is None
    assert found["total"]["waiting"] == sum(one["waiting"] for one in found["variants"].values())
    assert found["total"]["waiting"] > 0 and found["total"]["best"] is None
    one_line(study("status", "--study_dir=s", "--json", "--watch"), "drop --watch")


def test_a_study_of_done_runs_has_tables_and_a_page(study, tmp_path):
    study("create", "--gin_config=one.gin", "--study_dir=s")
    one_line(study("report", "--study_dir=s"), "no run of the study has ended")
    study_workers.work(tmp_path / "s", tmp_path / "s", study_workers.fake_run())
    assert study("work", "--study_dir=s")[:2] == (0, "0 trials run\n")
    code, out, _ = study("export", "--study_dir=s", "--output=tables")
    assert code == 0 and os.listdir("tables")
    assert "Traceback" not in out
    code, out, err = study("report", "--study_dir=s", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert os.path.isfile(found["page"]) and found["verdict"]
    assert {row["variant"] for row in found["leaderboard"]} and found["leaderboard"][0][
        "place"
    ] == 1


@pytest.mark.parametrize("part", ["work", "status", "export", "report"])
def test_where_there_is_no_study(study, part):
    more = ["--output=tables"] if part == "export" else []
    one_line(
        study(part, "--study_dir=s", *more), "there is no study in s", "compare-gan study create"
    )
    one_line(study(part, *more), "--study_dir is missing")
    one_line(study(part, "--study_dir=gs://x", *more), "must be a folder of this machine")
    assert not os.path.exists("s")


@pytest.mark.parametrize("part", ["", "create"])
def test_which_file_is_meant(study, part):
    one_line(study(part, "--study_dir=s"), "one --gin_config")
    two = ["--gin_config=one.gin", "--gin_config=base.gin"]
    one_line(study(part, "--study_dir=s", *two), "one --gin_config")
    one_line(study(part, "--study_dir=s", "--gin_config=no.gin"), "no gin file 'no.gin'")
    one_line(study(part, "--study_dir=s", "--gin_config=base.gin"), "binds")
    assert not os.path.exists("s")


def test_an_error_in_the_base_names_the_base():
    question = {"base": "import strange_losses\n", "bindings": [[]], "metric": "fid", "splits": []}
    answer = check._answer(question | {"allow_imports": []})
    assert answer["error"].startswith("study.base line 1 imports strange_losses")


def test_what_is_wrong_with_flags(study):
    given = ["--gin_config=one.gin", "--study_dir=s"]
    one_line(study("", *given, "--devices=a"), "--devices=a is no list of GPUs")
    one_line(study("", *given, "--devices=0,0"), "--devices=0,0 is no list of GPUs")
    one_line(study("", *given, "--devices=0,1", "--workers=3"), "do not go together")
    one_line(study("", *given, "--workers=0"), "--workers")
    assert not os.path.exists("s")
    study("create", *given)
    one_line(study("work", "--study_dir=s", "--devices=0,1"), "a worker runs on one")
    one_line(study("work", "--study_dir=s", "--max_trials=0"), "max_trials")
    one_line(study("work", "--study_dir=s", "--workers=2"), "no flag --workers")
    one_line(study("export", "--study_dir=s"), "--output is missing")
    one_line(study("status", "--study_dir=s", "--study=two"), "two")


def test_folders_that_cannot_be_used(study, tmp_path):
    given = ["--gin_config=one.gin", "--study_dir=s"]
    (tmp_path / "s").write_text("mine")
    one_line(study("create", *given), "s")
    assert (tmp_path / "s").read_text() == "mine"
    os.remove("s")
    study("create", *given)
    (tmp_path / "s" / "study.json").write_text("{")
    one_line(study("status", "--study_dir=s"), "study.json is damaged or not ours: remove it")
    one_line(study("create", *given), "study.json is damaged or not ours: remove it")
    os.remove("s/study.json")
    assert study("create", *given)[0] == 0
    for path in (tmp_path / "s").glob(
        "study.db*"
    ):  # with SQLite's log, from which it would mend it
        os.remove(path)
    one_line(study("status", "--study_dir=s"), "study.db is not there")
    assert not os.path.exists("s/study.db")
    (tmp_path / "s" / "study.db").write_bytes(b"garbage" * 999)
    one_line(study("status", "--study_dir=s"), "is no database of a study")
    one_line(study("create", *given), "is no database of a study")


def test_another_study_in_the_folder(study, tmp_path):
    study("create", "--gin_config=one.gin", "--study_dir=s")
    (tmp_path / "two.gin").write_text(STUDY)
    one_line(
        study("create", "--gin_config=two.gin", "--study_dir=s"), "the folder of the study 'one'"
    )
    (tmp_path / "one.gin").write_text(STUDY + "study.seeds = 2\n")
    one_line(study("create", "--gin_config=one.gin", "--study_dir=s"), "study.seeds differs")
    (tmp_path / "one.gin").write_text(STUDY)
    (tmp_path / "base.gin").write_text(BASE + "train.batch_size = 3\n")
    one_line(study("create", "--gin_config=one.gin", "--study_dir=s"), "+ train.batch_size = 3")


def test_a_folder_may_move(study):
    study("create", "--gin_config=one.gin", "--study_dir=s")
    os.rename("s", "moved")
    assert study("status", "--study_dir=moved")[0] == 0
    assert study("create", "--gin_config=one.gin", "--study_dir=moved")[:2] == (0, "one: 4 runs\n")


def test_one_database_for_several_studies(study, tmp_path, monkeypatch):
    (tmp_path / "two.gin").write_text(STUDY)
    shared = "--storage=sqlite:///shared.db"
    for name in ("one", "two"):
        given = [f"--gin_config={name}.gin", f"--study_dir={name}", shared]
        assert study("create", *given)[:2] == (0, f"{name}: 4 runs\n")
    assert not os.path.exists("one/study.db")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")  # the folder knows where its database is
    assert study("status", "--study_dir=../one")[0] == 0
    monkeypatch.chdir(tmp_path)
    one_line(
        study("status", "--study_dir=new", shared), "has these studies: one, two. Name --study"
    )
    assert not os.path.exists("new")
    assert study("status", "--study_dir=new", shared, "--study=two")[0] == 0
    assert folder.read_note("new") == ("two", f"sqlite:///{tmp_path}/shared.db")
    monkeypatch.setenv(common.STORAGE, "sqlite:///shared.db")
    assert study("status", "--study_dir=newer", "--study=one")[0] == 0


def test_passwords_stay_where_they_are(study, monkeypatch):
    address = "postgresql://me:secret@127.0.0.1:1/x"
    monkeypatch.setattr(sys, "argv", ["compare-gan", "study", f"--storage={address}"])
    given = ["--gin_config=one.gin", "--study_dir=s", f"--storage={address}"]
    err = one_line(study("create", *given), "127.0.0.1:1", "does the database run?")
    assert "secret" not in err
    assert not os.path.exists("s")
    monkeypatch.setenv(common.STORAGE, address)
    err = one_line(study("status", "--study_dir=s"), "does the database run?")
    assert "secret" not in err


@pytest.mark.parametrize(
    "address", ["study.db", "sqlite://", "mongo://x", "postgresql://a:secret@b:c/d"]
)
def test_wrong_addresses(study, address):
    given = ["--gin_config=one.gin", "--study_dir=s", f"--storage={address}"]
    assert "secret" not in one_line(study("create", *given), "--storage=", "sqlite:///FILE")
    assert not os.path.exists("s")


WRONG = {
    "study.metric = 'fidd'": "study.metric is 'fidd'",
    "study.metric = 'ms_ssim_real'": "it must be a score with a better direction",
    "study.bindings = ['adam.rate = 1']": "rate",
    "study.bindings = ['import os']": "os",
    "study.axes = {'Adversarial.lss': [1, 2]}": "lss",
    "study.axes = {'loss': {'a': ['Adversarial.loss = @hing']}}": "hing",
}


@pytest.mark.slow
@pytest.mark.parametrize("line, words", WRONG.items())
def test_what_runs_would_refuse_is_refused_at_once(study, monkeypatch, line, words):
    monkeypatch.setattr(check, "check", importlib.reload(check).check)
    given = ["--gin_config=one.gin", "--study_dir=s", f"--gin_bindings={line}"]
    one_line(study("create", *given), words)
    assert not os.path.exists("s")


def test_the_check_looks_everything_up(study, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "check", importlib.reload(check).check)
    code, out, err = study("create", "--gin_config=one.gin", "--study_dir=s")
    assert (code, out, err) == (0, "one: 4 runs\n", "")
    found = study_workers.load(tmp_path / "s").directions
    assert found["fid"] is False and found["precision"] is True and found["ms_ssim_real"] is None
    assert json.loads((tmp_path / "s" / "study.json").read_text()) == {
        "name": "one",
        "storage": None,
    }
