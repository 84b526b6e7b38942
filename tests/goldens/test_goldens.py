"""Every golden has a source and a maker; those that take numpy and scipy alone are run."""

import ast
import importlib
import json
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
GOLDENS = sorted(path.stem for path in HERE.glob("*.json"))
MAKERS = sorted(path.stem.removeprefix("make_") for path in HERE.glob("make_*.py"))
# They need other packages, or another version of ours.
ELSEWHERE = {"analysis", "metrics", "gin_defaults"}


@pytest.fixture
def makers(monkeypatch):
    """Imports a maker anew, from beside its golden."""
    monkeypatch.syspath_prepend(HERE)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if pathlib.Path(getattr(sys.modules[name], "__file__", None) or "/").parent == HERE:
            del sys.modules[name]


def test_every_golden_has_a_maker_and_every_maker_a_golden():
    assert GOLDENS == MAKERS
    assert ELSEWHERE < set(MAKERS)


@pytest.mark.parametrize("name", GOLDENS)
def test_it_states_its_source(name):
    assert len(json.loads((HERE / f"{name}.json").read_text())["source"]) > 20


@pytest.mark.parametrize("name", sorted(set(MAKERS) - ELSEWHERE))
def test_it_is_what_its_maker_writes(makers, name):
    assert (
        makers("writing").text(makers(f"make_{name}").made()) == (HERE / f"{name}.json").read_text()
    )


@pytest.mark.parametrize("name", sorted(set(MAKERS) - {"gin_defaults"}))
def test_its_maker_takes_nothing_from_the_package(name):
    imported = set()
    for node in ast.walk(ast.parse((HERE / f"make_{name}.py").read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.split(".")[0])
    assert not imported & {"compare_gan_tf", "tensorflow", "keras"}
