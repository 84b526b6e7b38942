"""Several workers train as one: over loopback, with kills, and on another number of workers."""

import json
import pathlib
import signal
import time

import loopback
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import PeerLost

pytestmark = pytest.mark.slow

HELPER = pathlib.Path(__file__).parents[1] / "helpers" / "multi_worker.py"
STEPS = 100
CONFIG = """
data.load.name = "digits"
train.model = @GAN
train.training_steps = {steps}
train.batch_size = 16
train.checkpoint_every = 10
train.log_every = 1
train.sample_every = 50
GAN.generator = @mlp.generator
GAN.discriminator = @mlp.discriminator
GAN.conditional = True
GAN.objectives = [@Adversarial(), @GradientPenalty()]
GAN.ema_decay = 0.9
GAN.g_optimizer = @sgd()
GAN.d_optimizer = @sgd()
sgd.learning_rate = 0.02
mlp.generator.norm = @batch_norm
mlp.generator.units = 16
mlp.discriminator.units = 16
mlp.discriminator.kernel_norm = @spectral_norm
"""


def test_two_processes_train_as_one(tmp_path):
    """Losses, penalties, ADA, batch norm, spectral norm and the EMA over the global batch."""
    started = [
        *loopback.start(lambda index: [HELPER, tmp_path / f"two{index}.npz"]),
        *loopback.start([HELPER, tmp_path / "one.npz"], number=1),
    ]
    ends = loopback.ends(started, seconds=1200)
    assert [code for code, *_ in ends] == [0, 0, 0], ends
    one, two, other = (np.load(tmp_path / f"{name}.npz") for name in ("one", "two0", "two1"))
    assert len(one.files) > 30 and {"ema", "augment"} <= {name.split()[0] for name in one.files}
    assert np.ptp(one["logs"], axis=0).min() > 0  # every term changes
    assert list(one["names"]) == list(two["names"])
    for name in one.files:
        np.testing.assert_array_equal(two[name], other[name], err_msg=name)
        if name != "names":
            np.testing.assert_allclose(two[name], one[name], rtol=1e-6, atol=1e-6, err_msg=name)


# --- Whole runs -------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.gin"
    path.write_text(CONFIG.format(steps=STEPS))
    return path


def start(config, folder, *more, number=2):
    program = ["-m", "compare_gan_tf.bin.main", "train", f"--gin_config={config}"]
    return loopback.start([*program, f"--model_dir={folder}", *more], number)


def tensors(folder):
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(folder / "checkpoints"))
    names = [name for name in reader.get_variable_to_shape_map() if "VARIABLE_VALUE" in name]
    return {name: reader.get_tensor(name) for name in names if "save_counter" not in name}


def killed(config, folder, victim, after):
    """Starts two workers, and kills one of them after so many checkpoints; their exit codes."""
    workers = start(config, folder)
    there = set((folder / "checkpoints").glob("*.index"))
    while len(set((folder / "checkpoints").glob("*.index")) - there) < after:
        assert all(worker.poll() is None for worker in workers)
        time.sleep(0.02)
    workers[victim].send_signal(signal.SIGKILL)
    ends = loopback.ends(workers)
    return [code for code, *_ in ends], ends[1 - victim][2].strip().splitlines()[-1]


def test_a_run_whose_workers_die_ends_with_the_weights_of_an_undisturbed_one(config, tmp_path):
    whole, disturbed = tmp_path / "whole", tmp_path / "disturbed"
    assert [code for code, *_ in loopback.ends(start(config, whole))] == [0, 0]
    codes, line = killed(config, disturbed, victim=1, after=2)
    assert codes == [PeerLost.CODE, -signal.SIGKILL]
    assert line.startswith("compare-gan train: contact with worker 1 (127.0.0.1:")
    assert line.endswith("the same command on all workers resumes from the newest checkpoint")
    codes, line = killed(config, disturbed, victim=0, after=2)
    assert codes == [-signal.SIGKILL, PeerLost.CODE]
    assert "is lost" in line
    ends = loopback.ends(start(config, disturbed))
    assert [code for code, *_ in ends] == [0, 0], ends
    assert [said.count(f"is trained to step {STEPS}") for _, said, _ in ends] == [1, 0]
    assert ends[1][1:] == ("", "")  # the others are silent
    a, b = tensors(whole), tensors(disturbed)
    assert a.keys() == b.keys() and len(a) > 30
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)
    rows = [json.loads(line) for line in (disturbed / "logs/train.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    starts = json.loads((disturbed / "manifest.json").read_text())["starts"]
    assert [(one["strategy"], one["workers"], one["replicas"]) for one in starts] == [
        ("CollectiveAllReduceStrategy", 2, 2)
    ] * 3
    assert not [*disturbed.glob("**/*temp*"), *disturbed.glob(".*")]


def test_a_run_goes_on_with_another_number_of_workers(config, tmp_path):
    """1, 3, then 2 workers, each number a divisor of the batch."""
    text = CONFIG.format(steps=60).replace("batch_size = 16", "batch_size = 24")
    config.write_text(text)
    whole, elastic = tmp_path / "whole", tmp_path / "elastic"
    assert loopback.ends(start(config, whole, number=1))[0][0] == 0
    for number, steps in ((1, 20), (3, 40), (2, 60)):
        more = f"--gin_bindings=train.training_steps = {steps}"
        ends = loopback.ends(start(config, elastic, more, number=number))
        assert [code for code, *_ in ends] == [0] * number, ends
    a, b = tensors(whole), tensors(elastic)
    for name in a:
        np.testing.assert_allclose(b[name], a[name], rtol=1e-5, atol=2e-6, err_msg=name)


def test_a_signal_to_one_worker_stops_all_after_the_same_step(config, tmp_path):
    workers = start(config, tmp_path / "run", "--gin_bindings=train.training_steps = 100000")
    while not (tmp_path / "run/checkpoints/ckpt-10.index").exists():
        assert all(worker.poll() is None for worker in workers)
        time.sleep(0.02)
    workers[1].send_signal(signal.SIGTERM)
    ends = loopback.ends(workers)
    assert [code for code, *_ in ends] == [128 + signal.SIGTERM] * 2, ends
    chief, other = (errors.strip().splitlines()[-1] for *_, errors in ends)
    assert chief == other and "a checkpoint is written" in chief
    newest = tf.train.latest_checkpoint(tmp_path / "run/checkpoints")
    assert f"at step {newest.rpartition('-')[2]};" in chief


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["train.seed = 1", "train.seed = 2"], "the config of worker 1 differs"),
        (["train.batch_size = 15"] * 2, "train.batch_size = 15 does not divide among 2 replicas"),
        (["sgd.learning_rate = 1e30"] * 2, "is not finite"),
    ],
    ids=["settings that differ", "a batch that does not divide", "a loss that is not finite"],
)
def test_what_is_refused_is_refused_by_all(config, tmp_path, wrong, said):
    program = ["-m", "compare_gan_tf.bin.main", "train", f"--gin_config={config}"]
    program += [f"--model_dir={tmp_path / 'run'}"]
    workers = loopback.start(lambda index: [*program, f"--gin_bindings={wrong[index]}"])
    for code, _, errors in loopback.ends(workers):
        assert code == 1, errors
        assert said in errors.strip().splitlines()[-1] and "Traceback" not in errors
