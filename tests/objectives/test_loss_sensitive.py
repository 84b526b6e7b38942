import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import update
from compare_gan_tf.objectives import loss_sensitive, losses
from compare_gan_tf.objectives.base import Game, Samples, Scored


def scored(logits, images=None, features=None):
    logits = tf.convert_to_tensor(logits)
    zeros = tf.zeros([logits.shape[0], 2])
    images, features = (zeros if x is None else tf.constant(x) for x in (images, features))
    return Scored(images, logits, features)


def means(terms):
    return {term.name: float(tf.reduce_mean(term.values)) for term in terms}


@pytest.mark.parametrize("slope", ["0", "1", "-1", "0.2"])
def test_costs_equal_the_golden(golden, slope):
    case = golden("seeds")["loss_sensitive"]
    values = (tf.constant(case[side], tf.float64) for side in ("real", "fake", "margins"))
    cost = loss_sensitive.margin_cost(*values, float(slope))
    assert np.mean(cost) == pytest.approx(case["cost"][slope], abs=1e-7)


def test_terms_equal_the_golden(golden):
    case = golden("seeds")["loss_sensitive"]
    # The third pair has no distance; the first two lie .3 apart.
    real = scored(-np.float32(case["real"]), [[0.1, 0.2], [0.0, 0.0], [1.0, 1.0]])
    fake = scored(-np.float32(case["fake"]), [[0.0, 0.0], [0.3, 0.0], [1.0, 1.0]])
    objective = loss_sensitive.LossSensitive(margin_scale=1.0)
    both = {"real": real, "fake": fake}
    terms = objective.discriminator(None, None, both)
    assert means(terms)["margin"] == pytest.approx(case["cost"]["0"], abs=1e-6)
    assert means(terms)["real"] == pytest.approx(np.mean(case["real"]), abs=1e-6)
    assert [update.factor_of(objective, term, 0) for term in terms] == [0.0, 1.0]
    found = means(objective.generator(None, None, {"fake": fake}))[""]
    assert found == pytest.approx(case["generator"], abs=1e-6)


def test_a_pair_that_keeps_its_margin_gives_no_gradient():
    real, fake = tf.Variable([0.2, 1.0]), tf.Variable([1.5, 0.4])
    with tf.GradientTape() as tape:
        cost = loss_sensitive.margin_cost(real, fake, tf.constant([0.3, 0.3]), 0.0)
    gradients = tape.gradient(cost, [real, fake])
    assert [g.numpy().tolist() for g in gradients] == [[0.0, 1.0], [0.0, -1.0]]


def test_slope_one_has_the_gradient_of_the_wasserstein_loss():
    real, fake = tf.Variable([0.2, -1.0, 3.0]), tf.Variable([1.5, 0.4, -2.0])
    objective = loss_sensitive.LossSensitive(slope=1.0, margin_scale=0.7)
    with tf.GradientTape(persistent=True) as tape:
        both = {"real": scored(real), "fake": scored(fake)}
        ours = sum(tf.reduce_sum(t.values) for t in objective.discriminator(None, None, both)[1:])
        theirs = losses.wasserstein(real, fake)
        theirs = tf.reduce_sum(theirs.real) + tf.reduce_sum(theirs.fake)
    for variable in (real, fake):
        found, expected = (tape.gradient(loss, variable).numpy() for loss in (ours, theirs))
        np.testing.assert_array_equal(found, expected)


def test_margins_against_numpy():
    a, b = np.random.default_rng(0).normal(size=(2, 5, 3, 3, 1)).astype("float32")
    real, fake = scored(np.zeros(5, "float32"), a, a + 1), scored(np.zeros(5, "float32"), b, b)
    flat = (a - b).reshape(5, -1).astype("float64")
    np.testing.assert_allclose(loss_sensitive.l1(real, fake), np.abs(flat).sum(1), rtol=1e-6)
    expected = np.sqrt(np.square(flat).sum(1))
    np.testing.assert_allclose(loss_sensitive.l2(real, fake), expected, rtol=1e-6)
    expected = np.abs(flat + 1).sum(1)
    np.testing.assert_allclose(loss_sensitive.feature_l1(real, fake), expected, rtol=1e-6)


def test_costs_of_logits():
    logits = tf.constant([-2.0, 3.0])
    assert loss_sensitive.negative(logits).numpy().tolist() == [2.0, -3.0]
    assert loss_sensitive.rectified(logits).numpy().tolist() == [2.0, 0.0]
    expected = np.log1p(np.exp([2.0, -3.0]))
    np.testing.assert_allclose(loss_sensitive.softened(logits), expected, rtol=1e-6)


class FixedHead:
    """A head whose class logits are the features."""

    def __call__(self, features, training):
        return features


def test_the_classifier_s_terms_against_numpy():
    real, fake = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    labels, fake_labels = np.array([2, -1, 0, 1], "int32"), np.array([2, 0, 0, 1], "int32")
    objective = loss_sensitive.LossSensitiveClassifier(slope=0.2, margin_scale=0.0)
    objective.head = FixedHead()
    zeros = np.zeros(4, "float32")
    both = {"real": scored(zeros, features=real), "fake": scored(zeros, features=fake)}
    samples = Samples(None, tf.constant(labels), None, tf.constant(fake_labels), None)
    first, margin, accuracy = objective.discriminator(Game(None, None), samples, both)

    def cost(logits):
        return np.log(np.exp(logits).sum(1, keepdims=True)) - logits

    of_real, of_fake = cost(real.astype("float64")), cost(fake.astype("float64"))
    index = np.arange(4)
    known = of_real[index, labels] * (labels >= 0)
    np.testing.assert_allclose(first.values * first.weights, known, atol=1e-6)
    best = np.where(labels >= 0, of_real[index, labels], of_real.min(1))
    excess = best - of_fake[index, fake_labels]
    np.testing.assert_allclose(margin.values, np.maximum(excess, 0.2 * excess), atol=1e-6)
    right = (real.argmax(1) == labels).astype(float)
    np.testing.assert_array_equal(accuracy.values * accuracy.weights, right)
    assert update.factor_of(objective, accuracy, 0) == 0.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"slope": 1.5}, "LossSensitive.slope is 1.5"),
        ({"margin_scale": -1.0}, "LossSensitive.margin_scale is -1.0"),
        ({"real_weight": "1"}, "LossSensitive.real_weight is '1'"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        loss_sensitive.LossSensitive(**settings)
