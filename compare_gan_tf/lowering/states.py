"""States of a GAN, all that a training step reads and assigns, in files of NumPy."""

import dataclasses
import json
import os
import re

import numpy as np

from compare_gan_tf.errors import DAMAGED_ARRAYS, UserError, as_user_error

FOLDER = "states"
RUN = "run"  # the array of a file with how it was trained, as JSON
_FINITE = ("generator/", "discriminator/", "ema/", "g_optimizer/", "d_optimizer/")


@dataclasses.dataclass(frozen=True)
class State:
    """The variables of a GAN after a training step.

    Attributes:
      step: the number of training steps done.
      arrays: {name: array}.
      run: how it was trained: "id" of the lowering, "jax", "platform", "device" and "seconds".
    """

    step: int
    arrays: dict[str, np.ndarray]
    run: dict


def path(folder: str, step: int) -> str:
    """The file of a state."""
    return os.path.join(folder, FOLDER, f"{step}.npz")


def list_steps(folder: str) -> list[int]:
    """Ascending steps of the states in a folder."""
    inner = os.path.join(folder, FOLDER)
    names = os.listdir(inner) if os.path.isdir(inner) else []
    found = (re.fullmatch(r"(\d+)\.npz", name) for name in names)
    return sorted(int(match[1]) for match in found if match)


def describe(variables: dict) -> dict:
    """{name: {"shape", "dtype", "path"}} of variables {name: Keras variable}."""
    return {
        name: {"shape": list(variable.shape), "dtype": variable.dtype, "path": variable.path}
        for name, variable in variables.items()
    }


def write(folder: str, step: int, variables: dict, run: dict) -> None:
    """Writes the variables of a GAN {name: Keras variable} as the state after a step."""
    os.makedirs(os.path.join(folder, FOLDER), exist_ok=True)
    arrays = {name: variable.numpy() for name, variable in variables.items()}
    with open(path(folder, step), "wb") as file:
        np.savez(file, **arrays, **{RUN: json.dumps(run)})


def read(folder: str, step: int, spec: dict) -> State:
    """Reads and checks a state.

    Args:
      folder: of the lowered GAN.
      step: the state's.
      spec: content of lowered.json.

    Raises:
      UserError: the file is missing, truncated or of another lowering, or an array is missing, has
        another shape or type, or is not finite.
    """
    described = spec["state"]
    name = path(folder, step)
    cure = "remove it, and run.py and adopt take the state before"
    with as_user_error(f"cannot read the state {name}", *DAMAGED_ARRAYS, cure=cure):
        with open(name, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
            run = json.loads(str(arrays.pop(RUN)))
    if not isinstance(run, dict) or run.get("id") != spec["id"]:
        raise UserError(f"the state {name} is of another lowering: {cure}")
    for what, names in (
        ("has no", described.keys() - arrays.keys()),
        ("has an unknown", arrays.keys() - described.keys()),
    ):
        if names:
            raise UserError(f"the state {name} {what} variable {min(names)}: {cure}")
    for key, array in arrays.items():
        what = f"the state {name}: {key} ({described[key]['path']})"
        _check_form(array, described[key], what, cure)
        if key.startswith(_FINITE) and not np.all(np.isfinite(array)):
            raise UserError(f"{what} is not finite: {cure}")
    if int(arrays["step"]) != step:
        raise UserError(f"the state {name} is of step {int(arrays['step'])}: {cure}")
    return State(step, arrays, run)


def _check_form(array: np.ndarray, described: dict, what: str, cure: str) -> None:
    found = array.dtype.name, list(array.shape)
    wanted = described["dtype"], described["shape"]
    if found != wanted:
        raise UserError(f"{what} is {found[0]} {found[1]}, not {wanted[0]} {wanted[1]}: {cure}")


def assign(variables: dict, state: State) -> None:
    """Sets the variables {name: Keras variable} to a state that `read` has checked."""
    for name, variable in variables.items():
        variable.assign(state.arrays[name])
