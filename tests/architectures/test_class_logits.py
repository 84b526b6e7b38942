"""`ClassLogits`: a real-or-fake logit for each class, of which D says that of the label."""

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.architectures import biggan, mlp, r3gan, stylegan2
from compare_gan_tf.architectures.conditioning import ClassLogits, SoftLabels
from compare_gan_tf.layers import spectral_norm

CLASSES = 3
NETWORKS = {
    "biggan": (biggan, (32, 32, 3), {"ch": 2}),
    "mlp": (mlp, (4, 4, 1), {"units": 5}),
    "r3gan": (r3gan, (8, 8, 1), {"widths": (4, 4), "cardinalities": (2, 2)}),
    "stylegan2": (stylegan2, (8, 8, 1), {"channel_base": 32, "channel_max": 4}),
}


def _made(name, conditioning=None, **options):
    module, shape, small = NETWORKS[name]
    conditioning = conditioning or ClassLogits("orthogonal")
    model = module.discriminator(shape, CLASSES, conditioning=conditioning, **small, **options)
    return model, tf.random.stateless_uniform([4, *shape], [0, 1], -1, 1)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_logit_is_that_of_the_label_and_nothing_else(name):
    model, images = _made(name)
    kernel, bias = model.get_layer("class_logits").weights
    assert kernel.shape[1] == CLASSES and bias.shape == (CLASSES,)
    assert "logit" not in {layer.name for layer in model.layers}
    bias.assign([1.0, -2.0, 3.0])
    labels = tf.constant([2, 0, -1, 1])  # the third has none
    found = model({"images": images, "labels": labels})
    scores = found["features"].numpy().astype("float64") @ kernel.numpy() + [1.0, -2.0, 3.0]
    expected = [scores[0, 2], scores[1, 0], 0.0, scores[3, 1]]
    np.testing.assert_allclose(found["logits"], expected, rtol=1e-5, atol=1e-6)


def test_soft_labels_weigh_the_logits_of_the_classes():
    hard, images = _made("mlp")
    soft, _ = _made("mlp", SoftLabels(ClassLogits("orthogonal")))
    soft.set_weights(hard.get_weights())
    each = [hard({"images": images, "labels": tf.fill([4], label)})["logits"] for label in range(3)]
    shares = tf.constant([[0.5, 0.25, 0.25]] * 4)
    found = soft({"images": images, "labels": shares})["logits"]
    np.testing.assert_allclose(found, 0.5 * each[0] + 0.25 * (each[1] + each[2]), atol=1e-6)


def test_a_kernel_norm_has_the_kernel_of_all_classes():
    model, images = _made("biggan", kernel_norm=spectral_norm)
    inputs = {"images": images, "labels": tf.constant([0, 1, 2, 0])}
    (vector,) = [v for v in model.non_trainable_variables if "class_logits" in v.path]
    before = vector.numpy()
    model(inputs, training=True)
    assert before.size in (CLASSES, 4)  # of the matrix [features, classes]
    assert np.abs(vector.numpy() - before).max() > 0.0


def test_without_labels_there_is_the_usual_logit():
    module, shape, small = NETWORKS["stylegan2"]
    model = module.discriminator(shape, None, conditioning=ClassLogits(), **small)
    assert {"logit"} == {layer.name for layer in model.layers} & {"logit", "class_logits"}
    assert [tensor.name for tensor in model.inputs] == ["images"]
