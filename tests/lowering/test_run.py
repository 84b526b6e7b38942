"""run.py trains by JAX alone what a training of TensorFlow trains."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from lowered_gan import JAX_ALONE, STEPS, arrays, assert_close, run_py
from PIL import Image

from compare_gan_tf.data.images import to_uint8

pytestmark = pytest.mark.slow  # XLA compiles the step


def test_jax_trains_the_same_steps(trained, by_tensorflow):
    states, log, _ = by_tensorflow
    for step in (2, STEPS):
        assert_close(arrays(trained, step), states[step], atol=2e-5)
    rows = [json.loads(line) for line in (trained / "train.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4] == sorted(log)
    for row in rows:
        assert row.keys() == log[row["step"]].keys()
        for name in row.keys() - {"seconds", "steps_per_second"}:
            assert row[name] == pytest.approx(log[row["step"]][name], abs=1e-5), name


def test_a_state_says_how_it_was_trained(trained):
    with np.load(trained / "states" / "4.npz") as file:
        run = json.loads(str(file["run"]))
    assert run["platform"] == "cpu" and run["jax"] == __import__("jax").__version__
    assert run["id"] == json.loads((trained / "lowered.json").read_text())["id"]


def test_a_run_that_was_interrupted_has_the_same_bits(lowered, trained):
    out, _ = run_py(lowered, "--steps=3")
    assert "trained to step 3" in out
    (lowered / "states" / "3.npz").rename(lowered / "states" / "2.npz.away")  # not a state
    shutil.copy(trained / "states" / "2.npz", lowered / "states")
    run_py(lowered)
    found, wanted = arrays(lowered, STEPS), arrays(trained, STEPS)
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
    log = (lowered / "train.jsonl").read_text()
    assert re.findall(r'"step": (\d+)', log) == ["2", "4"]


def test_the_newest_readable_state_is_resumed(trained):
    path = trained / "states" / "4.npz"
    path.write_bytes(path.read_bytes()[:1000])
    out, _ = run_py(trained, "--steps=3")
    assert "states/4.npz cannot be read, trying the one before" in out
    assert "trained to step 3" in out


def test_samples_are_those_of_the_gan(trained, by_tensorflow, tmp_path):
    for name in ("grid.png", "samples.npy"):
        run_py(trained, "--steps=0", "--seed", "7", "9", f"--samples={tmp_path / name}")
    samples = np.load(tmp_path / "samples.npy")
    wanted = to_uint8(by_tensorflow[2].sample(64, (7, 9))).numpy()
    assert samples.dtype == np.uint8 and np.ptp(samples) > 100
    assert np.max(np.abs(samples.astype(int) - wanted)) <= 1
    grid = np.asarray(Image.open(tmp_path / "grid.png"))
    assert grid.shape == (512, 512)
    assert np.array_equal(grid[64:128, :64][::8, ::8], samples[8, :, :, 0])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--steps=5"], "--steps is at most 4"),
        (["--checkpoint-every=0"], "--checkpoint-every at least 1"),
    ],
)
def test_wrong_flags_are_refused(lowered, jax, flags, message):
    _, err = run_py(lowered, *flags, code=2)
    assert message in err and "Traceback" not in err


def test_states_of_another_lowering_are_refused(lowered, jax):
    spec = json.loads((lowered / "lowered.json").read_text())
    (lowered / "lowered.json").write_text(json.dumps(spec | {"id": "another"}))
    _, err = run_py(lowered, code=1)
    assert err == "states/0.npz is of another lowering: move it away\n"


def test_weights_that_are_not_finite_are_not_saved(lowered, jax):
    state = arrays(lowered, 0)
    state["generator/0"][:] = np.inf
    with np.load(lowered / "states" / "0.npz") as file:
        run = file["run"]
    np.savez(lowered / "states" / "0.npz", run=run, **state)
    _, err = run_py(lowered, "--steps=2", code=1)
    assert err == "step 1: a term is not finite; the last good step is 0\n"
    assert [path.name for path in (lowered / "states").iterdir()] == ["0.npz"]


def test_one_process_trains_a_folder(lowered, jax):
    code = (
        "import fcntl, sys; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_EX);"
        "print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(lowered / "lowered.json")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as other:
        other.stdout.readline()
        _, err = run_py(lowered, code=1)
        other.stdin.close()
    assert err == f"another process trains {lowered}: wait for it, or stop it\n"


def test_a_signal_saves_and_the_same_command_resumes(lowered, jax):
    """The log's first row comes after compiling; the steps between are too many for a signal."""
    spec = json.loads((lowered / "lowered.json").read_text())
    (lowered / "lowered.json").write_text(json.dumps(spec | {"last_step": 10**6, "log_every": 1}))
    order = np.load(lowered / "order.npy")
    np.save(lowered / "order.npy", np.broadcast_to(order[:1], (10**6, *order.shape[1:])))
    command = [sys.executable, str(lowered / "run.py"), "--checkpoint-every=1000000"]
    environment = os.environ | JAX_ALONE
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        next(line for line in process.stdout if line.startswith("step 3 "))
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait() == 128 + signal.SIGTERM
    stopped = int(re.search(r"trained to step (\d+)", rest)[1])
    assert stopped >= 3 and (lowered / "states" / f"{stopped}.npz").exists()
    out, _ = run_py(lowered, f"--steps={stopped}")
    assert f"trained to step {stopped}" in out
