"""What decides how D is run."""

import keras

from compare_gan_tf.gan import passes
from compare_gan_tf.layers import batch_norm, no_norm


def nested(norm):
    """A discriminator whose norm is a layer of a model within it."""
    inner_input = keras.Input((3,))
    inner = keras.Model(inner_input, norm(name="norm")(inner_input), name="inner")
    images = keras.Input((3,), name="images")
    features = inner(images)
    logits = keras.layers.Reshape(())(keras.layers.Dense(1)(features))
    return keras.Model({"images": images}, {"logits": logits, "features": features})


def test_a_batch_norm_in_a_model_within_d_couples_its_batch():
    assert passes.couples_batch(nested(batch_norm))
    assert not passes.couples_batch(nested(no_norm))
