"""What JAX has trained becomes an ordinary run, or one line says why not."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from lowered_gan import STEPS, arrays, assert_close, write_state

from compare_gan_tf import __version__
from compare_gan_tf.bin import adopt, evaluate, export, lower, report, train
from compare_gan_tf.errors import UserError
from compare_gan_tf.lowering import adopting
from compare_gan_tf.runs import checkpoints


@pytest.fixture
def by_hand(small):
    """A lowered GAN with states 2 and 4, whose weights are those of step 0 plus the step."""
    first = arrays(small, 0)
    for step in (2, 4):
        write_state(small, step, {"generator/0": first["generator/0"] + np.float32(step)})
    rows = [{"step": step, "seconds": 1.0 * step, "generator/loss": 0.5} for step in (2, 4)]
    (small / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"ste')
    return small


@pytest.fixture
def adopted(run_verb, tmp_path):
    """A function (folder, *flags) -> (exit code, stdout, stderr, folder of the run)."""

    def make(folder, *flags):
        run = tmp_path / "run"
        return *run_verb(adopt, f"--lowered={folder}", f"--model_dir={run}", *flags), run

    return make


def read(run, step):
    """A function (name in the checkpoint) -> array."""
    reader = tf.train.load_checkpoint(checkpoints.path(str(run), step))
    return lambda name: reader.get_tensor(f"{name}/.ATTRIBUTES/VARIABLE_VALUE")


def test_it_is_a_run(by_hand, adopted):
    code, out, err, run = adopted(by_hand)
    assert code == 0, err
    assert out == f"{run} is trained to step 4\n"
    assert checkpoints.list_steps(str(run)) == [2, 4]
    state = arrays(by_hand, 4)
    found = read(run, 4)
    for name in ("generator/0", "ema/0", "g_optimizer/3", "d_optimizer/0", "step"):
        assert np.array_equal(found(name), state[name]), name
    earlier = arrays(by_hand, 2)["generator/0"]
    assert np.array_equal(read(run, 2)("generator/0"), earlier)
    assert (run / "config.gin").read_text() == (by_hand / "config.gin").read_text()
    assert (run / "TRAIN_DONE").read_text() == "4\n"
    rows = (run / "logs" / "train.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [2, 4]
    (start,) = json.loads((run / "manifest.json").read_text())["starts"]
    known = start["lowered"]
    assert (known["jax"], known["platform"], known["device"]) == ("0.10.2", "tpu", "TPU v4")
    assert known["id"] == json.loads((by_hand / "lowered.json").read_text())["id"]


def test_a_second_call_adds_what_is_new(by_hand, adopted):
    (by_hand / "states" / "4.npz").rename(by_hand / "4.away")
    assert adopted(by_hand)[0] == 0
    (by_hand / "4.away").rename(by_hand / "states" / "4.npz")
    code, _, err, run = adopted(by_hand)
    assert code == 0, err
    assert checkpoints.list_steps(str(run)) == [2, 4]
    rows = (run / "logs" / "train.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [2, 4]
    # A run that something else has trained further is left as it is.
    (run / "manifest.json").write_text('{"starts": []}')
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    code, _, err, _ = adopted(by_hand)
    assert code == 1
    assert "the states continue step 0, and the newest checkpoint in" in err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def _truncate(folder):
    path = folder / "states" / "4.npz"
    path.write_bytes(path.read_bytes()[:-500])


def _flip_a_bit(folder):
    path = folder / "states" / "4.npz"
    content = bytearray(path.read_bytes())
    content[content.index(b"NUMPY") + 500] ^= 1
    path.write_bytes(content)


def _state(**changes):
    return lambda folder: write_state(folder, 4, changes)


def _spec(**changes):
    def change(folder):
        spec = json.loads((folder / "lowered.json").read_text())
        (folder / "lowered.json").write_text(json.dumps(spec | changes))

    return change


def _remove(*names):
    return lambda folder: [(folder / name).unlink() for name in names]


def _write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


SHAPE = np.zeros([2, 2], np.float32)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncate, "states/4.npz: "),
        (_flip_a_bit, "states/4.npz: "),
        (_write("states/4.npz", b""), "states/4.npz: "),
        (_write("states/4.npz", b"not a zip"), "states/4.npz: "),
        (
            _state(**{"generator/0": SHAPE}),
            "generator/0 (.*) is float32 [2, 2], not float32",
        ),
        (_state(**{"d_optimizer/0": None}), "states/4.npz has no variable d_optimizer/0"),
        (_state(**{"mine": SHAPE}), "states/4.npz has an unknown variable mine"),
        (_state(**{"step": np.int64(3)}), "states/4.npz is of step 3"),
        (_state(**{"step": np.float32(4)}), "step (.*) is float32 [], not int64 []"),
        (_state(**{"generator/1": np.full([8], np.nan, np.float32)}), "is not finite"),
        (_spec(id="another"), "is of another lowering"),
        (
            _spec(format=2),
            f"has format 2 of compare_gan_tf {__version__}, and this version reads 1",
        ),
        (_spec(state=None), "is damaged, it has no state"),
        (_write("lowered.json", b"{"), "lowered.json is damaged"),
        (_write("lowered.json", b"[]"), "lowered.json was not written by compare-gan lower"),
        (_remove("lowered.json"), "there is no .*lowered.json: name a folder"),
        (_remove("states/2.npz", "states/4.npz"), "has no state after step 0: run its run.py"),
    ],
)
def test_what_is_damaged_is_refused(by_hand, damage, message):
    damage(by_hand)
    with pytest.raises(UserError) as error:
        adopting.read_trained(str(by_hand))
    assert all(part in str(error.value) for part in message.split(".*"))
    assert "\n" not in str(error.value)


def _other_units(folder):
    path = folder / "config.gin"
    path.write_text(path.read_text().replace("generator.units = 8", "generator.units = 9"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncate, "states/4.npz: "),
        (_other_units, "is float32 [14, 9] in this GAN, and float32 [14, 8] in"),
        (_spec(data={"splits": {}}), "the data set is not the one that was lowered"),
        (_remove("config.gin"), "config.gin: name a folder of compare-gan lower"),
    ],
)
def test_nothing_is_written_before_all_is_checked(by_hand, adopted, damage, message):
    damage(by_hand)
    code, _, err, run = adopted(by_hand)
    assert code == 1 and message in err and err.count("\n") == 1, err
    assert not run.exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--model_dir=x",), "--lowered=None: name the local folder"),
        (("--model_dir=x", "--lowered=gs://x"), "name the local folder that compare-gan lower"),
        (("--lowered=x",), "--model_dir is missing"),
        (("--model_dir=x", "--lowered=none"), "there is no none/config.gin"),
    ],
)
def test_wrong_flags_are_one_line(run_verb, flags, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run_verb(adopt, *flags)
    assert code == 1 and message in err and err.count("\n") == 1
    assert not pathlib.Path("x").exists()


# --- With JAX ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("in_this_process")
def test_training_goes_on_from_what_jax_has_trained(trained, adopted, run_verb, by_tensorflow):
    (trained / "states" / "4.npz").unlink()
    code, _, err, run = adopted(trained)
    assert code == 0, err
    assert not (run / "TRAIN_DONE").exists()
    code, _, err = run_verb(train, f"--model_dir={run}")
    assert code == 0, err
    wanted, found = by_tensorflow[0][STEPS], read(run, STEPS)
    players = {n: v for n, v in wanted.items() if n.startswith(("generator/", "discriminator/"))}
    assert_close({name: found(name) for name in players}, players, atol=2e-5)
    for verb in (evaluate, export, report):
        code, _, err = run_verb(verb, f"--model_dir={run}")
        assert code == 0, err
    assert (run / "scores.jsonl").exists() and (run / "report" / "index.html").exists()
    # And back to JAX: the run has moved on since.
    more = "--gin_bindings=train.training_steps = 6"
    code, out, err = run_verb(lower, f"--model_dir={run}", more, f"--out={trained.parent / 'more'}")
    assert code == 0 and "from step 4 to 6" in out, err
