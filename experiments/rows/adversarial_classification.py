"""Adversarial classification of digits (Hjelm et al., 2018, section 4.1, on CIFAR-10; row 9).

A classifier learns g(y | x) from a D that sees images and labels, by importance weights and by
REINFORCE under five divergences of D, beside cross-entropy and WGAN with weight clipping, whose D
sees probabilities: at its published settings, and at the best of three on another seed. All have
the same classifier, 400 updates of it and the same data; accuracy on the 300 digits of test.
"""

import functools

from measures import Measure

STEPS = 400
DIVERGENCES = ("gan", "jensen_shannon", "kl", "reverse_kl", "squared_hellinger")
ESTIMATORS = ("importance", "reinforce")
GAPS = [f"{divergence}, {estimator}" for estimator in ESTIMATORS for divergence in DIVERGENCES]
CROSS_ENTROPY = "accuracy by cross-entropy, %"
# {name: (limit of the weights, learning rate of RMSProp)}, each with 5 updates of D
CLIPPED = {
    "points below it: WGAN with clipping, published": (0.01, 5e-5),
    "points below it: WGAN with clipping, tuned": (0.1, 1e-3),
}
MEASURES = [
    Measure(name=CROSS_ENTROPY),
    *(Measure(name=f"points below it: {gap}", at_most=3.0, source="ours") for gap in GAPS),
    *(Measure(name=name, at_least=10.0, source="the paper's order") for name in CLIPPED),
]


def methods() -> dict:
    """{name of the measure: settings of `AdversarialClassifier`}."""
    from compare_gan_tf import optimizers
    from compare_gan_tf.gan import label_learning
    from compare_gan_tf.objectives import discrete, f_divergences, f_gan

    found = {CROSS_ENTROPY: {"method": label_learning.CrossEntropy()}}
    for gap in GAPS:
        divergence, estimator = gap.split(", ")
        value = getattr(f_divergences, divergence)()
        loss = functools.partial(f_gan.f_gan, divergence=value, logits=f_gan.log_ratio)
        method = label_learning.SampledLabels(loss, getattr(discrete, estimator))
        found[f"points below it: {gap}"] = {"method": method, "penalty": 0.1}
    for name, (limit, rate) in CLIPPED.items():
        players = {f"{player}_optimizer": optimizers.rmsprop(learning_rate=rate) for player in "gd"}
        found[name] = {
            "method": label_learning.RelaxedLabels(),
            "clip": limit,
            "d_steps": 5,
            **players,
        }
    return found


def accuracy(dataset, settings: dict, seed: int) -> float:
    """On the split test, in per cent, of a classifier that is trained with these settings."""
    from compare_gan_tf import optimizers
    from compare_gan_tf.architectures import classifiers
    from compare_gan_tf.gan import adversarial_classification as game

    small = {"widths": (8, 16, 16), "units": (64, 32)}
    networks = {
        name: functools.partial(getattr(classifiers, name), **small)
        for name in ("classifier", "discriminator")
    }
    players = {f"{player}_optimizer": optimizers.adam(learning_rate=1e-3) for player in "gd"}
    model = functools.partial(game.AdversarialClassifier, **networks | players | settings)
    trained = game.classify(dataset, model=model, steps=STEPS, seed=seed)
    return 100 * trained.accuracy(dataset.splits["test"])


def measure(seed: int, folder: str) -> dict[str, float]:
    from compare_gan_tf import data

    dataset = data.load("digits")
    found = {name: accuracy(dataset, settings, seed) for name, settings in methods().items()}
    base = found[CROSS_ENTROPY]
    return {name: base if name == CROSS_ENTROPY else base - found[name] for name in found}
