"""Which way does each metric move when samples get worse in a known way? Prints markdown tables.

  python benchmarks/metric_directions.py [name of a metric ...]

Real samples are a third of scikit-learn's digits, with the shipped classifier's features; the fakes
are another third (the column "good"), then
  dropped modes  only digits 0 to 4;
  blur           a Gaussian filter of 0.8 pixels;
  noise          a normal one of 40 grey levels;
  memorised      the real samples themselves;
  duplicates     60 images, each ten times.
The next table is of points on a ring of Gaussians, where blur is a wider spread around each mode
and noise a uniform share of a fifth; then come lines of text, where noise is a wrong character in
ten and dropped modes leave one first letter; triangles, and generators.

(-) marks a score that is worse than that of good fakes, (+) one that is better: beyond the two
intervals of 95 % in quadrature, or by a twentieth where there is none.
"""

import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import scipy.ndimage
import tensorflow as tf
from sklearn.datasets import load_digits

from compare_gan_tf.data import sentences
from compare_gan_tf.data.polygons import Polygons
from compare_gan_tf.data.toy import gaussian_ring
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import registry
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.features import digits_classifier

THIRD = 599
LATENT = 4
RING = gaussian_ring()

TEXT = ("bigram_divergence",)  # all others take characters for points

# Settings for so few samples; those of other metrics are their defaults.
SETTINGS = {
    "cas": {"steps": 400, "batch_size": 64},
    "feature_critic": {"iterations": 300, "averaging": 0.97, "scored_batches": 50},
    "gaussian_modes": {"mixture": RING},
    "gilbo": {"steps": 1_000, "samples": 2_000, "learning_rate": 1e-3},
    "independent_critic": {"iterations": 100, "averaging": 0.9, "scored_batches": 20},
    "kid": {"subset_size": 200},
    "kid_rbf": {"subset_size": 200},
    "parzen": {"sigmas": tuple(float(sigma) for sigma in np.geomspace(0.02, 5, 20))},
    "polygon_precision": {"distance": Polygons().distance},
    "ppl": {"paths": 2_000},
    "swd": {"patches": 4},
}


def make(name):
    """The metric of a name, with settings for this data."""
    settings = dict(SETTINGS.get(name, {}))
    if name == "stacked_modes":
        settings["classifier"] = digits_classifier().classify
    return registry.find(name)(**settings)


def images_side(images, labels, **more):
    """A side with all that can be had of digits."""
    extracted = digits_classifier()(images)
    return Collected(
        features=Rows.of(extracted.features),
        logits=Rows.of(extracted.logits),
        logit_bias=digits_classifier().logit_bias,
        images=Rows.of(images),
        labels=Rows.of(labels),
        **more,
    )


def digits():
    """Real side and the cases of the fakes."""
    counts, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images = np.floor(counts[order] * (255 / 16) + 0.5).astype(np.uint8).reshape(-1, 8, 8, 1)
    labels = labels[order].astype(np.int32)
    train, held_out, good = (slice(i * THIRD, (i + 1) * THIRD) for i in range(3))
    real = images_side(
        images[train], labels[train], held_out=images_side(images[held_out], labels[held_out])
    )
    few = THIRD + np.flatnonzero(labels[THIRD:] < 5)[:THIRD]
    twice = np.tile(np.arange(2 * THIRD, 2 * THIRD + 60), 10)[:THIRD]
    noise = np.random.default_rng(1).normal(0, 40, images[good].shape)
    cases = {
        "good": (images[good], labels[good]),
        "dropped modes": (images[few], labels[few]),
        "blur": (scipy.ndimage.gaussian_filter(images[good], (0, 0.8, 0.8, 0)), labels[good]),
        "noise": (np.clip(images[good] + noise, 0, 255).astype(np.uint8), labels[good]),
        "memorised": (images[train], labels[train]),
        "duplicates": (images[twice], labels[twice]),
    }
    return real, {name: images_side(*case) for name, case in cases.items()}


def ring():
    """Real side and the cases of the fakes, points in the plane as features."""
    rng = np.random.default_rng(2)
    real, _ = RING.sample(2_000, rng)
    good, component = RING.sample(2_000, rng)
    more, which = RING.sample(4_000, rng)
    anywhere = rng.uniform(-2, 2, good.shape)
    cases = {
        "good": good,
        "dropped modes": more[which < 4][:2_000],
        "blur": good + rng.normal(0, 0.05, good.shape),
        "noise": np.where(rng.random((len(good), 1)) < 0.2, anywhere, good),
        "memorised": real,
        "duplicates": np.repeat(good[:200], 10, axis=0),
    }
    sides = {name: Collected(features=Rows.of(x.astype(np.float32))) for name, x in cases.items()}
    return Collected(features=Rows.of(real), labels=Rows.of(component)), sides


