"""Warnings about scores that may mislead: too few samples, or unsuitable features or real samples.

Each warning is one short sentence. The same cause always gives the same text, so a warning that
applies to many scores can be printed once.
"""

from compare_gan_tf.metrics.base import Collected

TRAIN = "train"
_NOUNS = {"real": "real samples", "fake": "fakes"}


def with_sample_warnings(outcomes: list, metric, real: Collected, fake: Collected) -> list:
    """Adds warnings about sample counts and intervals to the outcomes that have a value.

    Args:
      outcomes: `outcomes.Outcome`s of one metric.
      metric: value of `metrics.registry`.
      real, fake: what was collected of each side.
    """
    of_counts = (*_covariance_warnings(metric, real, fake), *_count_warnings(metric, real, fake))
    return [
        one._replace(warnings=(*of_counts, *_interval_warnings(metric, one)))
        if one.value is not None
        else one
        for one in outcomes
    ]


def protocol_warnings(metric, real, fake, extractor, truncation: float | None) -> list[str]:
    """Warnings about the extractor, the split of the real samples, and truncation.

    Args:
      metric: value of `metrics.registry`.
      real: the real `Side`, or None.
      fake: the fake `Side`.
      extractor: the feature extractor, or None.
      truncation: truncation of the fakes' latents; None if they have no latents.
    """
    inputs = {kind for kinds in metric.needs.values() for kind in kinds}
    found = []
    if extractor is not None and inputs & {"features", "logits"} and fake.is_images:
        found += _extractor_warnings(extractor, real)
    if real is not None and metric.needs.get("real") and not metric.of_training:
        if real.split == TRAIN:
            found.append(
                "the real samples are the training split: a generator that copies them scores well"
            )
    if truncation:
        found.append(
            f"latents are truncated at {truncation:g}, which trades diversity for quality: the"
            " generator was trained without truncation"
        )
    return found


def _extractor_warnings(extractor, real) -> list[str]:
    if getattr(extractor, "is_pixels", False):
        return ["the features are raw pixels: their distances do not measure visual similarity"]
    known = getattr(extractor, "trained_on", None)
    if known and real is not None and real.is_images and real.images_of != known:
        return [f"{extractor.name} was trained on {known}: its features suit no other images"]
    return []


def _covariance_warnings(metric, real: Collected, fake: Collected) -> list[str]:
    """A covariance of n samples in d >= n dimensions is singular: its rank is at most n - 1."""
    if not metric.covariances:
        return []
    found = []
    for name, (number, _) in metric.numbers(real, fake).items():
        dim = feature_dim(real if name == "real" else fake)
        if number is not None and dim is not None and number <= dim:
            found.append(
                f"{number:,} {_NOUNS[name]} in {dim:,} dimensions: their covariance is singular"
            )
    return found


def feature_dim(side: Collected) -> int | None:
    """Dimension of a side's features; None if it has neither features nor statistics."""
    if side.features is not None:
        return side.features.shape[1]
    return None if side.statistics is None else len(side.statistics.mean)


def _count_warnings(metric, real: Collected, fake: Collected) -> list[str]:
    """One warning for both sides if either has fewer samples than the metric needs."""
    too_few = [
        (f"{number:,} {_NOUNS[name]}", minimum)
        for name, (number, minimum) in metric.numbers(real, fake).items()
        if number is not None and number < minimum
    ]
    if not too_few:
        return []
    numbers = " and ".join(text for text, _ in too_few)
    where = " in a class" if metric.even_labels else ""
    return [f"{numbers}{where}: {metric.name} needs {max(least for _, least in too_few):,}"]


def _interval_warnings(metric, outcome) -> list[str]:
    if metric.scores.get(outcome.name) is None:
        return []  # not a score with a better direction, but a fitted setting such as a bandwidth
    if outcome.interval is None:
        return ["no interval: the effect of chance on the score is unknown"]
    low, high = outcome.interval
    wide = high - low > abs(outcome.value)
    return ["the interval is wider than the value"] if wide else []


# --- As text ----------------------------------------------------------------------------------

_MOST_NAMES = 3  # scores listed by name; the rest are only counted


def lines(rows) -> list[str]:
    """One line for each distinct warning in rows of scores, with the scores that have it."""
    scores: dict[str, dict] = {}
    for row in rows:
        name = " ".join(filter(None, (row["metric"], row.get("split"))))
        for text in row.get("warnings", ()):
            scores.setdefault(text, {})[name] = None
    return [f"warning: {text} ({_shortened(list(names))})" for text, names in scores.items()]


def _shortened(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    listed = ", ".join(names[:_MOST_NAMES])
    return f"{listed} and {more} more" if more > 0 else listed
