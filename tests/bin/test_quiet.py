"""What TensorFlow says while it starts."""

import logging
import os
import pathlib
import re
import subprocess
import sys

import pytest
import tensorflow as tf

from compare_gan_tf.bin import quiet

ROOT = pathlib.Path(__file__).parents[2]
BAR = r"(training|evaluate|sample).*\d+%.*"  # of tqdm

DRIVER = "E0000 00:00:1 7424 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error\n"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("WARNING: All log messages before absl::InitializeLog() is called ...\n", False),
        ("I0000 00:00:1 7424 cudart_stub.cc:31] Could not find cuda drivers\n", False),
        ("I0000 00:00:1 7424 cpu_feature_guard.cc:227] This TensorFlow binary\n", False),
        ("I0000 00:00:1 7424 port.cc:153] oneDNN custom operations are on.\n", False),
        ("E0000 00:00:1 7424 tpu.cc:1] cannot reach the TPU\n", True),
        ("W0000 00:00:1 7424 gpu_device.cc:1] Cannot dlopen some GPU libraries\n", True),
    ],
)
def test_only_known_noise_is_left_out(line, shown, capfd):
    with quiet.filtered_stderr():
        os.write(2, line.encode())
        os.write(2, b"kept\n")
    assert capfd.readouterr().err == (line if shown else "") + "kept\n"


@pytest.mark.parametrize("has_gpu", [True, False])
def test_a_failing_driver_is_an_error_only_where_there_is_a_gpu(has_gpu, monkeypatch):
    monkeypatch.setattr(quiet, "_has_nvidia_driver", lambda: has_gpu)
    assert quiet._is_worth_showing(DRIVER) == has_gpu


@pytest.mark.parametrize(("visible", "warned"), [(None, True), ("-1", False)])
def test_a_gpu_that_cannot_be_used_is_told_unless_it_is_hidden(
    visible, warned, monkeypatch, caplog
):
    monkeypatch.setattr(quiet, "_has_nvidia_driver", lambda: True)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    quiet.import_tensorflow()
    assert ("compare_gan_tf[gpu]" in caplog.text) == warned


def test_the_font_cache_is_made_without_a_line(caplog):
    quiet.silence_font_cache()
    fonts = logging.getLogger("matplotlib.font_manager")
    fonts.warning("Matplotlib is building the font cache; this may take a moment.")
    fonts.error("no font at all")
    assert [record.message for record in caplog.records] == ["no font at all"]


def test_what_was_said_before_an_exception_is_shown(capfd):
    with pytest.raises(ImportError), quiet.filtered_stderr():
        os.write(2, b"libfoo.so: cannot open\n")
        raise ImportError
    assert capfd.readouterr().err == "libfoo.so: cannot open\n"


@pytest.mark.parametrize(("level", "filtered"), [("0", False), ("1", True), ("3", True)])
def test_the_variable_of_the_user_is_kept_and_0_shows_all(level, filtered, monkeypatch):
    entered = []
    held = quiet.filtered_stderr
    monkeypatch.setattr(quiet, "filtered_stderr", lambda: entered.append(1) or held())
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
    quiet.import_tensorflow()
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == level
    assert bool(entered) == filtered


def stderr_of(*command, level=None):
    """The lines that a process writes to stderr, without those of progress bars."""
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": level} if level else {}
    done = subprocess.run(
        [sys.executable, *map(str, command)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in re.split(r"[\r\n]", done.stderr)]
    return [line for line in lines if line and not re.fullmatch(BAR, line)]


@pytest.mark.slow
def test_the_verbs_of_the_quickstart_say_nothing_of_tensorflow(small, tmp_path):
    """Each in a process of its own, as is its import of TensorFlow; then the module's example."""
    config, folder = small
    for verb, *flags in (
        ("train", config, folder),
        ("evaluate", folder),
        ("export", folder, "--checkpoint=4"),
        ("report", folder),
        ("sample", folder, f"--output={tmp_path / 'samples.png'}"),
        ("describe", config),
        ("data", "--dataset=digits"),
    ):
        assert stderr_of("-m", "compare_gan_tf.bin.main", verb, *flags) == [], verb
    module = tmp_path / "run" / "hub" / "4" / "generator"
    assert stderr_of(ROOT / "examples" / "load_module.py", module) == []
    shown = stderr_of(ROOT / "examples" / "load_module.py", module, level="0")
    assert any("oneDNN" in line for line in shown) or any("cpu_feature" in line for line in shown)
