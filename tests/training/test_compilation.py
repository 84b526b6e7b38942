"""train.jit_compile = "auto": which devices XLA compiles for."""

import json
import types

import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.training import compilation

ONE, TWO = (types.SimpleNamespace(num_replicas_in_sync=n) for n in (1, 2))
TPU = tf.distribute.TPUStrategy.__new__(tf.distribute.TPUStrategy)  # there is none to connect to


@pytest.mark.parametrize(
    ("given", "strategy", "gpus", "on"),
    [
        ("auto", ONE, [], False),
        ("auto", ONE, ["GPU:0"], True),
        ("auto", TWO, ["GPU:0", "GPU:1"], False),
        ("auto", TPU, [], True),
        (True, ONE, [], True),
        (False, ONE, ["GPU:0"], False),
        (False, TWO, ["GPU:0", "GPU:1"], False),
    ],
)
def test_auto_is_on_for_one_gpu_and_for_tpus(monkeypatch, given, strategy, gpus, on):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: gpus)
    found, reason = compilation.resolve(given, strategy)
    assert found is on
    assert (reason == "as set") == (given != "auto")


def test_replicas_that_xla_cannot_compile_are_refused():
    with pytest.raises(UserError, match="train.jit_compile = True with 2 replicas"):
        compilation.resolve(True, TWO)


def test_the_manifest_says_what_was_used_and_why(run, tmp_path):
    run(tmp_path, 1)
    start = json.loads((tmp_path / "manifest.json").read_text())["starts"][0]
    assert start["jit_compile"] is False
    assert start["jit_reason"] == "XLA's convolutions are slow on a CPU"
    assert start["deterministic_ops"] is True


def test_what_is_not_known_is_refused(run, tmp_path):
    with pytest.raises(UserError, match="train.jit_compile is 'yes': it must be one of"):
        run(tmp_path, 1, jit_compile="yes")


@pytest.mark.filterwarnings("ignore:Model doesn't support")  # of Keras, as it drops XLA
def test_auto_gives_way_to_deterministic_operations(monkeypatch, run, tmp_path):
    run(tmp_path / "first", 1)
    monkeypatch.setattr(compilation, "resolve", lambda *_: (True, "one GPU"))
    run(tmp_path / "second", 1)
    start = json.loads((tmp_path / "second" / "manifest.json").read_text())["starts"][0]
    assert start["jit_compile"] is False and "deterministic operations" in start["jit_reason"]
