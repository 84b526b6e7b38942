"""Mean and covariance of reference features: as files of the user's, and in a cache on disk.

A file is an `.npz` with `mu` [d] and `sigma` [d, d], as pytorch-fid and clean-fid write it, and `n`
if it is known. The cache is a folder of such files, each named by a hash of everything that it
depends on, the contents of the data included.
"""

import contextlib
import hashlib
import json
import os

import numpy as np
from absl import logging

from compare_gan_tf.data import npz
from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.metrics.gaussian_statistics import GaussianStatistics
from compare_gan_tf.storage import staging

VARIABLE = "COMPARE_GAN_CACHE"
_MOMENTS = ("mu", "sigma")
_VERSION = 1  # of what a key stands for


# --- Files ------------------------------------------------------------------------------------


def write(path: str, statistics: GaussianStatistics, facts: dict, *, is_ours: bool = False) -> None:
    """Writes a file whole: whoever reads `path` sees the old contents or the new.

    Args:
      path: of a local `.npz` file.
      statistics: of the features.
      facts: what they are of, kept as JSON in `protocol`.
      is_ours: whether a file of this name is ours, whatever is in it: of the cache.

    Raises:
      UserError: it cannot be written, or another program's file is there.
    """
    if not is_ours:
        refuse_others(path)
    described = np.array(json.dumps(facts, sort_keys=True, default=str))
    arrays = {"mu": statistics.mean, "sigma": statistics.covariance, "n": statistics.count or 0}
    try:
        with staging.staged_file(path, overwrite=True) as partial, open(partial, "wb") as file:
            np.savez(file, **arrays, protocol=described)
    except OSError as error:
        raise UserError(unwritable(f"cannot write {path}", error)) from error


def refuse_others(path: str) -> None:
    """Refuses to write where there is something else than a file of statistics of ours.

    Raises:
      UserError: says so.
    """
    staging.require_free(path, overwrite=True)
    with contextlib.suppress(UserError):  # no .npz at all
        if not os.path.exists(path) or {*_MOMENTS, "protocol"} <= set(npz.names(path)):
            return
    raise UserError(
        f"{path} is there and is no file of statistics that this program wrote: choose another name"
    )


def read(path: str) -> GaussianStatistics:
    """Reads a file of statistics.

    Raises:
      UserError: it is not there or no such file, its shapes do not fit, or values are not finite.
    """
    found = npz.read(path, (*_MOMENTS, "n"), mapped=True)
    if set(_MOMENTS) - found.keys():
        raise UserError(f"{path} has no mu and sigma, only {', '.join(npz.names(path))}")
    for name, values in found.items():
        if values.dtype.kind not in "fiu" or (name == "n" and values.size != 1):
            raise UserError(f"{path}: {name} is {values.dtype} {values.shape}, not numbers")
    mean, covariance = (np.array(found[name], np.float64) for name in _MOMENTS)
    count = float(found["n"].item()) if "n" in found else 0.0
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all() and np.isfinite(count)):
        raise UserError(f"{path}: mu, sigma or n is not finite: make the file again")
    try:
        return GaussianStatistics.of_moments(mean, covariance, int(count) or None)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


# --- The cache --------------------------------------------------------------------------------


def folder() -> str:
    """Where the cache is: COMPARE_GAN_CACHE, or compare_gan_tf in $XDG_CACHE_HOME or ~/.cache."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    chosen = os.environ.get(VARIABLE) or os.path.join(home, "compare_gan_tf")
    return os.path.join(os.path.expanduser(chosen), "statistics")


def key(facts: dict) -> str:
    """Names statistics by everything they depend on; facts are values of JSON."""
    text = json.dumps({"version": _VERSION, **facts}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def cached(facts: dict) -> GaussianStatistics | None:
    """The statistics of exactly these facts, or None; a damaged file is none."""
    path = os.path.join(folder(), f"{key(facts)}.npz")
    if not os.path.isfile(path):
        return None
    try:
        return read(path)
    except UserError as error:
        logging.warning("%s; it is made again", error)
        return None


def keep(facts: dict, statistics: GaussianStatistics) -> None:
    """Adds statistics to the cache; a folder that cannot be written is a warning."""
    try:
        write(os.path.join(folder(), f"{key(facts)}.npz"), statistics, facts, is_ours=True)
    except UserError as error:
        logging.warning("reference statistics are not kept: %s (set %s)", error, VARIABLE)
