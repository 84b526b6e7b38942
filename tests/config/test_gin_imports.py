"""Which modules a config may import: a config is data, unless its user says otherwise."""

import os
import stat
import sys

import gin
import pytest

from compare_gan_tf import config
from compare_gan_tf.config import gin_imports
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import extractors
from compare_gan_tf.storage import programs

# Registers a function, and leaves a trace of having been run.
MODULE = """
import gin, pathlib
pathlib.Path(__file__).with_name("was_run").touch()

@gin.configurable(module="{name}")
def own(*, margin: float = 1.0):
    return margin
"""


@pytest.fixture(autouse=True)
def _as_new(no_bindings, monkeypatch, tmp_path):
    """Nothing is allowed, and no key is there; each test has names of its own for its modules."""
    monkeypatch.setattr(gin_imports, "_allowed", set())
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def module(tmp_path):
    """Writes a module into a folder, with a config beside it that imports it; gives both."""

    def make(name, folder="own", text=MODULE):
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        (place / f"{name}.py").write_text(text.format(name=name))
        (place / "mine.gin").write_text(f"import {name}\n{name}.own.margin = 2.0\n")
        return str(place / "mine.gin"), place

    return make


def refused(*arguments):
    with pytest.raises(UserError) as caught:
        config.parse(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_import_is_refused_with_its_line_and_its_cure_and_nothing_of_it_runs(module):
    path, folder = module("strange_losses")
    message = refused([path])
    assert f"{path} line 1 imports strange_losses" in message
    assert "--allow_imports=strange_losses" in message
    assert not (folder / "was_run").exists()


@pytest.mark.parametrize(
    "text",
    [
        "import {name}",
        "import {name} as compare_gan_tf",
        "from {name} import own",
        "import {name}\nthis is not gin",
        "train.seed = 1\nimport {name}",
        "include '{name}/x.gin'",  # gin would import the package to look for the file in it
    ],
)
@pytest.mark.parametrize("as_binding", [False, True])
def test_no_form_of_an_import_runs_what_was_not_allowed(tmp_path, text, as_binding, monkeypatch):
    name = "strange_package"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text(MODULE.format(name=name))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "x.gin").write_text(text.format(name=name))
    refused([], text.format(name=name).splitlines()) if as_binding else refused(["x.gin"])
    assert not (tmp_path / name / "was_run").exists()


def test_dynamic_registration_is_refused_for_it_reaches_any_function():
    text = "from __gin__ import dynamic_registration\nimport compare_gan_tf.data.zips\n"
    message = refused([], [text + "zips.os.system.command = 'true'"])
    assert "dynamic_registration would let a config call any function" in message


def test_modules_of_this_package_need_no_leave():
    config.parse([], ["import compare_gan_tf.objectives.losses"])


def test_an_allowed_module_is_found_beside_the_config_and_from_any_folder(module, monkeypatch):
    path, folder = module("losses_beside")
    gin_imports.allow(["losses_beside"])
    monkeypatch.chdir("/")
    config.parse([path])
    assert gin.get_configurable("losses_beside.own")() == 2.0
    assert (folder / "was_run").exists()


def test_an_allowed_package_allows_what_is_in_it_but_not_what_is_only_called_alike(module):
    gin_imports.allow(["losses"])
    gin_imports.check("compare_gan_tf.errors", "x.gin line 1", ".")
    assert gin_imports._is_within("losses.inner", gin_imports._allowed)
    assert not gin_imports._is_within("losses_of_a_stranger", gin_imports._allowed)


def test_an_allowed_module_that_is_nowhere_is_one_line(tmp_path):
    gin_imports.allow(["lost_losses"])
    message = refused([], ["import lost_losses"])
    assert "neither installed nor in" in message and str(tmp_path) in message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_thing_at_all", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        ("\n1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_module_that_fails_is_one_line_with_its_own(module, text, reason):
    path, folder = module("failing_losses", text=text)
    gin_imports.allow(["failing_losses"])
    message = refused([path])
    assert "imports failing_losses, which fails: " + reason in message


def test_a_runs_config_keeps_its_imports_and_this_user_needs_no_flag_again(
    module, tmp_path, monkeypatch
):
    path, folder = module("kept_losses")
    gin_imports.allow(["kept_losses"])
    config.parse([path])
    gin.get_configurable("kept_losses.own")()
    run = tmp_path / "run.gin"
    run.write_text(config.operative_text())
    assert "\nimport kept_losses\n" in run.read_text()
    key = tmp_path / "settings/compare_gan_tf/key"
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600

    def as_another_process():
        gin_imports._allowed.clear()
        sys.path.remove(str(folder))

    as_another_process()
    monkeypatch.chdir("/")
    config.parse([str(run)])
    assert gin.query_parameter("kept_losses.own.margin") == 2.0
    assert str(folder) in sys.path

    as_another_process()
    run.write_text(
        run.read_text().replace(str(folder), str(tmp_path))
    )  # a copy that leads elsewhere
    assert "--allow_imports=kept_losses" in refused([str(run)])


