import functools
import pathlib

import gin
import numpy as np
import pytest
import tensorflow as tf
from fast_ones import slow_but

from compare_gan_tf import config, data, optimizers, random
from compare_gan_tf.architectures import classifiers
from compare_gan_tf.config import configurables
from compare_gan_tf.data import Dataset, Split
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import adversarial_classification as game
from compare_gan_tf.gan.label_learning import CrossEntropy, Labels, RelaxedLabels, SampledLabels
from compare_gan_tf.objectives import discrete, f_divergences, f_gan, losses

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
SMALL = {"widths": (4,), "units": (8,)}
NETWORKS = {
    name: functools.partial(getattr(classifiers, name), **SMALL)
    for name in ("classifier", "discriminator")
}
METHODS = {
    "cross_entropy": (CrossEntropy, {}),
    "importance": (functools.partial(SampledLabels, samples=4), {"penalty": 0.1}),
    "reinforce": (
        functools.partial(SampledLabels, estimator=discrete.reinforce, samples=4),
        {"d_steps": 2},
    ),
    "wasserstein": (RelaxedLabels, {"clip": 0.1}),
}


def dataset(number=200) -> Dataset:
    """Two classes, bright and dark."""
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=number).astype(np.int32)
    images = rng.integers(0, 128, [number, 4, 4, 1]) + 128 * labels[:, None, None, None]
    split = Split(images.astype(np.uint8), labels)
    return Dataset("halves", {"train": split, "test": split}, num_classes=2)


def unlabelled() -> Dataset:
    """The two classes, one image of which has no label."""
    whole = dataset()
    split = whole.splits["train"]
    partly = Split(split.images, np.where(np.arange(len(split.labels)) == 0, -1, split.labels))
    return Dataset("halves", {"train": partly, "test": split}, num_classes=2)


def trained(kind: str, steps=50, **settings):
    make, own = METHODS[kind]
    players = {f"{p}_optimizer": optimizers.adam(learning_rate=0.01) for p in ("g", "d")}
    model = functools.partial(
        game.AdversarialClassifier, **NETWORKS | players | own | {"method": make()} | settings
    )
    return game.classify(dataset(), model=model, steps=steps, batch_size=16)


@pytest.mark.parametrize("method", slow_but(METHODS, list(METHODS)[0]))
def test_bright_and_dark_are_told_apart(method):
    model = trained(method, steps=100)
    assert model.accuracy(dataset().splits["test"]) > 0.9


@pytest.mark.parametrize("chunk", [2, 3, 7])
def test_accuracy_counts_every_image_once(chunk, monkeypatch):
    monkeypatch.setattr(game, "_CHUNK", chunk)
    model = trained("cross_entropy")
    split = dataset(7).splits["test"]
    model.classifier = lambda images, training: tf.one_hot(split.labels[counted(images)], 2)
    seen = []

    def counted(images):
        start = sum(map(len, seen))
        seen.append(images)
        return np.arange(start, start + len(images))

    for wrong in range(8):  # the last time none is
        labels = np.where(np.arange(7) == wrong, 1 - split.labels, split.labels)
        seen.clear()
        assert model.accuracy(Split(split.images, labels)) == (7 - (wrong < 7)) / 7


def test_a_seed_gives_the_same_classifier():
    one, other = (trained("importance").classifier.get_weights() for _ in range(2))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_weights_of_d_are_clipped():
    model = trained("wasserstein", clip=0.05)
    assert max(np.abs(w).max() for w in model.discriminator.get_weights()) <= np.float32(0.05)


