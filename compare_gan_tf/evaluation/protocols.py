"""The protocol under which a metric compares two sides."""

from compare_gan_tf.evaluation import outcomes
from compare_gan_tf.evaluation.sides import EXTRACTED, Side
from compare_gan_tf.metrics.protocol import Protocol


def protocol(
    metric, real: Side | None, fake: Side, extractor, *, n_real: int | None, n_fake: int, seed: int
) -> Protocol:
    """What a score of this metric depends on.

    Args:
      metric: value of `metrics.registry`.
      real: the real side, None if there is none.
      fake: the other.
      extractor: see `metrics.features`; None without.
      n_real, n_fake: samples of each side.
      seed: of latents, labels and chosen samples.
    """
    kinds = {side: frozenset(metric.needs.get(side, ())) for side in ("real", "fake")}
    extracts = bool((kinds["real"] | kinds["fake"]) & EXTRACTED) and extractor is not None
    fields = dict(fake.facts) | of_extractor(extractor if extracts else None)
    if real is not None and kinds["real"]:
        fields |= {
            "dataset": real.name,
            "real_split": real.split,
            "real_sha256": real.sha256() if real.named_by_contents() else None,
            "n_real": n_real,
        }
    return Protocol(
        metric=metric.name,
        settings=outcomes.settings(metric),
        quantisation="uint8" if fake.is_images else "float32",
        n_fake=n_fake,
        seed=seed,
        **fields,
    )


def of_extractor(extractor) -> dict:
    """Fields of the protocol; {} without an extractor."""
    if extractor is None:
        return {}
    return {
        "extractor": extractor.name,
        "weights_sha256": extractor.weights_sha256,
        "resize": extractor.resize,
        "scaling": extractor.scaling,
    }
