"""What is known of the real side: collected in one pass, or read from files of statistics.

Mean and covariance of features are `.npz` files with `mu` [d] and `sigma` [d, d], as pytorch-fid
and clean-fid write them, and `n` if it is known. The cache is a folder of such files, each named by
a hash of everything that it depends on, the contents of the data included.
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
_VERSION = 1  # of what a key stands for


def collect(comparison, metrics, progress) -> Collected:
    """All that the metrics look at of the real side, after one pass at most.

    If mean and covariance of its features are all they need, these come from the cache on disk, or
    go there. The cache is keyed by the contents of the samples and by everything that is done to
    them, so that changed data are never taken for those before.

    Args:
      comparison: see `engine.Comparison`.
      metrics: those that are asked for.
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
    """Whether no metric needs more of the real side than mean and covariance of features."""
    looking = [metric for metric in metrics if metric.needs.get("real")]
    return all(
        metric.takes_statistics and tuple(metric.needs["real"]) == ("features",)
        for metric in looking
    )


def statistics(side: Side, wanted: Wanted) -> GaussianStatistics:
    """Mean and covariance of a side's features, from the cache if they are there."""
    facts = facts_of(side, wanted)
    found = cached(facts) if facts else None
    if found is not None:
        return found
    only = dataclasses.replace(wanted, kinds=frozenset(("features",)))
    with side.give(only).features as rows:
        return _of_rows(rows, facts)


def _of_rows(rows: Rows, facts: dict | None) -> GaussianStatistics:
    """Sums up features, and keeps the result where it can be told what it is of."""
    found = GaussianStatistics()
    for chunk in rows.chunks():
        found.update(chunk)
    if facts and found.count > 1:
        keep(facts, found)
    return found


def facts_of(side: Side, wanted: Wanted) -> dict | None:
    """Everything that the statistics of a side depend on; None where that cannot be told.

    A function of the user's own has no hash by which a change of it would show.
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
