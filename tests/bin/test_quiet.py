"""What TensorFlow says while it starts."""

import logging
import os

import pytest
import tensorflow as tf

from compare_gan_tf.bin import quiet

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
    with quiet._filtered_stderr():
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
    with pytest.raises(ImportError), quiet._filtered_stderr():
        os.write(2, b"libfoo.so: cannot open\n")
        raise ImportError
    assert capfd.readouterr().err == "libfoo.so: cannot open\n"
