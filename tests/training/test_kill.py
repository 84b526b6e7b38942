"""kill -9 at any moment, then the same command again: the weights are those of a whole run.

The kills come from this process, at random times and inside checkpoint writes, and the checkpoint
interval (7) does not divide the epoch (1,197 / 48 steps).
"""

import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf

from compare_gan_tf.bin import train

pytestmark = pytest.mark.optimised_graphs

CONFIG = """
data.load.name = "digits"
train.model = @GAN
train.training_steps = {steps}
train.batch_size = 48
train.checkpoint_every = 7
train.log_every = 1
train.sample_every = 5
GAN.generator = @mlp.generator
GAN.discriminator = @mlp.discriminator
GAN.conditional = True
GAN.objectives = [@Adversarial(), @GradientPenalty()]
GAN.d_steps = 2
GAN.ema_decay = 0.9
mlp.generator.norm = @batch_norm
mlp.discriminator.kernel_norm = @spectral_norm
"""


def command(config, folder):
    program = [sys.executable, "-m", "compare_gan_tf.bin.main", "train"]
    return [*program, f"--gin_config={config}", f"--model_dir={folder}"]


def train_here(run_verb, config, folder):
    """The same command in this process, which spares an import of TensorFlow."""
    code, _, errors = run_verb(train, f"--gin_config={config}", f"--model_dir={folder}")
    assert code == 0, errors


def start(config, folder):
    return subprocess.Popen(
        command(config, folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def fingerprint(folder):
    """SHA-256 over every tensor of the last checkpoint, by name."""
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(folder / "checkpoints"))
    digest = hashlib.sha256()
    for name in sorted(reader.get_variable_to_shape_map()):
        if name == "_CHECKPOINTABLE_OBJECT_GRAPH" or name.startswith("save_counter"):
            continue
        digest.update(name.encode() + reader.get_tensor(name).tobytes())
    return digest.hexdigest()


def wait_for(process, condition, every=0.02):
    """Looks every so many seconds until `condition()` holds; False if the process ended before."""
    while not condition():
        if process.poll() is not None:
            return False
        time.sleep(every)
    return True


def rows(folder):
    log = pathlib.Path(folder, "logs", "train.jsonl")
    return log.read_text().count("\n") if log.exists() else 0


def writing_checkpoint(folder):
    return any("temp" in path.name for path in folder.glob("checkpoints/*"))


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()


def killed_run(config, folder, kills, seed):
    """Runs to the end with this many kills, every other one inside a checkpoint write."""
    rng, done = random.Random(seed), []
    for number in range(kills):
        process = start(config, folder)
        before = rows(folder)
        if wait_for(process, lambda before=before: rows(folder) > before):
            if number % 2:
                hit = wait_for(process, lambda: writing_checkpoint(folder), every=0.0005)
            else:
                hit = True
                time.sleep(rng.uniform(0, 0.4))
            done.append((process.poll() is None and hit, writing_checkpoint(folder)))
        kill(process)
    process = start(config, folder)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return done


def check(run_verb, tmp_path, steps, kills, seed):
    config = tmp_path / "config.gin"
    config.write_text(CONFIG.format(steps=steps))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train_here(run_verb, config, whole)
    done = killed_run(config, killed, kills, seed)
    assert any(alive for alive, _ in done), "no kill hit a running training"
    assert any(writing for _, writing in done[1::2]), "no kill hit a checkpoint write"
    logs = [
        [json.loads(line) for line in (folder / "logs" / "train.jsonl").read_text().splitlines()]
        for folder in (whole, killed)
    ]
    assert [row["step"] for row in logs[1]] == list(range(1, steps + 1))
    for one, other in zip(*logs, strict=True):
        assert one["discriminator/loss"] == other["discriminator/loss"], one["step"]
    assert fingerprint(whole) == fingerprint(killed)
    leftovers = [path.name for path in (killed / "checkpoints").iterdir() if "temp" in path.name]
    assert not leftovers


@pytest.mark.slow
def test_two_kills_do_not_change_the_result(run_verb, tmp_path):
    check(run_verb, tmp_path, steps=150, kills=2, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_many_kills_do_not_change_the_result(run_verb, tmp_path, seed):
    check(run_verb, tmp_path, steps=600, kills=8, seed=seed)


def test_sigterm_saves_and_says_so_and_the_run_goes_on(tmp_path):
    config, folder = tmp_path / "config.gin", tmp_path / "run"
    config.write_text(CONFIG.format(steps=100_000))
    process = start(config, folder)
    assert wait_for(process, lambda: rows(folder) > 3)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    line = errors.strip().splitlines()[-1]
    step = rows(folder)
    assert f"signal 15 at step {step}" in line and "the same command resumes" in line
    assert tf.train.latest_checkpoint(folder / "checkpoints").endswith(f"ckpt-{step}")
    assert os.path.exists(folder / "config.gin")


@pytest.mark.slow
def test_a_full_disk_while_saving_is_one_line_and_loses_nothing(run_verb, tmp_path):
    """The limit on a file's size stands for the disk: data files are larger, logs are not."""
    config, folder = tmp_path / "config.gin", tmp_path / "run"
    config.write_text(CONFIG.format(steps=8))
    train_here(run_verb, config, folder)
    before = fingerprint(folder)
    config.write_text(CONFIG.format(steps=100))
    limited = ["sh", "-c", 'ulimit -f 200 && exec "$@"', "sh", *command(config, folder)]
    result = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stderr
    line = result.stderr.strip().splitlines()[-1]
    assert "cannot save a checkpoint at step 14" in line and "ckpt-8" in line
    assert "Traceback" not in result.stderr
    assert fingerprint(folder) == before
    assert not [p.name for p in (folder / "checkpoints").iterdir() if "14" in p.name]
    train_here(run_verb, config, folder)
