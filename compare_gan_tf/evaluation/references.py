"""Collects the real side in one pass, or reads its feature statistics from a file or the cache.

Mean and covariance of features are stored in `.npz` files with `mu` [d] and `sigma` [d, d], like
those of pytorch-fid and clean-fid, and `n`, the number of samples, if known. The cache is a folder
of such files. The name of a file is a hash of all that its statistics depend on, including the
contents of the data.
"""

import contextlib
import dataclasses
import hashlib
import json
import os

import numpy as np
from absl import logging

from compare_gan_tf.data import npz
from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.evaluation import outcomes, protocols
from compare_gan_tf.evaluation.sides import Side, Wanted
from compare_gan_tf.metrics.base import Collected, Rows
from compare_gan_tf.metrics.features import RawFeatures
from compare_gan_tf.metrics.gaussian_statistics import GaussianStatistics
from compare_gan_tf.storage import staging

VARIABLE = "COMPARE_GAN_CACHE"
_MOMENTS = ("mu", "sigma")
_VERSION = 1  # version of the cache's keys


def collect(comparison, metrics, progress) -> Collected:
    """Collects all that the metrics use of the real side, in at most one pass.

    If the metrics need only mean and covariance of its features, these are read from the cache on
    disk, or computed and added to it.

    Args:
      comparison: an `engine.Comparison`.
      metrics: the metrics to compute.
      progress: see `Wanted`.
    """
    kinds, side = outcomes.needs(metrics, "real"), comparison.real
    if not kinds:
        return Collected()
    wanted = Wanted(
        kinds=kinds - {"held_out"},
        number=comparison.n_real or 0,
        method=comparison.method,
        progress=progress,
    )
    if statistics_suffice(metrics) and "features" in side.offers:
        return Collected(statistics=statistics(side, wanted))
    collected = side.give(wanted)
    if collected.features is not None and any(metric.takes_statistics for metric in metrics):
        found = _of_rows(collected.features, facts_of(side, wanted))
        collected = dataclasses.replace(collected, statistics=found)
    held_out = comparison.held_out
    if held_out is None or "held_out" not in kinds:
        return collected
    all_of_it = dataclasses.replace(wanted, number=held_out.available)
    return dataclasses.replace(collected, held_out=held_out.give(all_of_it))


def statistics_suffice(metrics) -> bool:
    """Whether all metrics need at most mean and covariance of the real side's features."""
    looking = [metric for metric in metrics if metric.needs.get("real")]
    return all(
        metric.takes_statistics and tuple(metric.needs["real"]) == ("features",)
        for metric in looking
    )


def statistics(side: Side, wanted: Wanted) -> GaussianStatistics:
    """Mean and covariance of a side's features, from the cache if possible."""
    facts = facts_of(side, wanted)
    found = cached(facts) if facts else None
    if found is not None:
        return found
    only = dataclasses.replace(wanted, kinds=frozenset(("features",)))
    with side.give(only).features as rows:
        return _of_rows(rows, facts)


def _of_rows(rows: Rows, facts: dict | None) -> GaussianStatistics:
    """Computes mean and covariance of features; adds them to the cache if `facts` is not None."""
    found = GaussianStatistics()
    for chunk in rows.chunks():
        found.update(chunk)
    if facts and found.count > 1:
        keep(facts, found)
    return found


def facts_of(side: Side, wanted: Wanted) -> dict | None:
    """All that the statistics of a side depend on, as JSON values; None if it is unknown.

    It is unknown for an extractor that is the user's function: a change of it cannot be detected.
    """
    of_extractor, extractor = {}, wanted.method.extractor
    if side.sample_shape is not None:
        of_extractor = protocols.of_extractor(extractor)
        if extractor.weights_sha256 is None and not isinstance(extractor, RawFeatures):
            return None
    chosen = {"number": side.available}
    if wanted.number < side.available:
        chosen = {"number": wanted.number, "seed": wanted.method.seed}
    return {"samples": side.sha256(), **chosen, **of_extractor}


# --- Files ------------------------------------------------------------------------------------


def write(path: str, statistics: GaussianStatistics, facts: dict, *, is_ours: bool = False) -> None:
    """Writes a file of statistics atomically: a reader sees the old contents or the new.

    Args:
      path: path of a local `.npz` file.
      statistics: mean and covariance of the features.
      facts: what they depend on; stored as JSON in the array `protocol`.
      is_ours: whether an existing file may be replaced whatever it holds, as in the cache.

    Raises:
      UserError: the file cannot be written, or is another program's.
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
    """Checks that `path` is free, or holds a file of statistics that this program wrote.

    Raises:
      UserError: it holds something else.
    """
    staging.require_free(path, overwrite=True)
    with contextlib.suppress(UserError):  # it is not an .npz
        if not os.path.exists(path) or {*_MOMENTS, "protocol"} <= set(npz.names(path)):
            return
    raise UserError(
        f"{path} is there and is no file of statistics that this program wrote: choose another name"
    )


def read(path: str) -> GaussianStatistics:
    """Reads a file of statistics.

    Raises:
      UserError: the file does not exist, holds no statistics or wrong shapes, or values that are
        not finite.
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
    """The cache: `statistics` in $COMPARE_GAN_CACHE, else in compare_gan_tf of the user's cache.

    The user's cache is $XDG_CACHE_HOME, or ~/.cache.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    chosen = os.environ.get(VARIABLE) or os.path.join(home, "compare_gan_tf")
    return os.path.join(os.path.expanduser(chosen), "statistics")


def key(facts: dict) -> str:
    """The name of statistics in the cache: a hash, 32 hex digits, of all that they depend on."""
    text = json.dumps({"version": _VERSION, **facts}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def cached(facts: dict) -> GaussianStatistics | None:
    """The cached statistics with exactly these facts; None if missing or damaged."""
    path = os.path.join(folder(), f"{key(facts)}.npz")
    if not os.path.isfile(path):
        return None
    try:
        return read(path)
    except UserError as error:
        logging.warning("%s; it is made again", error)
        return None


def keep(facts: dict, statistics: GaussianStatistics) -> None:
    """Adds statistics to the cache; logs a warning if its folder cannot be written."""
    try:
        write(os.path.join(folder(), f"{key(facts)}.npz"), statistics, facts, is_ours=True)
    except UserError as error:
        logging.warning("reference statistics are not cached: %s (set %s)", error, VARIABLE)
