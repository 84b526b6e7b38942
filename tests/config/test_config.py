"""Finding and parsing configs, and what of them a run used."""

import os
import pathlib

import gin
import pytest
from toy_config import GAME, toy_evaluate, toy_optimizer, toy_train

from compare_gan_tf import config
from compare_gan_tf.config import gin_errors, gin_files
from compare_gan_tf.errors import UserError

pytestmark = pytest.mark.usefixtures("no_bindings")


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file into the current folder, which is a new one."""
    monkeypatch.chdir(tmp_path)

    def to(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    return to


def error_of(files, bindings=()):
    with pytest.raises(UserError) as caught:
        config.parse(files, bindings)
    message = str(caught.value)
    assert "\n" not in message
    return message


# Finding


def test_a_packaged_config_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = gin_files.find_config("quickstart.gin")
    assert os.path.isabs(path)
    assert "train.model" in pathlib.Path(path).read_text()
    assert "quickstart.gin" in gin_files.packaged_configs()


def test_a_file_of_the_current_folder_comes_before_a_packaged_one(write):
    write("quickstart.gin", "toy_train.steps = 1")
    assert gin_files.find_config("quickstart.gin") == os.path.abspath("quickstart.gin")


def test_a_missing_file_is_named_with_the_places_and_the_nearest_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = error_of(["quikstart.gin"])
    assert "'quikstart.gin'" in message
    assert str(tmp_path) in message
    assert message.endswith("did you mean quickstart.gin?")
    assert error_of(["/nowhere/x.gin"]) == "no gin file '/nowhere/x.gin'"


def test_includes_are_found_among_the_packaged_configs(write, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(gin_files, "_packaged_folder", lambda: tmp_path / "packaged")
    write("packaged/base/shared.gin", "toy_optimizer.rate = 0.25")
    write("mine.gin", "include 'base/shared.gin'\ntoy_train.steps = 7")
    config.parse(["mine.gin"])
    assert gin.query_parameter("toy_optimizer.rate") == 0.25
    assert not caplog.records  # gin logs an error for each place where a file is not


def test_a_file_beside_the_including_one_is_found_first_and_packaged_ones_mean_each_other(
    write, tmp_path, monkeypatch
):
    monkeypatch.setattr(gin_files, "_packaged_folder", lambda: tmp_path / "packaged")
    write("packaged/base/shared.gin", "toy_optimizer.rate = 0.25")
    write("packaged/small/ours.gin", "include 'base/shared.gin'")
    write("base/shared.gin", "toy_optimizer.rate = 0.5")
    write("mine/one.gin", "include 'deeper/two.gin'")
    write("mine/deeper/two.gin", "include 'three.gin'\ninclude 'base/shared.gin'")
    write("mine/deeper/three.gin", "toy_train.steps = 3")
    config.parse(["mine/one.gin"])
    assert gin.query_parameter("toy_train.steps") == 3
    assert gin.query_parameter("toy_optimizer.rate") == 0.5
    config.parse([str(tmp_path / "packaged/small/ours.gin")])
    assert gin.query_parameter("toy_optimizer.rate") == 0.25


def test_an_include_that_has_no_end_is_one_line(write):
    write("a.gin", "include 'b.gin'")
    write("b.gin", "include 'a.gin'")
    assert "a.gin includes itself" in error_of(["a.gin"])


def test_two_files_may_include_the_same_third(write):
    write("a.gin", "include 'one/b.gin'\ninclude 'c.gin'")
    write("one/b.gin", "include 'shared.gin'")
    write("c.gin", "include 'one/shared.gin'")  # from its own folder, no longer from that of b.gin
    write("one/shared.gin", "toy_train.steps = 3")
    config.parse(["a.gin"])
    assert gin.query_parameter("toy_train.steps") == 3


def test_gin_reads_files_by_itself_again_once_a_config_is_parsed(write):
    write("good.gin", "toy_train.steps = 3")
    before = gin.config._FILE_READERS, gin.config._LOCATION_PREFIXES
    config.parse(["good.gin"])
    assert (gin.config._FILE_READERS, gin.config._LOCATION_PREFIXES) == before
    error_of(["missing.gin"])
    assert (gin.config._FILE_READERS, gin.config._LOCATION_PREFIXES) == before


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink(path, path)])
def test_what_is_no_file_is_no_config_and_nothing_waits_for_it(tmp_path, make):
    make(tmp_path / "x.gin")
    assert "x.gin" in error_of([str(tmp_path / "x.gin")])


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00" * 100, b"# " + b"x" * 2**24])
def test_what_is_no_text_is_no_config(tmp_path, content):
    (tmp_path / "x.gin").write_bytes(content)
    assert "x.gin" in error_of([str(tmp_path / "x.gin")])


# Parsing


def test_bindings_win_over_files_and_later_files_over_earlier_ones(write):
    first = write("first.gin", "toy_train.steps = 1\ntoy_optimizer.rate = 1.0")
    second = write("second.gin", "toy_train.steps = 2\ntoy_optimizer.decay = 2.0")
    config.parse([first, second], ["toy_optimizer.rate = 3.0"])
    assert gin.query_parameter("toy_train.steps") == 2
    assert toy_optimizer() == (3.0, 2.0)


def test_parsing_again_forgets_what_was_bound_before():
    config.parse([], ["toy_optimizer.rate = 7.0"])
    config.parse([], ["toy_optimizer.decay = 0.5"])
    assert toy_optimizer() == (0.1, 0.5)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("toy_train.stepz = 1", ["'toy_train'", "'stepz'", "did you mean steps?", "line 1"]),
        ("toy_trian.steps = 1", ["'toy_trian'", "did you mean toy_train", "line 1"]),
        ("toy_train.game = @ToyGane", ["'@ToyGane'", "did you mean ToyGame or"]),
        ("toy_train.game = @TOYGAME()", ["did you mean ToyGame"]),
        ("\ntoy_train.steps 1", ["cannot parse", "line 2", "toy_train.steps 1"]),
        ("toy_train.steps = (1,", ["cannot parse"]),
        ("toy_train.steps = %many", ["macro %many", "not defined"]),
        ("include 'nowhere.gin'", ["nowhere.gin", "line 1"]),
        ("import no_such_module_at_all", ["--allow_imports=no_such_module_at_all", "line 1"]),
    ],
)
def test_each_error_of_gin_is_one_line_with_place_and_cure(write, text, parts):
    message = error_of([write("bad.gin", text)])
    assert all(part in message for part in parts), message


def test_an_error_in_a_binding_names_the_flag_and_the_binding():
    assert error_of([], ["toy_train.stepz = 1"]).endswith(
        "(in --gin_bindings: toy_train.stepz = 1)"
    )
    assert error_of([], ["toy_train.steps"]).startswith("cannot parse --gin_bindings line 1")


@pytest.mark.parametrize(
    ("text", "missing"),
    [("", "toy_train.game"), ("toy_train.game = @ToyGame", "ToyGame.optimizer")],
)
def test_a_missing_value_is_explained_by_the_binding_it_needs(text, missing):
    config.parse([], [text])
    with pytest.raises((RuntimeError, TypeError)) as caught:
        toy_train("folder")
    explanation = gin_errors.explain_construction(caught.value)
    assert explanation == f"the config gives no value for {missing}; bind it in a gin file"


def test_an_ordinary_error_is_not_explained_away():
    assert (
        gin_errors.explain_construction(TypeError("f() missing 1 required argument: 'x'")) is None
    )
    assert gin_errors.explain_construction(RuntimeError("a bug")) is None


# What a run used


def used(text):
    config.parse([], text.strip().splitlines())
    return toy_train("folder")


def test_everything_consumed_leaves_nothing_unused():
    game = used(GAME + "ToyGame.rounds = %rounds\nrounds = 4")
    assert (game.optimizer, game.rounds) == ((0.5, 0.9), 4)
    assert config.unused_bindings() == []


@pytest.mark.parametrize(
    ("more", "unused"),
    [
        ("toy_loss.margin = 2.0", ["toy_loss.margin"]),  # nothing refers to the loss
        ("player/toy_optimizer.rate = 1.0", ["player/toy_optimizer.rate"]),  # no such scope
        ("macro = 3", ["macro"]),
        ("ToyGame.size = 5", ["ToyGame.size"]),  # the caller says 3
        ("toy_train.folder = 'x'", ["toy_train.folder"]),
    ],
)
def test_a_binding_that_nothing_consumes_is_named(more, unused):
    used(GAME + more)
    assert config.unused_bindings() == unused
    with pytest.raises(UserError, match=unused[0]):
        config.check_used()


def test_a_binding_of_a_function_that_is_called_later_counts_as_used():
    game = used(GAME + "ToyGame.loss = @late/toy_loss\nlate/toy_loss.margin = %wide\nwide = 2.0")
    assert config.unused_bindings() == []
    text = config.operative_text()
    assert "late/toy_loss.margin = %wide" in text
    assert "wide = 2.0" in text
    assert game.loss(0.5) == 1.5


def test_a_scope_that_overrides_leaves_the_outer_binding_used():
    used(GAME.replace("@toy_optimizer()", "@d/toy_optimizer()") + "d/toy_optimizer.rate = 0.25")
    assert config.unused_bindings() == []


def test_bindings_of_a_later_stage_are_kept_and_not_unused(monkeypatch):
    monkeypatch.setattr(toy_evaluate, "__module__", "toy.stages.evaluation")
    late = ["late/toy_optimizer.rate", "toy_evaluate.samples", "toy_evaluate.scale"]
    used(
        GAME + "toy_evaluate.samples = 5\ntoy_evaluate.scale = @late/toy_optimizer()\n"
        "late/toy_optimizer.rate = 0.125\ntoy_loss.margin = 3.0"
    )
    assert config.unused_bindings(later=["toy.stages.report"]) == [*late, "toy_loss.margin"]
    assert config.unused_bindings(later=["toy.stages"]) == ["toy_loss.margin"]
    assert all(name in config.operative_text(later=["toy.stages"]) for name in late)
    assert not any(name in config.operative_text(later=[]) for name in late)


def test_operative_text_holds_defaults_and_reads_back_to_itself():
    used(GAME + "toy_train.steps = 7")
    text = config.operative_text()
    assert "toy_optimizer.decay = 0.9" in text  # a default that nobody bound
    assert "toy_optimizer.rate = 0.5" in text
    assert "toy_train.steps = 7" in text
    config.parse([], text.splitlines())
    toy_train("folder")
    assert config.operative_text() == text


def test_operative_text_has_one_binding_a_line_however_long_it_is(write):
    names = [f"'a rather long name, number {number}'" for number in range(40)]
    used(GAME + f"ToyGame.loss = [{', '.join(names)}]")
    (line,) = [line for line in config.operative_text().splitlines() if "ToyGame.loss" in line]
    assert "number 39" in line


def test_a_name_without_its_sign_is_told_of_it():
    with pytest.raises(UserError, match="token 'hinge'; @hinge refers to a function or class"):
        config.parse([], ["toy_train.model = hinge"])
