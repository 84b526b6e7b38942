"""The private parts of gin that are used: each is there and means what it meant."""

import importlib.metadata

import gin
import pytest

from compare_gan_tf.config import gin_insides

INSTALLED = importlib.metadata.version("gin-config")
GONE = f"gin-config {INSTALLED} has none; it was seen in {gin_insides.SEEN_IN}"


@gin.configurable(module="tests.insides")
def probed(value=1):
    if value == 2:
        raise ValueError("two")
    return value


@pytest.mark.parametrize(
    "name",
    ["_REGISTRY", "_CONFIG", "_IMPORTS", "_inverse_lookup", "_FILE_READERS", "_LOCATION_PREFIXES"],
)
def test_the_part_is_there(name):
    assert hasattr(gin.config, name), f"gin.config.{name}: {GONE}"


def test_names(no_bindings):
    assert "tests.insides.probed" in gin_insides.selectors(), GONE
    assert gin_insides.short_name("tests.insides.probed") == "probed", GONE
    assert gin_insides.full_name("insides.probed") == "tests.insides.probed", GONE
    assert gin_insides.full_name("no_such_name") == "no_such_name", GONE
    assert gin_insides.selector_of(probed) == "tests.insides.probed", GONE
    assert gin_insides.selector_of(test_names) is None, GONE


def test_bindings_and_imports(no_bindings):
    gin.parse_config("import json\na/probed.value = 3\nprobed.value = 4")
    assert set(gin_insides.bindings()) == {
        ("a", "tests.insides.probed", "value", 3),
        ("", "tests.insides.probed", "value", 4),
    }, GONE
    assert "json" in gin_insides.imported_modules(), GONE


def test_files(no_bindings, tmp_path):
    (tmp_path / "x").write_text("probed.value = 5")
    opened = []

    def open_it(name):
        opened.append(name)
        return open(tmp_path / "x")

    with gin_insides.files_opened_by(open_it):
        gin.parse_config_file("any name")
    assert opened == ["any name"] and probed() == 5, GONE
    with pytest.raises(OSError):
        gin.parse_config_file("any name")


def test_frames_and_scopes(no_bindings):
    gin.parse_config("probed.value = 2")
    with pytest.raises(ValueError, match="two") as caught:
        probed()
    frames, trace = [], caught.value.__traceback__
    while trace is not None:
        frames.append(gin_insides.called_in(trace.tb_frame))
        trace = trace.tb_next
    assert {one for one in frames if one} == {"tests.insides.probed"}, GONE
    gin.parse_config("holder.held = @a/b/probed")
    assert gin_insides.scope_of(holder()) == ["a", "b"], GONE
    assert gin_insides.scope_of(probed) == [], GONE


@gin.configurable(module="tests.insides")
def holder(held=None):
    return held