def test_what_another_user_has_signed_is_not_honoured(module, tmp_path):
    path, _ = module("signed_losses")
    gin_imports.allow(["signed_losses"])
    config.parse([path])
    text = config.operative_text()
    (tmp_path / "settings/compare_gan_tf/key").unlink()
    gin_imports._allowed.clear()
    (tmp_path / "run.gin").write_text(text)
    assert "--allow_imports=signed_losses" in refused(["run.gin"])


def test_a_key_that_others_can_read_signs_nothing(module, tmp_path):
    path, _ = module("open_losses")
    gin_imports.allow(["open_losses"])
    config.parse([path])
    config.operative_text()
    os.chmod(tmp_path / "settings/compare_gan_tf/key", 0o644)
    assert "# allowed" not in config.operative_text()


def test_a_key_that_another_user_wrote_signs_nothing(module, monkeypatch):
    path, _ = module("foreign_losses")
    gin_imports.allow(["foreign_losses"])
    config.parse([path])
    assert "# allowed" in config.operative_text()
    user = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    assert "# allowed" not in config.operative_text()


def test_only_what_was_allowed_is_signed():
    gin_imports.allow(["json"])
    kept = list(gin_imports.kept(["json", "shutil", "compare_gan_tf.data"]))
    assert len(kept) == 1 and '["json", ' in kept[0]


@pytest.mark.parametrize(
    "mark",
    ["nonsense", "5", "[]", '["losses", "/"]', '["losses", "/", 5]', '["losses", "/", "\u00e9"]',
     '["losses", "/", "\\ud800"]', '[["losses"], {}, null]', "[" * 100_000],
)  # fmt: skip
def test_a_mark_that_nobody_signed_allows_nothing_and_hinders_nothing(mark):
    list(gin_imports.kept([], ["/model"]))  # there is a key
    gin_imports.honour(f"# allowed by --allow_imports: {mark}\n")
    assert not gin_imports._allowed


def test_a_module_beside_the_config_comes_before_one_in_the_current_folder(module, monkeypatch):
    path, folder = module("twice_losses")
    _, other = module("twice_losses", folder="other")
    gin_imports.allow(["twice_losses"])
    monkeypatch.chdir(other)
    config.parse([path])
    assert (folder / "was_run").exists() and not (other / "was_run").exists()


def test_modules_of_entry_points_need_no_leave_and_are_loaded(module, monkeypatch):
    from compare_gan_tf.config import configurables

    path, folder = module("plugin_losses")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(gin_imports, "plugins", lambda: ["plugin_losses"])
    monkeypatch.setattr(configurables, "ROOMS", ())
    configurables.load()
    config.parse([], ["plugin_losses.own.margin = 3.0"])
    config.parse([path])
    assert "import plugin_losses" in config.operative_text()


def test_a_network_that_a_config_names_needs_leave_which_the_run_keeps(tmp_path):
    assert extractors.model_file is not None  # which registers it
    (tmp_path / "mine.gin").write_text("model_file.path = '/of/a/stranger'\n")
    config.parse(["mine.gin"])
    with pytest.raises(UserError, match="--allow_imports=/of/a/stranger") as caught:
        programs.require("/of/a/stranger", "a SavedModel")
    assert "is a SavedModel, a program that may do all that you may" in str(caught.value)
    assert gin_imports._MARK not in config.operative_text()  # nor is it signed

    gin_imports.allow(["/of/a/stranger"])
    programs.require("/of/a/stranger", "a SavedModel")
    (tmp_path / "run.gin").write_text(config.operative_text())
    programs._trusted.clear()
    config.parse(["run.gin"])
    programs.require("/of/a/stranger", "a SavedModel")


@pytest.mark.parametrize("binding", ["model_file.trust = True", "inception_2015.trust = True"])
def test_no_config_can_say_that_a_network_is_trusted(binding):
    assert "trust" in refused([], [binding])


@pytest.mark.parametrize("used", ["Adversarial.loss = @unmarked", "unmarked.margin = 2.0"])
def test_what_an_own_module_does_not_register_is_told_where_to_mark(tmp_path, used):
    text = "def unmarked(real, fake, margin=1.0):\n    return real\n\nclass Other:\n    pass\n"
    (tmp_path / "losses_unmarked.py").write_text(text)
    gin_imports.allow(["losses_unmarked"])
    (tmp_path / "x.gin").write_text(f"import losses_unmarked\n{used}\n")
    message = refused([str(tmp_path / "x.gin")])
    assert "losses_unmarked has unmarked but does not register it; put @gin.configurable" in message
    (tmp_path / "x.gin").write_text("import losses_unmarked\nGAN.augment = @Other()\n")
    assert "has Other but does not register it; put @gin.register" in refused(["x.gin"])
