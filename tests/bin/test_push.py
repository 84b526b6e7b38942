"""`compare-gan push`: what it prints, and what it refuses."""

import shutil
import subprocess
import sys

import pytest

from compare_gan_tf.bin import push, sample
from compare_gan_tf.pretrained import shipped

DIGITS = shipped.FOLDER / "digits"


def test_the_lines_that_it_prints_load_the_model(run_verb, tmp_path):
    to = tmp_path / "published"
    code, out, err = run_verb(push, f"--export={DIGITS}/", f"--to={to}")
    assert code == 0, err
    told, lines = out.split("To load it:\n\n")
    assert told == f"{DIGITS} is at {to}\n"
    assert len(lines.splitlines()) == 3
    scope = {}
    exec(lines, scope)
    assert scope["samples"].shape == (16, 8, 8, 1)
    output = tmp_path / "few.npz"
    assert run_verb(sample, f"--model={to}", "--num=2", f"--output={output}")[0] == 0
    assert run_verb(push, f"--export={DIGITS}", f"--to={to}")[:2] == (0, out)


def test_the_only_export_of_a_run_is_found(run_verb, tmp_path):
    to = f"--to={tmp_path}/to"
    run = tmp_path / "run"
    code, _, err = run_verb(push, f"--model_dir={run}", to)
    assert code == 1 and f"{run} has no export" in err
    shutil.copytree(DIGITS, run / "hub" / "4000")
    code, out, _ = run_verb(push, f"--model_dir={run}", to)
    assert code == 0 and out.startswith(f"{run}/hub/4000 is at {tmp_path}/to")
    shutil.copytree(DIGITS, run / "hub" / "500")
    code, _, err = run_verb(push, f"--model_dir={run}", to)
    assert code == 1 and f"steps 500, 4000: name one, such as --export={run}/hub/4000" in err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "name a run by --model_dir, or an export by --export"),
        (["--model_dir=a", "--export=b", "--to=c"], "name a run by --model_dir, or"),
        ([f"--export={DIGITS}"], "--to is missing: write hf://user/name"),
        ([f"--export={DIGITS}", "--to=hf://x"], "hf://x is no model: write hf://user/name"),
        (["--export=nowhere", "--to=x"], "nowhere/manifest.json is damaged or missing"),
        ([f"--export={DIGITS}", "--to=abc://x/y"], "cannot write to abc://x/y"),
    ],
)
def test_wrong_flags_are_one_line(run_verb, given, message):
    code, out, err = run_verb(push, *given)
    assert (code, out) == (1, "") and message in err and len(err.splitlines()) == 1


def test_help_needs_no_tensorflow():
    code = "import sys; from compare_gan_tf.bin import push; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
