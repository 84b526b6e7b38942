"""How often D runs, on how many images, and what they went through before."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_gan import BATCH, Brighten, Counter, batch, make, values

from compare_gan_tf.architectures import mlp
from compare_gan_tf.layers import batch_norm, no_norm
from compare_gan_tf.objectives import (
    L2,
    Adversarial,
    Consistency,
    FeatureMatching,
    GradientPenalty,
    LatentConsistency,
    LeCam,
    MaxGradientPenalty,
    Relativistic,
    Rotation,
    TopK,
    WeightClipping,
    gradient_penalty,
    losses,
)


@pytest.mark.parametrize(
    ("points", "d_norm", "discriminator", "generator"),
    [
        (None, no_norm, [2], [1]),
        (gradient_penalty.between, no_norm, [2, 1], [1]),
        (gradient_penalty.at_real, no_norm, [1, 1], [1]),
        (gradient_penalty.at_fake, no_norm, [1, 1], [1]),
        (None, batch_norm, [2], [2]),
        (gradient_penalty.between, batch_norm, [3], [2]),
        (gradient_penalty.at_real, batch_norm, [2], [2]),
    ],
)
def test_every_image_passes_the_discriminator_once(points, d_norm, discriminator, generator):
    """In units of the batch. A batch-coupled D has all in one pass, and G's fakes beside reals."""
    penalty = [GradientPenalty(points)] if points else []
    gan = make([Adversarial(), *penalty], d_norm=d_norm, d_steps=2)
    counter = Counter(gan.discriminator)
    object.__setattr__(gan, "discriminator", counter)
    gan.train_step(batch(gan))
    expected = [BATCH * n for n in discriminator * 2 + generator]
    assert counter.passes == expected


@pytest.mark.parametrize(
    ("objectives", "discriminator", "generator"),
    [
        ([Relativistic], [2], [2]),
        ([TopK], [2], [1]),
        ([Adversarial, LeCam], [2], [1]),
        ([Adversarial, FeatureMatching], [2], [2]),
        ([Adversarial, Consistency], [3], [1]),
        ([Adversarial, LatentConsistency], [3], [1]),
        ([Adversarial, Relativistic, LeCam, Consistency, L2, WeightClipping], [3], [2]),
        ([Adversarial, Consistency, MaxGradientPenalty], [3, 1], [1]),
        ([Adversarial, lambda: Rotation(one_in=3)], [3], [2]),  # a third, in three turns
    ],
)
def test_objectives_add_only_the_views_that_nobody_else_names(objectives, discriminator, generator):
    gan = make([objective() for objective in objectives])
    object.__setattr__(gan, "discriminator", counter := Counter(gan.discriminator))
    gan.train_step(batch(gan))
    assert counter.passes == [BATCH * n for n in discriminator + generator]


def test_two_objectives_share_the_passes_of_their_views():
    names = {"weight": 0.1, "target": 0.0}
    gan = make(
        [
            Adversarial(),
            GradientPenalty(gradient_penalty.at_real, name="r1", **names),
            GradientPenalty(gradient_penalty.at_real, name="r1_again", **names),
        ]
    )
    object.__setattr__(gan, "discriminator", counter := Counter(gan.discriminator))
    logs = gan.train_step(batch(gan))
    assert counter.passes == [BATCH] * 3
    assert float(logs["discriminator/r1"]) == float(logs["discriminator/r1_again"]) > 0


def test_a_lazy_objective_runs_d_in_its_steps_alone_and_weighs_more_there():
    """In a graph, where the number of images is counted as it runs."""
    settings = {"points": gradient_penalty.at_real, "target": 0.0, "weight": 0.5}
    lazy = make([Adversarial(), GradientPenalty(every=3, **settings)])
    plain = make([Adversarial(), GradientPenalty(**settings)])
    shown = tf.Variable(0, trainable=False)

    class Watch(Counter):
        def __call__(self, inputs, training):
            shown.assign_add(inputs["images"].shape[0])
            return self.model(inputs, training=training)

    object.__setattr__(lazy, "discriminator", Watch(lazy.discriminator))
    step = tf.function(lazy.train_step, autograph=False)
    for number in range(1, 7):
        shown.assign(0)
        for a, b in zip(plain.variables, lazy.variables, strict=True):
            a.assign(b)
        logs = {name: float(value) for name, value in step(batch(lazy, number)).items()}
        expected = plain.train_step(batch(plain, number))
        due = number % 3 == 0
        assert int(shown) == BATCH * (4 if due else 3)
        found = logs["discriminator/gradient_penalty"]
        penalty = float(expected["discriminator/gradient_penalty"])
        assert found == pytest.approx(penalty if due else 0.0, rel=0.2)
        sides = sum(logs[f"discriminator/adversarial/{side}"] for side in ("real", "fake"))
        assert logs["discriminator/loss"] == pytest.approx(sides + 3 * 0.5 * found, rel=1e-5)


def test_a_lazy_gradient_is_every_times_that_of_the_objective():
    def moved_by(**settings):
        alone = Adversarial(losses.wasserstein, weight=1e-30)
        keep = functools.partial(mlp.discriminator, units=5, depth=1)  # no state: pass by pass
        penalty = GradientPenalty(gradient_penalty.at_real, target=0.0, **settings)
        gan = make([alone, penalty], rates=(0.0, 1.0), discriminator=keep)
        gan.step.assign(3)
        before = values(gan.discriminator, True)
        tf.function(gan.train_step, autograph=False)(batch(gan))
        return [a - b for a, b in zip(values(gan.discriminator, True), before, strict=True)]

    for lazy, plain in zip(moved_by(every=4, weight=0.1), moved_by(weight=0.4), strict=True):
        np.testing.assert_allclose(lazy, plain, rtol=1e-4, atol=1e-7)


def test_augmentation_is_before_d_for_reals_and_fakes_and_each_view_is_drawn_once():
    augment = Brighten()
    objectives = [Adversarial(), Consistency(), GradientPenalty(gradient_penalty.at_fake)]
    gan = make(objectives, augment=augment)
    gan.train_step(batch(gan))
    assert augment.shape == (4, 4, 1)
    assert sorted(augment.tags) == [
        "augment/discriminator/adversarial/fake",  # that of the penalty, too
        "augment/discriminator/adversarial/real",
        "augment/discriminator/consistency/changed",
        "augment/generator/adversarial/fake",
    ]
    assert [logits.shape for logits in augment.seen] == [(BATCH,)]  # after D's update alone


def test_input_gradients_are_those_before_augmentation():
    """Images are doubled before a linear D: the slope is twice |w|."""

    def discriminator(sample_shape, num_classes):
        images = keras.Input(sample_shape, name="images")
        features = keras.layers.Flatten()(images)
        dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
        logits = keras.layers.Reshape(())(dense(features))
        return keras.Model({"images": images}, {"logits": logits, "features": features})

    r1 = GradientPenalty(gradient_penalty.at_real, target=0.0, weight=1.0)
    for augment, slope in ((None, 4.0), (Brighten(), 8.0)):
        gan = make([Adversarial(), r1], discriminator=discriminator, augment=augment)
        logs = gan.train_step(batch(gan))
        assert float(logs["discriminator/gradient_penalty"]) == pytest.approx(slope**2)
