"""Losses in the place of objectives, in any form: they are `Adversarial` of themselves."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from fast_ones import slow_but
from small_gan import batch, make, values

from compare_gan_tf import UserError
from compare_gan_tf.objectives import Adversarial, GradientPenalty, losses


def own_hinge(real, fake):
    return losses.Losses(tf.nn.relu(1.0 - real), tf.nn.relu(1.0 + fake), -fake)


def means(real, fake):
    """A pair of scalars, as in most scripts."""
    of_d = tf.reduce_mean(tf.nn.relu(1.0 - real)) + tf.reduce_mean(tf.nn.relu(1.0 + fake))
    return of_d, -tf.reduce_mean(fake)


def per_sample(real, fake):
    return tf.nn.relu(1.0 - real) + tf.nn.relu(1.0 + fake), -fake


def of_d(real, fake):
    return keras.ops.mean(keras.ops.relu(1.0 - real)) + keras.ops.mean(keras.ops.relu(1.0 + fake))


FORMS = {
    "ours": losses.hinge,
    "in a list": [losses.hinge],
    "as the loss of Adversarial": [Adversarial(means)],
    "its own Losses": own_hinge,
    "a pair of means": means,
    "a pair per sample": [per_sample],
    "two functions": (of_d, lambda fake: -keras.ops.mean(fake)),
    "two functions in a list": [(of_d, lambda fake: -fake)],
}


@pytest.mark.parametrize("form", slow_but(FORMS, *list(FORMS)[::3]))
def test_every_form_of_the_hinge_trains_as_the_hinge(form):
    expected, found = make([Adversarial(losses.hinge)]), make(FORMS[form])
    for _ in range(3):
        wanted, logs = (gan.train_step(batch(gan)) for gan in (expected, found))
    for name in ("discriminator/loss", "generator/loss"):
        np.testing.assert_allclose(logs[name], wanted[name], rtol=1e-5)
    for a, b in zip(values(expected), values(found), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("form", ["a pair of means", "a pair per sample", "two functions"])
def test_a_whole_loss_of_d_is_one_term_under_one_name(form):
    gan = make(FORMS[form])
    logs = gan.train_step(batch(gan))
    of_d = {name for name in logs if name.startswith("discriminator/")}
    assert of_d == {"discriminator/adversarial", "discriminator/loss"}
    np.testing.assert_allclose(logs["discriminator/adversarial"], logs["discriminator/loss"])


def test_a_loss_stands_beside_other_objectives():
    logs = make([losses.wasserstein, GradientPenalty()]).train_step(batch(make()))
    names = {name.split("/")[1] for name in logs}
    assert {"adversarial", "gradient_penalty"} <= names


REFUSED = {
    "of one argument": (
        lambda logits: logits,
        "it must be an objective such as @Adversarial(), or",
    ),
    "of three": (lambda a, b, c: a, "or a loss such as @hinge"),
    "a scalar": (lambda r, f: tf.reduce_mean(r), "not `Losses`"),
    "None": (None, "GAN.objectives is None"),
    "a class": (Adversarial, "give @Adversarial()"),
    "Keras' loss of labels": (keras.losses.BinaryCrossentropy(from_logits=True), "not `Losses`"),
    "two of one name": ([losses.hinge, losses.wasserstein], "two of GAN.objectives are named"),
    "G's loss of both": ((of_d, of_d), "for G, is @of_d: it must be a function (fake_logits)"),
    "a loss of margins": (lambda r, f: (f - r, r - f), "its loss for G depends on the reals"),
    "another shape": (lambda r, f: losses.Losses(r, f, tf.reduce_mean(f)), "the shape ()"),
    "that fails": (lambda r, f: r + "a", "it must be"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_loss_is_refused_in_one_line(case):
    objectives, message = REFUSED[case]
    with pytest.raises(UserError) as refused:
        make_with(objectives)
    assert message in str(refused.value) and "\n" not in str(refused.value)


def make_with(objectives):
    return make(**{"objectives": objectives}) if objectives is not None else make_none()


def make_none():
    from compare_gan_tf import GAN
    from compare_gan_tf.architectures import mlp

    return GAN((2,), generator=mlp.generator, discriminator=mlp.discriminator, objectives=None)


def test_a_config_may_name_a_loss(no_bindings):
    import gin

    from compare_gan_tf import GAN
    from compare_gan_tf.architectures import mlp

    gin.parse_config("GAN.objectives = [@hinge]")
    made = gin.get_configurable("GAN")((2,), generator=mlp.generator,
                                       discriminator=mlp.discriminator)  # fmt: skip
    assert isinstance(made, GAN) and type(made.objectives[0]) is Adversarial