def text():
    """Real side and the cases of the fakes, characters of 2,000 lines as features."""
    data = sentences.load()
    rng = np.random.default_rng(5)
    train, test = (data.splits[name].images[:4_000] for name in ("train", "test"))
    real, good = train[:2_000], test[:2_000]
    wrong = rng.random(good.shape) < 0.1
    cases = {
        "good": good,
        "dropped modes": np.concatenate([test[test[:, 0] == test[0, 0]]] * 4)[:2_000],
        "noise": np.where(wrong, rng.integers(len(data.vocabulary), size=good.shape), good),
        "memorised": real,
        "duplicates": np.repeat(good[:20], 100, axis=0),
    }
    sides = {name: Collected(features=Rows.of(x.astype(np.float32))) for name, x in cases.items()}
    return Collected(features=Rows.of(real.astype(np.float32))), sides


def triangles():
    """Real side and the cases of the fakes, 80 images each."""
    rng = np.random.default_rng(4)
    good = Polygons().sample(80, rng)
    blurred = scipy.ndimage.gaussian_filter(good, (0, 0.8, 0.8, 0))
    noisy = np.clip(good + rng.normal(0, 40, good.shape), 0, 255).astype(np.uint8)
    cases = {"good": good, "blur": blurred, "noise": noisy, "duplicates": good[np.arange(80) % 8]}
    return Collected(), {name: Collected(images=Rows.of(x)) for name, x in cases.items()}


def latents(number, seed):
    return np.random.default_rng(seed).standard_normal((number, LATENT)).astype(np.float32)


def generators():
    """Real images of a small random network; sides with it, as it is and worse in four ways."""
    rng = np.random.default_rng(3)
    first = rng.normal(size=(LATENT, 32)).astype(np.float32) / 2
    second = rng.normal(size=(32, 64)).astype(np.float32) / 8

    def network(z, labels):
        return tf.reshape(tf.tanh(tf.matmul(tf.tanh(tf.matmul(z, first)), second)), [-1, 8, 8, 1])

    cases = {
        "good": network,
        "one latent faint": lambda z, labels: network(z * [0.02, 1.0, 1.0, 1.0], labels),
        "few images": lambda z, labels: network(tf.tanh(20.0 * z), labels),
        "rough": lambda z, labels: network(z + 0.2 * tf.sin(20.0 * z), labels),
        "faint contrast": lambda z, labels: 0.1 * network(z, labels),
    }
    sides = {name: Collected(generate=g, latents=latents) for name, g in cases.items()}
    drawn = np.asarray(network(latents(100, 6), None))
    real = Collected(images=Rows.of(np.floor(drawn * 127.5 + 128.0).astype(np.uint8)))
    return real, sides


def available(metric, real, fake):
    """Whether the two sides have what a metric needs."""
    needs = [(real, name) for name in metric.needs["real"]]
    needs += [(fake, name) for name in metric.needs["fake"]]
    return all(getattr(side, name, None) is not None for side, name in needs)


def score(metric, real, fake):
    try:
        return metric(real, fake)
    except UndefinedScore as error:
        print(f"{metric.name}: {error}", file=sys.stderr)
        return {}


def mark(found, good, higher_is_better):
    """How a score differs from that of good fakes."""
    if higher_is_better is None or found is good:
        return ""
    if found.interval is None or good.interval is None:
        beyond = 0.05 * abs(good.value)
    else:
        beyond = np.hypot(*((s.interval[1] - s.interval[0]) / 2 for s in (found, good)))
    change = (found.value - good.value) * (1 if higher_is_better else -1)
    return " (-)" if change < -beyond else " (+)" if change > beyond else ""


def rows(metric, real, cases):
    """Lines of the table, one for each score of a metric."""
    found = {name: score(metric, real, fake) for name, fake in cases.items()}
    for name, higher_is_better in metric.scores.items():
        good, cells = found["good"].get(name), []
        if good is None:
            continue
        for case in found.values():
            one = case.get(name)
            cells.append(f"{one.value:.4g}{mark(one, good, higher_is_better)}" if one else "-")
        better = {True: "higher", False: "lower", None: ""}[higher_is_better]
        yield f"| {name} | {better} | {' | '.join(cells)} |"


def table(title, metrics, real, cases):
    """Prints the table of what the metrics say of the cases."""
    print(f"\n{title}\n\n| score | better | {' | '.join(cases)} |")
    print(f"|---|---|{'---|' * len(cases)}")
    for metric in metrics:
        if available(metric, real, cases["good"]):
            for row in rows(metric, real, cases):
                print(row, flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="metric", help="its name; all, without one")
    try:
        metrics = [make(name) for name in parser.parse_args().names or registry.names()]
    except UserError as error:
        parser.error(str(error))
    polygons = [metric for metric in metrics if metric.name == "polygon_precision"]
    others = [metric for metric in metrics if metric not in polygons]
    table("Digits", others, *digits())
    table("Points on a ring of Gaussians", others, *ring())
    table("Lines of text", [metric for metric in others if metric.name in TEXT], *text())
    table("Triangles", polygons, *triangles())
    table("Generators", others, *generators())


if __name__ == "__main__":
    main()
