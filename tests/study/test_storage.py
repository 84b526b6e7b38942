"""A study in its database: made once, grown, refused where it would become another."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time

import optuna
import pytest
import study_workers
from optuna.trial import TrialState

from compare_gan_tf.errors import UserError, without_secrets
from compare_gan_tf.storage import mounts
from compare_gan_tf.study import connection, folder, optuna_insides, storage


def opened(study_dir, **options):
    return connection.connect(connection.default_url(str(study_dir)), **options)


def slots(study):
    return sorted((cell.number, row.slot, row.state.name) for cell, row in study.current())


def test_a_study_has_a_trial_for_each_slot(make, tmp_path):
    study = make(tmp_path / "s", settings='{"a.b": [1, 2]}')
    assert slots(study) == [(i, j, "WAITING") for i in (0, 1) for j in (0, 1)]
    first, second = study.trials(study.cells[0])
    assert first.system_attrs["fixed_params"] == {"a.b": "1"}
    assert second.system_attrs["fixed_params"] == {"a.b": "2"}


def test_trials_made_at_once_are_as_those_of_optuna(make, tmp_path):
    """What `optuna_insides.enqueue` writes, Optuna's own `enqueue_trial` writes too."""
    study = make(tmp_path / "s", settings='{"a.b": [1, 2]}')
    theirs = optuna.create_study(study_name="theirs", storage=study.storage)
    theirs.enqueue_trial({"a.b": "1"}, user_attrs={"slot": 0})
    theirs.enqueue_trial({"a.b": "2"}, user_attrs={"slot": 1})
    ours = study.studies[0].get_trials()
    for one, other in zip(ours, theirs.get_trials(), strict=True):
        values = {key: value for key, value in vars(one).items() if key != "_trial_id"}
        assert values == {key: value for key, value in vars(other).items() if key != "_trial_id"}
    trial = theirs.ask()
    assert trial.number == 0
    assert study.studies[0].ask().suggest_categorical("a.b", ["1", "2"]) == "1"


def test_the_tables_are_those_that_were_seen():
    assert optuna.__version__ == optuna_insides.SEEN_IN, (
        "look at `optuna_insides` again, and at its tests"
    )


def test_making_it_twice_changes_nothing(make, tmp_path):
    first = make(tmp_path / "s", settings='{"a.b": [1, 2]}')
    second = make(tmp_path / "s", settings='{"a.b": [1, 2]}')
    assert slots(first) == slots(second)
    assert [len(one.get_trials()) for one in second.studies] == [2, 2]
    loaded = storage.load(opened(tmp_path / "s"), "one")
    assert loaded.plan == first.plan and loaded.texts == first.texts
    assert [one._study_id for one in loaded.studies] == [one._study_id for one in first.studies]


SEARCHED = {"settings": '{"a.b": ("log", 1, 2)}', "search": "@random_search()"}


def test_a_budget_may_grow_and_not_shrink(make, tmp_path):
    make(tmp_path / "s", trials="2", **SEARCHED)
    study = make(tmp_path / "s", trials="4", hours="3.0", **SEARCHED)
    assert len(slots(study)) == 8
    assert storage.load(opened(tmp_path / "s"), "one").plan.trials == 4
    with pytest.raises(UserError, match="study.trials was 4, and may only grow"):
        make(tmp_path / "s", trials="3", **SEARCHED)


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"seeds": "2"}, "study.seeds differs"),
        ({"metric": '"recall"'}, "study.metric differs"),
        ({"settings": '{"a.b": [1, 2, 3]}'}, "study.settings differs"),
        ({"axes": '{"loss": {"a": ["Adversarial.loss = @hinge"]}}'}, "study.axes differs"),
    ],
)
def test_another_plan_is_refused(make, tmp_path, changed, words):
    make(tmp_path / "s", settings='{"a.b": [1, 2]}')
    with pytest.raises(UserError, match=words) as error:
        make(tmp_path / "s", **{"settings": '{"a.b": [1, 2]}'} | changed)
    assert "study.name" in str(error.value) and "\n" not in str(error.value)


def test_another_config_is_refused_with_its_lines(make, tmp_path, write):
    make(tmp_path / "s")
    write()
    base = tmp_path / "base.gin"
    base.write_text(base.read_text())
    from compare_gan_tf.study import reading

    path = write()
    base.write_text("data.load.name = 'digits'\ntrain.batch_size = 3\n")
    plan, texts = reading.read(path)
    with pytest.raises(UserError, match=re.escape("+ train.batch_size = 3")):
        storage.create(opened(tmp_path / "s"), plan, texts, directions={"fid": False}, command="")


def test_two_studies_in_one_database(make, tmp_path):
    there = opened(tmp_path)
    one = make(tmp_path / "s", opened=there, name='"first"')
    two = make(tmp_path / "s", opened=there, name='"first 000 a"')
    assert storage.names(there) == ["first", "first 000 a"]
    assert not {x._study_id for x in one.studies} & {x._study_id for x in two.studies}
    with pytest.raises(UserError, match="no study 'third'; there are first, first 000 a"):
        storage.load(there, "third")


def test_a_study_of_somebody_else_is_left_alone(make, tmp_path, monkeypatch):
    there = opened(tmp_path)
    theirs = optuna.create_study(study_name="one", storage=there)
    theirs.add_trial(optuna.create_trial(value=1.0))
    monkeypatch.setattr(storage, "_MOMENT", 0.1)
    with pytest.raises(UserError, match="none of ours: bind another study.name"):
        make(tmp_path / "s", opened=there)
    assert len(theirs.get_trials()) == 1


@pytest.mark.parametrize("calls", range(1, 12))
def test_making_that_was_broken_off_goes_on(make, tmp_path, monkeypatch, calls):
    """Broken off at any write, it is completed by the next."""
    monkeypatch.setattr(storage, "_MOMENT", 0.1)
    count = 0

    def breaking(original):
        def call(*arguments, **keywords):
            nonlocal count
            count += 1
            if count == calls:
                raise InterruptedError
            return original(*arguments, **keywords)

        return call

    with monkeypatch.context() as patched:
        for owner, name in (
            (optuna.Study, "set_user_attr"), (optuna_insides, "enqueue"), (optuna, "create_study"),
        ):  # fmt: skip
            patched.setattr(owner, name, breaking(getattr(owner, name)))
        try:
            make(tmp_path / "s")
        except InterruptedError:
            with pytest.raises(UserError, match="no study 'one'"):
                storage.load(opened(tmp_path / "s"), "one")
        else:
            assert calls > 9  # of writes
    study = make(tmp_path / "s")
    assert slots(study) == [(0, 0, "WAITING"), (1, 0, "WAITING")]
    assert slots(storage.load(opened(tmp_path / "s"), "one")) == slots(study)


def test_long_labels_and_all_of_unicode(make, tmp_path):
    axes = {f"axis {i}": {"日本 'quoted', \"twice\" " + "x" * 70: []} for i in range(8)}
    study = make(tmp_path / "s", axes=repr(axes), name=repr("ñ" * 100))
    name = study.studies[0].study_name
    assert len(name) <= 512
    assert storage.load(opened(tmp_path / "s"), "ñ" * 100).studies[0].study_name == name


def test_many_trials_are_made_in_no_time(make, tmp_path):
    began = time.process_time()
    study = make(tmp_path / "s", trials="2500", **SEARCHED)
    seconds = time.process_time() - began
    assert len(study.current()) == 5000
    assert seconds < 5  # on a busy machine; Optuna's own calls take 65


# --- Databases that cannot be used ------------------------------------------------------------


def refused(url, **options):
    with pytest.raises(UserError) as error:
        connection.connect(connection.absolute(url), **options)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_no_file(url):
    assert "names no file: write sqlite:///FILE" in refused(url)


@pytest.mark.parametrize("url", ["", "study.db", "no://x", "http://a/b", "postgresql://a:b:c/d"])
def test_no_url(url):
    assert "is no URL of a database: write sqlite:///FILE" in refused(url)


