"""How much there is to read, by `benchmarks/house.py`: limits that the source keeps."""

import importlib.util
import pathlib

import gin
import pytest
from absl import app, flags

PATH = pathlib.Path(__file__).parent.parent / "benchmarks" / "house.py"
MOST_LOOSE = 3  # modules in no room
MOST_LINES, MOST_IN_A_BODY = 300, 40
LONGER_FILES = {
    "compare_gan_tf/architectures/blocks.py",
    "compare_gan_tf/gan/adversarial_classification.py",
    "compare_gan_tf/gan/gan.py",
}
LONGER_BODIES = {"compare_gan_tf/gan/gan.py:__init__"}
MOST_FILES = 8  # of one update of D
MOST_FRAMES, MOST_BEFORE_TRAINING = 9, 4  # from the command line to the gradient


@pytest.fixture(scope="module")
def house():
    spec = importlib.util.spec_from_file_location("house", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def hinge(house, tmp_path):
    path = tmp_path / "hinge.gin"
    path.write_text(house.HINGE)
    yield str(path)
    gin.clear_config()


def test_few_modules_lie_in_no_room(house):
    assert len(house.loose_modules()) <= MOST_LOOSE


def test_files_and_functions_are_short(house):
    files, bodies = house.file_lengths(), house.body_lengths()
    assert {name for name, lines in files.items() if lines > MOST_LINES} <= LONGER_FILES
    assert {name for name, lines in bodies.items() if lines > MOST_IN_A_BODY} <= LONGER_BODIES


def test_what_is_counted(house, tmp_path, monkeypatch):
    """Of 18 lines of code, 11 are defensive: a refusal, a check, and two calls of checks."""
    (tmp_path / "one.py").write_text(
        '"""A module\nof two lines."""\n'
        "import os  # a comment is no line of its own\n\n"
        "# nor is this\n"
        "def run(x):\n"
        '    """One line."""\n'
        "    if x < 0:\n        raise ValueError(\n            x\n        )\n"
        "    return x\n\n\n"
        "def _check_this(x):\n    if x:\n        print(x)\n    return x\n\n\n"
        "def last(x):\n    y = _check_this(x)\n    self.require(\n        y\n    )\n"
        "    if y:\n        os.abort()\n"
    )
    monkeypatch.setattr(house, "ROOT", tmp_path)
    monkeypatch.setattr(house, "FOLDERS", (tmp_path,))
    assert house.file_lengths() == {"one.py": 27}
    assert house.body_lengths() == {"one.py:run": 5, "one.py:_check_this": 3, "one.py:last": 6}
    assert house.defensive_share() == 11 / 18


def test_an_update_of_d_is_in_few_files(house, hinge):
    files = house.files_of_an_update(hinge)
    assert {"compare_gan_tf/gan/update.py", "compare_gan_tf/objectives/losses.py"} <= set(files)
    assert len(set(files) - {house.KERAS}) <= MOST_FILES, files


def test_it_is_not_far_from_the_command_line_to_the_gradient(house, hinge, monkeypatch):
    monkeypatch.setattr(app._register_and_parse_flags_with_usage, "done", False)
    verbosity = flags.FLAGS["verbosity"]
    before = verbosity.value, verbosity.using_default_value
    frames = house.frames_to_the_gradient(hinge)
    verbosity.value, verbosity.using_default_value = before
    assert frames[0] == "compare_gan_tf/bin/main.py:main"
    assert frames[-1] == "compare_gan_tf/gan/update.py:minimise"
    assert len(frames) <= MOST_FRAMES, frames
    assert "/training/" in frames[MOST_BEFORE_TRAINING], frames
    assert not any("/training/" in frame for frame in frames[:MOST_BEFORE_TRAINING])
