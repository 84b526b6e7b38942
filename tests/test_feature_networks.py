"""Networks of torch as files for extractors: with random weights, they give torch's features."""

import importlib
import importlib.util
import pathlib
import subprocess
import sys

import networks
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import downloads, encoders

EXPERIMENTS = pathlib.Path(__file__).parent.parent / "experiments"
HELPER = pathlib.Path(__file__).parent / "helpers" / "torch_networks.py"
NEEDED = ("torch", "torchvision", "transformers", "onnxscript")


@pytest.mark.slow
@pytest.mark.parametrize("case", ["dinov2", "positions", "clip", "swav", "other", "missing"])
def test_a_network_of_torch(case, tmp_path):
    lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        pytest.skip(f"{lacking[0]} has the networks that the files must equal")
    command = [sys.executable, str(HELPER), case, str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


# --- The script and the checksum, without torch -----------------------------------------------


@pytest.fixture
def script(monkeypatch):
    """The script, which is no part of the package; without torch, which it imports at once."""
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    return importlib.import_module("feature_networks")


def test_only_the_file_with_the_checksum_is_taken(tmp_path):
    networks.write_onnx(tmp_path / "tiny.onnx")
    sha256 = downloads.digest(tmp_path / "tiny.onnx")
    given = {"path": tmp_path / "tiny.onnx", "features": "pooled", "trust": True}
    for make in (encoders.clip_vitb32, encoders.dinov2_vitb14, encoders.swav_resnet50):
        assert make(**given, sha256=sha256).weights_sha256 == sha256
        with pytest.raises(UserError, match=f"has the SHA-256 {sha256}, not 0000"):
            make(**given, sha256="0" * 64)
    with pytest.raises(UserError, match="clip_vitl14_336.sha256 is 'ABC': it must be a SHA-256"):
        encoders.clip_vitl14_336(**given, sha256="ABC")


def test_the_script_lists_networks_and_refuses_what_it_cannot_do(script, tmp_path, capsys):
    script.main([f"--output={tmp_path}"])
    listed = capsys.readouterr().out
    assert all(name in listed for name in (*script.SOURCES, "inception_2015"))
    assert all(hasattr(encoders, name) for name in script.SOURCES)
    for arguments, message in (
        (["dinov3"], "there is no network 'dinov3'"),
        (["all", "--weights=x"], "--weights are those of one network"),
        (["inception_2015", "--weights=x"], "--weights are those of one network"),
    ):
        with pytest.raises(SystemExit) as exit_:
            script.main(arguments)
        assert exit_.value.code == 2 and message in capsys.readouterr().err


def test_without_torch_it_says_what_to_install(script, tmp_path):
    with pytest.raises(SystemExit, match="clip_vitb32 needs torch: pip install torch"):
        script.main(["clip_vitb32", f"--output={tmp_path}"])
    assert not list(tmp_path.iterdir())