def test_a_driver_that_is_missing():
    said = refused("oracle://me:secret@host/x")
    assert "install it, or use sqlite:/// or postgresql://" in said and "secret" not in said


@pytest.mark.parametrize(
    "url", ["postgresql://me:secret@127.0.0.1:1/x", "postgresql://me:secret@no.such.invalid/x"]
)
def test_a_server_that_is_not_there(url):
    began = time.monotonic()
    said = refused(url)
    assert time.monotonic() - began < 30
    assert "is the address right, and does the database run?" in said
    assert "secret" not in said and "***" in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@host/x",
        "postgresql://me:secret@host:port/x",
        "postgresql://me:sec@ret@host/x",
        "postgresql://me:sec:ret@host/x",
        "--storage=postgresql://:secret@/x",
    ],
)
def test_passwords_are_not_shown(url):
    assert "secret" not in without_secrets(url).replace(":***", "")
    assert "ret@" not in without_secrets(url)


def test_no_password_is_kept():
    url = "postgresql://me:hunter2@host/x?password=hunter2&sslmode=require"
    assert connection.without_password(url) == "postgresql://me@host/x?sslmode=require"


def test_garbage(tmp_path):
    (tmp_path / "study.db").write_bytes(b"no database at all" * 1000)
    assert "is no database of a study" in refused(connection.default_url(str(tmp_path)))
    assert (tmp_path / "study.db").read_bytes() == b"no database at all" * 1000


def test_a_folder_in_the_place_of_the_file(tmp_path):
    (tmp_path / "study.db").mkdir()
    assert "study.db is no file: remove it" in refused(connection.default_url(str(tmp_path)))


def test_no_folder_for_the_file(tmp_path):
    assert "unable to open database file" in refused(f"sqlite:///{tmp_path}/no/study.db")


