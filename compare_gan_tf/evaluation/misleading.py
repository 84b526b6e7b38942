"""Why a score may mislead: too few samples, features or real samples that do not suit it.

Each warning is a short sentence of its own, the same words for the same cause, so that it can be
said once for many scores.
"""

from compare_gan_tf.metrics.base import Collected

TRAIN = "train"
_WORDS = {"real": "real samples", "fake": "fakes"}


def warned(outcomes: list, metric, real: Collected, fake: Collected) -> list:
    """Outcomes with what the samples and the intervals tell against those that have a value."""
    of_all = (*_singular(metric, real, fake), *_few(metric, real, fake))
    return [
        one._replace(warnings=(*of_all, *_of_interval(metric, one)))
        if one.value is not None
        else one
        for one in outcomes
    ]


def of_protocol(metric, real, fake, extractor, truncation: float | None) -> list[str]:
    """What the two sides and the extractor tell against a metric's scores.

    Args:
      metric: value of `metrics.registry`.
      real: the real side, or None.
      fake: the other.
      extractor: of features, or None.
      truncation: of the latents of the fakes; None where there are none.
    """
    looks = {kind for kinds in metric.needs.values() for kind in kinds}
    found = []
    if extractor is not None and looks & {"features", "logits"} and fake.is_images:
        found += _of_extractor(extractor, real)
    if real is not None and metric.needs.get("real") and not metric.of_training:
        if real.split == TRAIN:
            found.append(
                "the real samples are of the split train: what repeats its training set scores well"
            )
    if truncation:
        found.append(
            f"latents are truncated at {truncation:g}, which trades variety for looks: not the"
            " distribution that was trained"
        )
    return found


def _of_extractor(extractor, real) -> list[str]:
    if getattr(extractor, "is_pixels", False):
        return ["the features are the pixels: their distances are not those that eyes see"]
    known = getattr(extractor, "trained_on", None)
    if known and real is not None and real.is_images and real.images_of != known:
        return [f"{extractor.name} was trained on {known}: its features fit no other images"]
    return []


def _singular(metric, real: Collected, fake: Collected) -> list[str]:
    """Of covariances: as many samples as features, or fewer, leave them singular."""
    if not metric.covariances:
        return []
    found = []
    for name, (number, _) in metric.numbers(real, fake).items():
        width = width_of(real if name == "real" else fake)
        if number is not None and width is not None and number <= width:
            found.append(
                f"{number:,} {_WORDS[name]} in {width:,} dimensions: their covariance is singular"
            )
    return found


def width_of(side: Collected) -> int | None:
    """The number of its features; None where it has none."""
    if side.features is not None:
        return side.features.shape[1]
    return None if side.statistics is None else len(side.statistics.mean)


def _few(metric, real: Collected, fake: Collected) -> list[str]:
    """Too few samples: one sentence for both sides."""
    few = [
        (f"{number:,} {_WORDS[name]}", enough)
        for name, (number, enough) in metric.numbers(real, fake).items()
        if number is not None and number < enough
    ]
    if not few:
        return []
    numbers, least = " and ".join(words for words, _ in few), max(enough for _, enough in few)
    where = " in a class" if metric.even_labels else ""
    return [f"{numbers}{where}: {metric.name} needs {least:,}"]


def _of_interval(metric, outcome) -> list[str]:
    if metric.scores.get(outcome.name) is None:
        return []  # no score to go by, but a setting that was found
    if outcome.interval is None:
        return ["no interval: how far chance moves it is not known"]
    low, high = outcome.interval
    wide = high - low > abs(outcome.value)
    return ["the interval is wider than the value"] if wide else []


# --- For people -------------------------------------------------------------------------------

_NAMED = 3  # scores, before the others are only counted


def lines(rows) -> list[str]:
    """One line for each distinct warning of rows of scores, with the scores that carry it."""
    carriers: dict[str, dict] = {}
    for row in rows:
        name = " ".join(filter(None, (row["metric"], row.get("split"))))
        for text in row.get("warnings", ()):
            carriers.setdefault(text, {})[name] = None
    return [f"warning: {text} ({_listed(list(names))})" for text, names in carriers.items()]


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    listed = ", ".join(names[:_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed
