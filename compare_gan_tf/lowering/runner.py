"""Trains the GAN of this folder by JAX, on a CPU, GPU or TPU; needs jax and numpy, no TensorFlow.

  python run.py                                    # to the last step; the same command resumes
  python run.py --steps=1000                       # to step 1000
  python run.py --steps=0 --samples=samples.png    # draws samples of the newest state

It writes states/STEP.npz and train.jsonl, of which `compare-gan adopt` makes an ordinary run.
"""

import argparse
import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import signal
import struct
import sys
import time
import tokenize
import zipfile
import zlib

import jax
import numpy as np
from jax import export

HERE = pathlib.Path(__file__).resolve().parent
STATES, LOG = HERE / "states", HERE / "train.jsonl"
SPEC = json.loads((HERE / "lowered.json").read_text())
BROKEN = (OSError, ValueError, LookupError, EOFError, SyntaxError, tokenize.TokenError)
BROKEN += (zipfile.BadZipFile, zlib.error)


def program(name: str):
    """A function of arrays, in the order of the program's inputs, to a list of arrays."""
    inputs, outputs = (
        [jax.ShapeDtypeStruct(one["shape"], one["dtype"]) for one in SPEC["programs"][name][side]]
        for side in ("inputs", "outputs")
    )
    zeros = jax.jit(
        lambda *_: [jax.numpy.zeros(one.shape, one.dtype) for one in outputs], keep_unused=True
    )
    # JAX's description of a function of this signature, with the code of ours.
    code = (HERE / f"{name}.stablehlo").read_bytes()
    return dataclasses.replace(export.export(zeros)(*inputs), mlir_module_serialized=code).call


def named(name: str):
    """A function of a state and further arrays by name: (state, arrays) -> (state, results)."""
    call, spec = program(name), SPEC["programs"][name]

    def function(state, arrays):
        given = state | arrays
        results = call(*(given[one["name"]] for one in spec["inputs"]))
        out = {one["name"]: value for one, value in zip(spec["outputs"], results, strict=True)}
        results = {name: out.pop(name) for name in spec["results"]}
        return state | out, results

    return function


# --- States -----------------------------------------------------------------------------------


def steps_there() -> list[int]:
    """The steps of the states in the folder, ascending."""
    return sorted(int(path.stem) for path in STATES.glob("*.npz") if path.stem.isdigit())


def load() -> dict:
    """The newest state that can be read."""
    for step in reversed(steps_there()):
        try:
            with (
                open(STATES / f"{step}.npz", "rb") as raw,
                np.load(raw, allow_pickle=False) as file,
            ):
                if json.loads(str(file["run"]))["id"] == SPEC["id"]:
                    return {name: file[name] for name in SPEC["state"]}
            sys.exit(f"states/{step}.npz is of another lowering: move it away")
        except BROKEN as error:
            print(f"states/{step}.npz cannot be read, trying the one before: {error}")
    sys.exit("no state in states/ can be read: lower the config again")


def mapped(name: str) -> np.ndarray:
    """An array of the folder, whose pages are read when they are looked at."""
    return np.load(HERE / name, mmap_mode="r", allow_pickle=False)


def save(state: dict, seconds: float) -> None:
    """Writes a state whole or not at all, then removes old ones; exits if a term was not finite."""
    step, failed = int(state["step"]), int(state["first_failure/0"])
    if failed >= 0:
        sys.exit(f"step {failed}: a term is not finite; the last good step is {steps_there()[-1]}")
    device = jax.devices()[0]
    run = {"id": SPEC["id"], "seconds": round(seconds, 3), "jax": jax.__version__}
    run |= {"platform": device.platform, "device": device.device_kind}
    with open(STATES / "partial", "wb") as file:
        np.savez(file, run=json.dumps(run), **jax.device_get(state))
        file.flush()
        os.fsync(file.fileno())
    os.replace(STATES / "partial", STATES / f"{step}.npz")
    for old in [one for one in steps_there() if SPEC["first_step"] < one <= step][: -SPEC["keep"]]:
        (STATES / f"{old}.npz").unlink()


def lock():
    """A file that no other process holds while this one lives; exits if one does."""
    file = open(HERE / "lowered.json")
    with contextlib.suppress(OSError):  # some file systems have no locks
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"another process trains {HERE}: wait for it, or stop it")
    return file


