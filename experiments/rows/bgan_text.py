"""BGAN of sentences, character by character (Hjelm et al., 2018, 1-Billion-word; row 12).

The Jensen-Shannon divergence of bigrams to held-out sentences, before and after training.
"""

from measures import Measure
from trained import load, train

MEASURES = [
    Measure(name="bigram divergence at the start, nats"),
    Measure(name="bigram divergence in the end, nats"),
    Measure(name="the end's share of the start's", at_most=0.5),
]


def measure(seed: int, folder: str) -> dict[str, float]:
    from compare_gan_tf.metrics import bigram_divergence
    from compare_gan_tf.runs import checkpoints

    train("bgan/sentences.gin", folder, seed=seed)
    dataset, gan = load(folder)
    symbols = len(dataset.vocabulary)
    real = bigram_divergence.counts(dataset.splits["test"].images, 2, symbols)
    found = []
    for step in (0, checkpoints.list_steps(folder)[-1]):
        checkpoints.restore_players(gan, folder, step)
        samples = gan.sample(5_000, [seed, 0]).numpy()
        fake = bigram_divergence.counts(samples, 2, symbols)
        found.append(bigram_divergence.jensen_shannon(fake, real))
    start, end, share = (one.name for one in MEASURES)
    return {start: found[0], end: found[1], share: found[1] / found[0]}
