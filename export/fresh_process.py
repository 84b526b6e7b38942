"""Computes the outputs of `.keras` files in a new Python process, to check that they load there."""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.export import keras_files
from compare_gan_tf.storage import files

# The job, with the import paths, is passed in a file: paths may contain any character.
_PROGRAM = """
import json, sys
with open(sys.argv[1]) as file:
    job = json.load(file)
sys.path[:] = job["sys_path"]
from compare_gan_tf.export import fresh_process
fresh_process.compute(job)
"""


class LoadingFailed(RuntimeError):
    """A `.keras` file cannot be loaded or called in a new process."""


def outputs(players: dict[str, dict]) -> dict[str, list[np.ndarray]]:
    """Loads `.keras` files in one new process, and calls the networks there on the CPU.

    Args:
      players: {path of the file: {name of an input: array}}.

    Returns:
      {path: list of output arrays in inference mode, in the order of `tf.nest.flatten`}.

    Raises:
      LoadingFailed: a file cannot be loaded, or the call fails.
      UserError: no process can be started.
      OwnLayersError: a file has layers that another process cannot load.
    """
    modules = sorted(set().union(*(keras_files.own_modules(path) for path in players)))
    with tempfile.TemporaryDirectory() as folder:
        job = {
            "sys_path": [os.path.abspath(path) for path in sys.path],
            "modules": modules,
            "paths": [_local(path, folder) for path in players],
            "folder": folder,
        }
        for index, inputs in enumerate(players.values()):
            arrays = {name: np.asarray(values) for name, values in inputs.items()}
            np.savez(_inputs(folder, index), **arrays)
        try:
            _run(job)
        except LoadingFailed as error:
            if modules:
                raise keras_files.OwnLayersError(
                    f"a process that imports {', '.join(modules)} cannot load {error}"
                ) from error
            raise
        return {path: _read(_outputs(folder, index)) for index, path in enumerate(players)}


def _local(path: str, folder: str) -> str:
    """A path that another process can read: a local copy if the file system is remote."""
    if not files.is_remote(path):
        return os.path.abspath(path)
    copy = os.path.join(folder, os.path.basename(path))
    tf.io.gfile.copy(path, copy)
    return copy


def _inputs(folder: str, index: int) -> str:
    return os.path.join(folder, f"inputs{index}.npz")


def _outputs(folder: str, index: int) -> str:
    return os.path.join(folder, f"outputs{index}.npz")


def _failure(folder: str) -> str:
    return os.path.join(folder, "failure.txt")


def _read(path: str) -> list[np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return [arrays[f"{index}"] for index in range(len(arrays.files))]


def _run(job: dict) -> None:
    """Runs `_PROGRAM` in a new process, which writes its results to `job["folder"]`."""
    path = os.path.join(job["folder"], "job.json")
    with open(path, "w") as file:
        json.dump(job, file)
    # -P: nothing is imported from the current folder. No GPU: this process may hold its memory.
    quiet = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [sys.executable or "python", "-P", "-c", _PROGRAM, path]
    try:
        done = subprocess.run(
            command, env=os.environ | quiet, stdin=subprocess.DEVNULL, capture_output=True
        )
    except OSError as error:
        raise UserError(
            f"the .keras files cannot be checked: no Python process can be started by {command[0]} "
            f"({error.strerror or error})"
        ) from error
    if done.returncode == 0:
        return
    if os.path.exists(_failure(job["folder"])):
        with open(_failure(job["folder"])) as file:
            raise LoadingFailed(file.read())
    raise UserError(
        f"the .keras files cannot be checked: the Python process that loads them {_end(done)}"
    )


def _end(done: subprocess.CompletedProcess) -> str:
    """How a process ended, and the last line of its stderr."""
    if done.returncode < 0:
        return f"was ended by {signal.Signals(-done.returncode).name}; is there memory enough?"
    printed = done.stderr.decode(errors="replace").strip().splitlines()
    return f"ended with code {done.returncode}: {printed[-1] if printed else 'no message'}"


# --- In the new process -----------------------------------------------------------------------


def compute(job: dict) -> None:
    """Loads each file, calls the network on its inputs and saves the outputs."""
    for index, path in enumerate(job["paths"]):
        try:
            for module in job["modules"]:
                importlib.import_module(module)
            model = keras.models.load_model(path, compile=False)
            with np.load(_inputs(job["folder"], index), allow_pickle=False) as arrays:
                given = {key: tf.constant(arrays[key]) for key in arrays.files}
            found = tf.nest.flatten(model(given, training=False))
        except Exception as error:
            with open(_failure(job["folder"]), "w") as file:
                file.write(f"{os.path.basename(path)}: {keras_files.reason(error)}")
            sys.exit(1)
        arrays = {f"{place}": np.asarray(value) for place, value in enumerate(found)}
        np.savez(_outputs(job["folder"], index), **arrays)