def cut_log(step: int) -> None:
    """Removes the rows after a step, and one that a crash has truncated."""
    lines = LOG.read_text().splitlines() if LOG.exists() else []
    kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
    LOG.write_text("".join(f"{line}\n" for line in kept))


# --- Training ---------------------------------------------------------------------------------


def train(state: dict, last: int, every: int) -> tuple[dict, int | None]:
    """Trains to step `last`, and saves each `every` steps and at the end; (state, signal)."""
    first = now = seen = int(state["step"])
    arrays = {name: mapped(f"{name}.npy") for name in SPEC["arrays"]}
    order, stops = mapped("order.npy"), []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: stops.append(number))
    step = jax.jit(named("step"), donate_argnums=0)  # the memory of a state becomes the next one's
    cut_log(first)
    began = then = time.monotonic()
    stopped = False
    while now < last and not stopped:
        rows = order[now - SPEC["first_step"]]  # [n, slices]
        state, terms = step(state, {name: array[rows] for name, array in arrays.items()})
        now += 1
        if now % SPEC["log_every"] == 0:
            terms = {name: float(value) for name, value in terms.items()}  # waits for the step
            speed, seen, then = (now - seen) / (time.monotonic() - then), now, time.monotonic()
            row = {"step": now, "seconds": round(then - began, 3)}
            row |= {"steps_per_second": round(speed, 3)} | terms
            print("  ".join(f"{name} {value:.6g}" for name, value in row.items()), flush=True)
            with open(LOG, "a") as log:
                log.write(json.dumps(row) + "\n")
        stopped = bool(stops)
        if now % every == 0 or now == last or stopped:
            save(state, time.monotonic() - began)
    return state, stops[0] if stops else None


# --- Samples ----------------------------------------------------------------------------------


def draw(state: dict, seed: list[int], path: str) -> None:
    """Writes the sampler's samples: images as a grid of PNG, others as .npy."""
    _, results = jax.jit(named("sampler"))(state, {"seed": np.asarray(seed, np.int64)})
    samples = np.asarray(results["samples"])
    if not path.endswith(".png"):
        np.save(path, samples)
        return
    if samples.dtype != np.uint8 or samples.ndim != 4 or samples.shape[3] not in (1, 3):
        sys.exit(f"the samples are no images: write them to .npy, not to {path}")
    number, height, width, channels = samples.shape
    grid = samples.reshape(number // 8, 8, height, width, channels).swapaxes(1, 2)
    grid = grid.reshape(number // 8 * height, 8 * width, channels)
    scale = max(1, 64 // width)
    grid = grid.repeat(scale, 0).repeat(scale, 1)
    raw = b"".join(b"\0" + line.tobytes() for line in grid)
    head = struct.pack(">IIBBBBB", grid.shape[1], grid.shape[0], 8, channels - 1, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")):
            checksum = struct.pack(">I", zlib.crc32(kind + body))
            file.write(struct.pack(">I", len(body)) + kind + body + checksum)


def main() -> None:
    """Parses the flags, trains, and draws samples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=SPEC["last_step"], help="train to this step")
    parser.add_argument("--checkpoint-every", type=int, default=SPEC["checkpoint_every"])
    parser.add_argument("--samples", help="draw samples to this .png or .npy in the end")
    parser.add_argument("--seed", type=int, nargs=2, default=[0, 0], help="of --samples")
    flags = parser.parse_args()
    if flags.steps > SPEC["last_step"] or flags.steps < 0 or flags.checkpoint_every < 1:
        parser.error(f"--steps is at most {SPEC['last_step']}, --checkpoint-every at least 1")
    jax.config.update("jax_enable_x64", True)  # the number of a step is int64
    _locked = lock()
    print(f"JAX {jax.__version__} on {jax.devices()[0].device_kind}", flush=True)
    state, stopped = train(load(), flags.steps, flags.checkpoint_every)
    print(f"trained to step {int(state['step'])}")
    if stopped:
        sys.exit(128 + stopped)
    if flags.samples:
        draw(state, flags.seed, flags.samples)


if __name__ == "__main__":
    main()
