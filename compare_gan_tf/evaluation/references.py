"""What is known of the real side: collected, or taken from the cache of statistics."""

import dataclasses

from compare_gan_tf.evaluation import outcomes, protocols, statistics_files
from compare_gan_tf.evaluation.sides import Side, Wanted
from compare_gan_tf.metrics.base import Collected, Rows
from compare_gan_tf.metrics.features import RawFeatures
from compare_gan_tf.metrics.gaussian_statistics import GaussianStatistics


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
    found = statistics_files.cached(facts) if facts else None
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
        statistics_files.keep(facts, found)
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
