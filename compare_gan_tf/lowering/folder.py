"""The folder of a lowered GAN: what a machine with JAX needs to train it, and what it writes.

lowered.json                       names, shapes, intervals, the data set's identity
config.gin                         the config, as in a run's folder
run.py                             trains: needs jax and numpy
step.stablehlo, sampler.stablehlo  the programs, see `steps`
images.npy, labels.npy             the split "train"
order.npy                          int32 [steps, n, slices]: which samples each step takes
states/STEP.npz                    the variables, see `states`
train.jsonl                        the terms of the loss, written by run.py
"""

import json
import os
import shutil
from collections.abc import Callable
from importlib import resources

import numpy as np

from compare_gan_tf.data import Split
from compare_gan_tf.errors import UserError, as_user_error
from compare_gan_tf.lowering import states
from compare_gan_tf.storage import files

SPEC = "lowered.json"
LOG = "train.jsonl"
FORMAT = 1  # of the folder
_PROGRAMS = ("step", "sampler")
_OURS = {
    *(SPEC, LOG, files.CONFIG, states.FOLDER, "run.py", "order.npy", "images.npy", "labels.npy"),
    *(f"{name}.stablehlo" for name in _PROGRAMS),
}
_CHUNK = 2**24  # bytes of images that are read at once
# What `read` needs, and of which type.
_KEYS = {"id": str, "first_step": int, "last_step": int, "state": dict, "data": dict}


def foreign(folder: str) -> str | None:
    """The first entry of a folder that is no part of a lowered GAN; None if all are."""
    names = sorted(os.listdir(folder))
    if names and SPEC not in names:
        return names[0]
    return next((name for name in names if name not in _OURS), None)


def refuse_trained(folder: str) -> None:
    """Refuses a folder with states that run.py has trained.

    Raises:
      UserError: names the newest of them.
    """
    trained = states.list_steps(folder)[1:]
    if trained:
        raise UserError(
            f"{folder} has been trained to step {trained[-1]}, which would be lost: adopt it and "
            "remove the folder, or choose another --out"
        )


# --- Write ------------------------------------------------------------------------------------


def write_spec(folder: str, spec: dict) -> None:
    """Writes lowered.json, and run.py, which reads it."""
    files.write_text(os.path.join(folder, SPEC), json.dumps(spec, indent=1) + "\n")
    with resources.as_file(resources.files("compare_gan_tf.lowering") / "runner.py") as runner:
        shutil.copyfile(runner, os.path.join(folder, "run.py"))


def write_array(path: str, shape: tuple[int, ...], dtype, chunks: Callable) -> None:
    """Writes a .npy file of chunks, which `chunks()` yields, along its first axis."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header | {"shape": tuple(map(int, shape))})
        for chunk in chunks():
            file.write(np.ascontiguousarray(chunk, dtype).tobytes())


def write_samples(folder: str, split: Split, *, labels: bool) -> None:
    """Writes images.npy, as they are stored, and labels.npy if they are trained on."""
    images = split.images
    step = max(1, _CHUNK // max(1, images.nbytes // len(images)))

    def chunks():
        return (images[start : start + step] for start in range(0, len(images), step))

    write_array(os.path.join(folder, "images.npy"), images.shape, images.dtype, chunks)
    if labels:
        np.save(os.path.join(folder, "labels.npy"), split.labels)


# --- Read -------------------------------------------------------------------------------------


def read_spec(folder: str) -> dict:
    """The content of lowered.json.

    Raises:
      UserError: there is none, or it was written by another version or another program.
    """
    path = os.path.join(folder, SPEC)
    text = files.read_text(path)
    if text is None:
        raise UserError(f"there is no {path}: name a folder that compare-gan lower has written")
    with as_user_error(f"{path} is damaged", ValueError, RecursionError, cure="lower again"):
        spec = json.loads(text)
    if not isinstance(spec, dict) or "format" not in spec:
        raise UserError(f"{path} was not written by compare-gan lower")
    if spec["format"] != FORMAT:
        made_by = spec.get("compare_gan_tf")
        raise UserError(
            f"{path} has format {spec['format']!r} of compare_gan_tf {made_by}, and this version "
            f"reads {FORMAT}: adopt it with that version, or lower again"
        )
    for key, kind in _KEYS.items():
        if not isinstance(spec.get(key), kind):
            raise UserError(f"{path} is damaged, it has no {key}: lower again")
    return spec


def read_log(folder: str, first: int, last: int) -> list[dict]:
    """The whole rows of train.jsonl after step `first` up to `last`."""
    rows = []
    for line in (files.read_text(os.path.join(folder, LOG)) or "").splitlines():
        try:
            row = json.loads(line)
            if first < row["step"] <= last:
                rows.append(row)
        except (ValueError, KeyError, TypeError, RecursionError):  # a line that a crash truncated
            continue
    return rows
