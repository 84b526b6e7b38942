"""Keras models as players: every form that they come in, and what they do."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from fast_ones import slow_but
from keras import layers
from keras_models import (
    DISCRIMINATORS,
    GENERATORS,
    SHAPE,
    Conditional,
    d_layers,
    g_layers,
    gan,
    pair,
    sequential,
)
from small_gan import moved, values

from compare_gan_tf import Normal, UserError
from compare_gan_tf.architectures import mlp
from compare_gan_tf.architectures.conditioning import as_taken
from compare_gan_tf.objectives import FeatureMatching, losses


def moved_of(player, before):
    return moved(before, values(player, trainable=True))


@pytest.mark.parametrize("g", GENERATORS)
@pytest.mark.parametrize("d", slow_but(DISCRIMINATORS, *list(DISCRIMINATORS)[::3]))
def test_any_form_of_keras_models_trains_and_samples(g, d):
    made = gan(GENERATORS[g](), DISCRIMINATORS[d](), sample_shape=SHAPE, ema_decay=0.5)
    assert made.latents.dim == 3
    before = [values(player, trainable=True) for player in (made.generator, made.discriminator)]
    made.train_step(np.zeros((6, *SHAPE), np.uint8))
    for player, weights in zip((made.generator, made.discriminator), before, strict=True):
        kernels = [moved for moved, w in zip(moved_of(player, weights), weights, strict=True)
                   if w.ndim == 2]  # fmt: skip
        assert len(kernels) == 2 and all(kernels)
    assert made.sample(5, [0, 1]).shape == (5, *SHAPE)
    assert made.discriminator({"images": tf.zeros((5, *SHAPE))})["logits"].shape == (5,)


def test_the_models_themselves_are_trained_and_the_average_is_another():
    g, d = pair()
    made = gan(g, d, ema_decay=0.5)
    z = np.ones((2, 3), np.float32)
    made.train_step(np.zeros((6, *SHAPE), np.uint8))
    np.testing.assert_array_equal(g(z), made.generator({"z": z}))
    assert not np.array_equal(g(z), made.sampling_generator({"z": z}))
    assert not {id(v) for v in g.variables} & {id(v) for v in made.ema.variables}


def test_shapes_follow_from_the_models():
    made = gan(*pair())
    assert made.sample_shape == SHAPE and made.latents.get_config() == {"name": "normal", "dim": 3}
    made = gan(pair()[0], sequential(d_layers()))
    assert made.sample_shape == SHAPE


def test_features_are_what_the_last_weights_take():
    g, d = pair()
    made = gan(g, d, objectives=[losses.hinge, FeatureMatching()])
    assert made.discriminator.output["features"].shape == (None, 12)
    kernel, bias = d.layers[-1].get_weights()
    scored = made.discriminator({"images": np.ones((2, *SHAPE), np.float32)}, training=False)
    logits = scored["features"].numpy() @ kernel[:, 0] + bias[0]
    np.testing.assert_allclose(scored["logits"], logits, rtol=1e-5)


def test_a_model_in_our_form_stays_as_it_is():
    g = mlp.generator(SHAPE, 3)
    d = mlp.discriminator(SHAPE)
    made = gan(g, d)
    assert made.generator is g and made.discriminator is d


def test_functions_may_make_plain_keras_models():
    made = gan(
        lambda sample_shape, latent_dim, num_classes: sequential(g_layers(), latent_dim),
        lambda sample_shape, num_classes: sequential(d_layers(), *sample_shape),
        sample_shape=SHAPE, latents=Normal(7), ema_decay=0.5,
    )  # fmt: skip
    assert made.generator.input["z"].shape == (None, 7)


# --- Types ---------------------------------------------------------------------------------------


@pytest.fixture
def policy():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("kind", ["mixed_float16", "float16", "mixed_bfloat16", "float64"])
def test_players_of_any_floats_play_in_float32(kind, policy):
    policy(kind)
    g, d = pair()
    assert g.outputs[0].dtype == kind.removeprefix("mixed_")
    made = gan(g, d, ema_decay=0.5)
    before = values(made.generator, trainable=True)
    for _ in range(12 if kind == "mixed_float16" else 1):
        logs = made.train_step(np.zeros((6, *SHAPE), np.uint8))  # the scale falls until it fits
    assert made.sample(2, [0, 1]).dtype == tf.float32
    assert {log.dtype for log in logs.values()} == {tf.float32}
    assert any(moved_of(made.generator, before))


def test_a_generator_of_whole_numbers_is_refused():
    half = sequential(g_layers(), 3)
    g = keras.Model(half.inputs, keras.ops.cast(half.outputs[0], "int32"))
    with pytest.raises(UserError, match="GAN.generator gives int32: it must give floats"):
        gan(g, pair()[1])


# --- Labels ---------------------------------------------------------------------------------------


def labelled(shape, *, as_dict):
    """A generator of labels [n, 1], which it embeds, or one-hot."""
    z = keras.Input((3,), name="z" if as_dict else "noise")
    labels = keras.Input(shape, name="labels", dtype="int32" if shape == (1,) else "float32")
    seen = layers.Flatten()(layers.Embedding(4, 4)(labels)) if shape == (1,) else labels
    x = layers.Dense(16, activation="tanh")(layers.Concatenate()([z, seen]))
    inputs = {"z": z, "labels": labels} if as_dict else [z, labels]
    return keras.Model(inputs, layers.Reshape(SHAPE)(x))


@pytest.mark.parametrize("shape", [(1,), (4,)])
@pytest.mark.parametrize("as_dict", [True, False])
def test_labels_reach_a_model_in_the_form_that_it_takes(shape, as_dict):
    g = labelled(shape, as_dict=as_dict)
    made = gan(g, pair()[1], num_classes=4, conditional=True)
    made.train_step((np.zeros((6, *SHAPE), np.uint8), np.arange(6, dtype=np.int32) % 4))
    alike = [made.generator({"z": np.ones((1, 3), "f"), "labels": np.array([k])}) for k in (1, 2)]
    assert not np.allclose(*alike)


@pytest.mark.parametrize("shape", [(1,), (4,)])
def test_labels_reach_a_discriminator_with_our_names(shape):
    images, labels = keras.Input(SHAPE, name="images"), keras.Input(shape, name="labels")
    features = layers.Concatenate()([layers.Flatten()(images), labels])
    outputs = {"logits": layers.Reshape(())(layers.Dense(1)(features)), "features": features}
    d = keras.Model({"images": images, "labels": labels}, outputs)
    made = gan(labelled(shape, as_dict=True), d, num_classes=4, conditional=True)
    inputs = {"images": tf.ones((4, *SHAPE))}
    inputs["labels"] = as_taken(tf.range(4), made.discriminator)
    assert len(set(made.discriminator(inputs)["logits"].numpy())) == 4


def test_a_subclass_may_take_labels_by_name():
    made = gan(Conditional(), pair()[1], num_classes=4, conditional=True, latents=Normal(5))
    assert made.sample(3, [0, 1], labels=[0, 1, 3]).shape == (3, *SHAPE)


# --- State ----------------------------------------------------------------------------------------


class Watched(layers.Layer):
    """Counts its training passes in a variable, as Keras' own layers write theirs."""

    def build(self, input_shape):
        self.passes = self.add_weight(shape=(), dtype="int64", initializer="zeros", trainable=False)

    def call(self, x, training=False):
        if training:
            self.passes.assign(self.passes + 1)
        return x


def test_state_of_foreign_layers_moves_in_their_players_own_updates_alone():
    g, d = sequential([*g_layers(), Watched()], 3), sequential([Watched(), *d_layers()], *SHAPE)
    made = gan(g, d, d_steps=3, ema_decay=0.9)
    made.train_step(np.zeros((6, *SHAPE), np.uint8))
    assert int(g.layers[-1].passes.numpy()) == 1 and int(d.layers[0].passes.numpy()) == 3


def test_a_d_with_keras_batch_norm_judges_fakes_beside_reals():
    normed = [layers.Flatten(), layers.BatchNormalization(), layers.Dense(1)]
    made = gan(pair()[0], sequential(normed, *SHAPE))
    assert made.slices == 2  # G's update has reals of its own
    assert gan(*pair()).slices == 1