@pytest.mark.parametrize("estimator", [discrete.importance, discrete.reinforce])
def test_the_estimators_point_where_the_divergence_falls(estimator):
    """With the true log ratios as D: against the gradient of the KL of three labels, exact."""
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    ratios = tf.constant(np.log(p / q), tf.float32)
    method = SampledLabels(estimator=estimator, samples=200)
    logits = tf.Variable(np.tile(np.log(q), [500, 1]), dtype=tf.float32)
    noise = random.Noise(0, tf.constant(0, tf.int64), 0)
    with tf.GradientTape() as tape:
        values = tf.convert_to_tensor(logits)
        score = functools.partial(tf.tensordot, b=ratios, axes=1)
        loss = method.loss(values, None, score, noise, Labels(3))
    found = tape.gradient(loss, logits).numpy().sum(0)
    reverse = q * (np.log(q / p) - np.sum(q * np.log(q / p)))
    expected = {discrete.importance: q - p, discrete.reinforce: reverse}[estimator]
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_d_looks_at_images_and_labels():
    model = classifiers.discriminator((4, 4, 1), 3, **SMALL)
    images = tf.constant(np.random.default_rng(0).normal(size=[2, 4, 4, 1]), tf.float32)
    labels = tf.repeat(tf.eye(3)[tf.newaxis], 2, 0)
    together = model({"images": images, "labels": labels}).numpy()
    assert together.shape == (2, 3) and len({*together.ravel()}) == 6
    alone = model({"images": images, "labels": labels[:, 1:2]}).numpy()
    np.testing.assert_allclose(alone, together[:, 1:2], atol=1e-6)


def test_cifar_10_s_networks_have_four_convolutions_and_three_dense_layers():
    model = classifiers.classifier((32, 32, 3), 10)
    ranks = [len(v.shape) for v in model.trainable_variables if v.path.endswith("kernel")]
    assert ranks == [4] * 4 + [2] * 3
    assert sum("norm" in v.path for v in model.trainable_variables) == 2 * 6


def test_any_divergence_will_do():
    loss = functools.partial(f_gan.f_gan, divergence=f_divergences.kl(), logits=f_gan.log_ratio)
    model = trained("importance", method=SampledLabels(loss, samples=3))
    assert all(np.isfinite(w).all() for w in model.get_weights())


METHOD = CrossEntropy()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SampledLabels(samples=1), "SampledLabels.samples is 1"),
        (lambda: SampledLabels(d_loss=1), "SampledLabels.d_loss is 1"),
        (lambda: game.classify(dataset(), batch_size=0), "classify.batch_size is 0"),
        (lambda: game.classify(unlabelled()), "soft or missing labels"),
        (lambda: game.classify(data.load("gaussian")), "gaussian has no labelled images"),
        (lambda: game.classify(dataset(), steps=70), "classify.steps is 70: it must be a multiple"),
        (
            lambda: game.AdversarialClassifier(
                (4, 4, 1), 2, clip=0.0, method=CrossEntropy(), **NETWORKS
            ),
            "AdversarialClassifier.clip is 0.0",
        ),
        (
            lambda: game.AdversarialClassifier((4, 4, 1), 2, method=None, **NETWORKS),
            "AdversarialClassifier.method is None: it must be a way to learn",
        ),
        (
            lambda: SampledLabels(losses.hinge),
            "SampledLabels.d_loss is @hinge: its best",
        ),
        (lambda: SampledLabels(losses.wasserstein), "not the log ratios"),
        (lambda: SampledLabels(f_gan.f_gan), "not the log ratios"),
    ],
)
def test_wrong_settings_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()


@pytest.fixture
def parsed():
    """Parses an example, and leaves no binding behind."""
    configurables.load()
    yield lambda name: config.parse([str(EXAMPLES / name)])
    gin.clear_config()


@pytest.mark.parametrize("name", ["classify_digits.gin", "classify_cifar10.gin"])
def test_the_examples_make_a_classifier(name, parsed):
    digits = data.load("digits")
    parsed(name)
    model = gin.get_bindings("classify")["model"](image_shape=(8, 8, 1), num_classes=10)
    assert model.method.estimator is not None and model.penalty == 0.1
    assert model.accuracy(digits.splits["test"]) < 0.5


@pytest.mark.slow
def test_the_digits_are_learned_as_the_example_says(parsed):
    parsed("classify_digits.gin")
    digits = data.load()
    assert game.classify(digits).accuracy(digits.splits["test"]) > 0.9