@pytest.fixture
def on_nfs(tmp_path, monkeypatch):
    """A folder that, by the table of mounts, is on a network file system."""
    (tmp_path / "nfs").mkdir()
    (tmp_path / "mountinfo").write_text(f"1 0 0:1 / {tmp_path / 'nfs'} rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(mounts, "TABLE", str(tmp_path / "mountinfo"))
    return tmp_path / "nfs"


def journal(study):
    with study.storage.engine.connect() as database:
        return database.exec_driver_sql("PRAGMA journal_mode").scalar()


def test_a_network_file_system_has_no_write_ahead_log(make, tmp_path, on_nfs, caplog):
    assert journal(make(tmp_path / "here")) == "wal" and not caplog.records
    study = make(on_nfs / "s")
    assert journal(study) == "delete"
    (warning,) = caplog.messages
    assert f"{on_nfs}/s/study.db is on a file system that machines may share (nfs4)" in warning
    assert "--storage=postgresql://user@host/database" in warning and "\n" not in warning


def test_a_log_that_was_written_ahead_is_moved_to_a_network_file_system(make, tmp_path, on_nfs):
    first = make(tmp_path / "here")
    before = slots(first)
    os.rename(tmp_path / "here", on_nfs / "there")
    # While another process has it open, it stays as it is for both.
    study = storage.load(opened(on_nfs / "there"), "one")
    assert journal(study) == "wal" and slots(study) == before
    for one in (first, study):
        one.storage.engine.dispose()
    study = storage.load(opened(on_nfs / "there"), "one")
    assert journal(study) == "delete" and slots(study) == before


def test_workers_share_a_study_without_a_write_ahead_log(make, on_nfs):
    make(on_nfs / "s", axes='{"x": {"a": []}}', settings=repr({"a.b": list(range(8))}))
    run = study_workers.fake_run(0.02)
    places = (on_nfs / "s", on_nfs / "s")
    workers = [study_workers.forked(study_workers.work, *places, run) for _ in range(2)]
    assert [os.waitpid(pid, 0)[1] for pid in workers] == [0, 0]
    assert study_workers.complete_trials(on_nfs / "s") == {(0, slot): [1.0] for slot in range(8)}
    assert not list(on_nfs.rglob("violations")) and not list(on_nfs.rglob("*-wal"))


def test_an_older_schema(make, tmp_path):
    make(tmp_path / "s")
    with sqlite3.connect(tmp_path / "s" / "study.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'v0.9.0.a'")
    said = refused(connection.default_url(str(tmp_path / "s")))
    assert "was made by another version of Optuna" in said


def test_a_full_disk(make, tmp_path):
    """As SQLite says it when the disk is full, here by a limit on its pages."""
    study = make(tmp_path / "s")
    url = connection.default_url(str(tmp_path / "s"))
    with pytest.raises(UserError, match="database or disk is full; free space there"):
        with connection.explained(url), study.storage.engine.connect() as database:
            database.exec_driver_sql("PRAGMA max_page_count = 1")
            database.exec_driver_sql("CREATE TABLE big AS SELECT randomblob(1000000)")


def test_without_optuna():
    code = (
        "import sys; sys.modules['optuna'] = None\n"
        "import compare_gan_tf.study, compare_gan_tf.comparison\n"
        "from compare_gan_tf.bin import main\n"
        "main.main(['compare-gan', 'study', 'status', '--study_dir=nowhere'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "pip install 'compare_gan_tf[study]'" in done.stderr


# --- The folder of a study --------------------------------------------------------------------


def test_a_folder_knows_its_study(tmp_path):
    here = str(tmp_path / "s")
    assert folder.read_note(here) is None
    folder.note(here, "one", connection.default_url(here))
    assert folder.read_note(here) == ("one", None)
    folder.note(here, "one", connection.default_url(here))
    for name, url in (("two", connection.default_url(here)), ("one", "postgresql://me@host/x")):
        with pytest.raises(UserError, match="is the folder of the study 'one' in study.db"):
            folder.note(here, name, url)


def test_a_password_is_not_kept(tmp_path):
    folder.note(str(tmp_path), "one", "postgresql://me:secret@host/x")
    assert folder.read_note(str(tmp_path)) == ("one", "postgresql://me@host/x")
    folder.note(str(tmp_path), "one", "postgresql://me:other@host/x")
    assert "secret" not in (tmp_path / "study.json").read_text()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"name": 3, "storage": null}', '{"name": "x"}', "[" * 9999]
)
def test_a_damaged_note(tmp_path, text):
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(UserError, match="is damaged or not ours: remove it"):
        folder.read_note(str(tmp_path))


def test_places_where_no_folder_can_be(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="file"):
            folder.note(str(place), "one", connection.default_url(str(place)))
    (tmp_path / "s").mkdir()
    os.symlink(tmp_path / "file", tmp_path / "s" / "study.json")
    with pytest.raises(UserError, match="link|damaged"):
        folder.note(str(tmp_path / "s"), "one", connection.default_url(str(tmp_path / "s")))
    assert (tmp_path / "file").read_text() == ""


def test_a_folder_may_be_a_link(tmp_path):
    (tmp_path / "s").mkdir()
    os.symlink(tmp_path / "s", tmp_path / "link")
    folder.note(str(tmp_path / "link"), "one", connection.default_url(str(tmp_path / "link")))
    assert json.loads((tmp_path / "s" / "study.json").read_text())["name"] == "one"


def test_a_disk_that_is_full(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device; free space there"):
        folder.note(str(tmp_path), "one", "sqlite:////x.db")
    assert os.listdir(tmp_path) == []


def test_a_moved_folder_has_the_same_study(make, tmp_path):
    make(tmp_path / "s")
    folder.note(str(tmp_path / "s"), "one", connection.default_url(str(tmp_path / "s")))
    os.rename(tmp_path / "s", tmp_path / "elsewhere")
    moved = str(tmp_path / "elsewhere")
    name, url = folder.read_note(moved)
    study = storage.load(connection.connect(url or connection.default_url(moved)), name)
    folder.note(moved, name, connection.default_url(moved))
    assert {row.state for _, row in study.current()} == {TrialState.WAITING}
