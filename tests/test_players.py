"""Keras models as players: every form that they come in, what of them is refused, what they do."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from small_gan import moved, values

from compare_gan_tf import GAN, Normal, UserError, metrics, optimizers, train
from compare_gan_tf.architectures import mlp
from compare_gan_tf.export import export_run
from compare_gan_tf.metrics.features import raw_features
from compare_gan_tf.objectives import FeatureMatching, losses

SHAPE = (4, 4, 1)


def g_layers(end="tanh"):
    return [layers.Dense(12), layers.BatchNormalization(), layers.ReLU(),
            layers.Dense(16, activation=end), layers.Reshape(SHAPE)]  # fmt: skip


def d_layers(end=None):
    return [layers.Flatten(), layers.Dense(12), layers.LeakyReLU(), layers.Dropout(0.3),
            layers.Dense(1, activation=end)]  # fmt: skip


def sequential(parts, *shape):
    return keras.Sequential([keras.Input(shape), *parts] if shape else parts)


def functional(parts, *shape):
    x = first = keras.Input(shape)
    for layer in parts:
        x = layer(x)
    return keras.Model(first, x)


class Subclass(keras.Model):
    def __init__(self, kind="g", **model):
        super().__init__(**model)
        self.kind = kind
        self.parts = g_layers() if kind == "g" else d_layers()

    def get_config(self):
        return super().get_config() | {"kind": self.kind}

    def call(self, x, training=False):
        for layer in self.parts:
            x = layer(x, training=training) if isinstance(layer, layers.Dropout) else layer(x)
        return x


def built(model, *shape):
    model(np.zeros((2, *shape), np.float32))
    return model


def gan(generator, discriminator, **settings):
    defaults = dict(objectives=losses.hinge, g_optimizer=optimizers.adam(learning_rate=1e-2),
                    d_optimizer=optimizers.adam(learning_rate=1e-2))  # fmt: skip
    keras.utils.set_random_seed(0)
    return GAN(generator=generator, discriminator=discriminator, **defaults | settings)


def moved_of(player, before):
    return moved(before, values(player, trainable=True))


def pair():
    return sequential(g_layers(), 3), sequential(d_layers(), *SHAPE)


GENERATORS = {
    "sequential": lambda: sequential(g_layers(), 3),
    "sequential called": lambda: built(sequential(g_layers()), 3),
    "functional": lambda: functional(g_layers(), 3),
    "subclass called": lambda: built(Subclass(), 3),
}
DISCRIMINATORS = {
    "sequential": lambda: sequential(d_layers(), *SHAPE),
    "sequential not built": lambda: sequential(d_layers()),
    "functional": lambda: functional(d_layers(), *SHAPE),
    "subclass": lambda: Subclass("d"),
    "subclass called": lambda: built(Subclass("d"), *SHAPE),
    "logits [n]": lambda: functional([*d_layers(), layers.Reshape(())], *SHAPE),
}


@pytest.mark.parametrize("g", GENERATORS)
@pytest.mark.parametrize("d", DISCRIMINATORS)
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


# --- Labels ---------------------------------------------------------------------------------------


def labelled(shape, *, as_dict):
    """A generator of labels [n, 1], which it embeds, or one-hot."""
    z = keras.Input((3,), name="noise")
    labels = keras.Input(shape, name="labels", dtype="int32" if shape == (1,) else "float32")
    seen = layers.Flatten()(layers.Embedding(4, 4)(labels)) if shape == (1,) else labels
    x = layers.Dense(16, activation="tanh")(layers.Concatenate()([z, seen]))
    inputs = {"z": z, "labels": labels} if as_dict else [z, labels]
    return keras.Model(inputs, layers.Reshape(SHAPE)(x))


class Conditional(keras.Model):
    def __init__(self):
        super().__init__()
        self.embed, self.out = layers.Embedding(4, 3), layers.Dense(16, activation="tanh")

    def call(self, z, labels):
        x = self.out(keras.ops.concatenate([z, self.embed(labels)], -1))
        return keras.ops.reshape(x, (-1, *SHAPE))


@pytest.mark.parametrize("shape", [(1,), (4,)])
@pytest.mark.parametrize("as_dict", [True, False])
def test_labels_reach_a_model_in_the_form_that_it_takes(shape, as_dict):
    g = labelled(shape, as_dict=as_dict)
    made = gan(g, pair()[1], num_classes=4, conditional=True)
    made.train_step((np.zeros((6, *SHAPE), np.uint8), np.arange(6, dtype=np.int32) % 4))
    alike = [made.generator({"z": np.ones((1, 3), "f"), "labels": np.array([k])}) for k in (1, 2)]
    assert not np.allclose(*alike)


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


# --- What is refused ------------------------------------------------------------------------------

wide = functools.partial(sequential, g_layers()[:-2] + [layers.Dense(9), layers.Reshape((3, 3, 1))])
REFUSED = {
    "samples of another shape": (lambda: (wide(3), pair()[1]), {},
                                 r"\(3, 3, 1\), but the data has"),
    "d of another shape": (lambda: (pair()[0], sequential(d_layers(), 5, 5, 1)),
                           {"sample_shape": SHAPE}, r"takes samples \[n, 5, 5, 1\], but the data"),
    "d of another rank": (lambda: (pair()[0], sequential(d_layers(), 4, 4)),
                          {"sample_shape": SHAPE}, r"takes samples \[n, 4, 4\], but the data has"),
    "z of another dimension": (pair, {"latents": Normal(9)}, r"takes z \[n, 3\], but .* \[n, 9\]"),
    "z of another rank": (lambda: (sequential(g_layers(), 1, 3), pair()[1]), {},
                          r"takes \[n, 1, 3\]"),
    "g not built": (lambda: (sequential(g_layers()), pair()[1]), {},
                    "is not built.*latents=Normal"),
    "d of patches": (lambda: (pair()[0], sequential([layers.Conv2D(1, 3)], *SHAPE)), {},
                     r"gives \[n, 2, 2, 1\]: it must give logits \[n, 1\] or \[n\]"),
    "d of classes": (lambda: (pair()[0], sequential([*d_layers(), layers.Dense(10)], *SHAPE)), {},
                     r"gives \[n, 10\]"),
    "sigmoid": (lambda: (pair()[0], sequential(d_layers("sigmoid"), *SHAPE)), {},
                "GAN.discriminator ends in a sigmoid, but losses are of logits"),
    "sigmoid as a layer": (
        lambda: (pair()[0], functional([*d_layers(), layers.Activation("sigmoid")], *SHAPE)), {},
        "ends in a sigmoid"),
    "sigmoid before a shape": (
        lambda: (pair()[0], functional([*d_layers("sigmoid"), layers.Reshape(())], *SHAPE)), {},
        "ends in a sigmoid"),
    "dark images": (lambda: (sequential(g_layers("sigmoid"), 3), pair()[1]), {},
                    r"ends in a sigmoid, which has no values below 0.* end it in tanh"),
    "no weights": (lambda: (sequential([layers.Reshape(SHAPE)], 16), pair()[1]), {},
                   "GAN.generator has no weights to train"),
    "frozen": (lambda: (pair()[0], frozen(pair()[1])), {}, "GAN.discriminator has no weights to"),
    "one model": (lambda: (pair()[0],) * 2, {}, "are one model: make two"),
    "a layer": (lambda: (layers.Dense(3), pair()[1]), {"sample_shape": SHAPE}, "or a Keras model"),
    "labels that are not there": (lambda: (Conditional(), pair()[1]), {"latents": Normal(3)},
                                  "takes labels but GAN.conditional is False"),
    "no labels taken": (pair, {"conditional": True, "num_classes": 4},
                        "takes no labels but GAN.conditional is True"),
    "two outputs": (lambda: (two_outputs(), pair()[1]), {}, "gives a list"),
    "no shape": (lambda: (mlp.generator, mlp.discriminator), {}, "GAN.sample_shape is not given"),
}  # fmt: skip


def frozen(model):
    model.trainable = False
    return model


def two_outputs():
    z = keras.Input((3,))
    return keras.Model(z, [layers.Dense(2)(z), layers.Dense(2)(z)])


@pytest.mark.parametrize("case", REFUSED)
def test_a_model_that_cannot_play_is_refused_in_one_line(case):
    players, settings, message = REFUSED[case]
    with pytest.raises(UserError, match=message) as refused:
        gan(*players(), **settings)
    assert "\n" not in str(refused.value)


def test_players_that_share_a_layer_are_refused():
    shared = layers.Dense(16)
    g = sequential([shared, layers.Reshape(SHAPE)], 16)
    d = sequential([layers.Flatten(), shared, layers.Dense(1)], *SHAPE)
    with pytest.raises(UserError, match="share weights"):
        gan(g, d)


class Uncopied(keras.Model):
    """Made of layers, which no config can tell."""

    def __init__(self, parts):
        super().__init__()
        self.parts = parts

    call = Subclass.call


class Plain(keras.Model):
    """As most are written, without a get_config; for such Keras makes one of the defaults alone."""

    def __init__(self, units=4):
        super().__init__()
        self.hidden, self.out = layers.Dense(units, "relu"), layers.Dense(16, "tanh")

    def call(self, z):
        return keras.ops.reshape(self.out(self.hidden(z)), (-1, *SHAPE))


def test_a_subclass_whose_config_tells_too_little_is_not_copied_into_another():
    gan(Plain(), pair()[1], latents=Normal(3), ema_decay=0.9)
    with pytest.raises(UserError, match="its config makes other layers"):
        gan(Plain(7), pair()[1], latents=Normal(3), ema_decay=0.9)


def test_what_keras_cannot_load_again_is_exported_without_its_keras_file(tmp_path, caplog):
    made = gan(built(Uncopied(g_layers()), 3), pair()[1])
    with caplog.at_level("WARNING"):
        paths = export_run(made, str(tmp_path), 0)
    assert sorted(paths) == ["discriminator", "discriminator_keras", "generator"]
    assert "generator.keras left out, the modules are written: Object Uncopied" in caplog.text
    assert keras.models.load_model(paths["discriminator_keras"]) is not None


def test_a_subclass_that_cannot_be_copied_trains_without_an_average_alone():
    gan(built(Uncopied(g_layers()), 3), pair()[1])
    with pytest.raises(UserError, match="it has no get_config"):
        gan(built(Uncopied(g_layers()), 3), pair()[1], ema_decay=0.9)


# --- The whole way --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["functional", "subclass called"])
def test_a_keras_pair_is_trained_resumed_scored_and_exported(kind, tmp_path):
    images = np.random.default_rng(0).integers(256, size=(60, *SHAPE), dtype=np.uint8)

    def model():
        keras.utils.set_random_seed(0)  # as a script that is started again
        g, d = GENERATORS[kind](), DISCRIMINATORS[kind]()
        return functools.partial(GAN, generator=g, discriminator=d, objectives=losses.hinge,
                                 ema_decay=0.9)  # fmt: skip

    def run(folder, steps, made):
        return train(str(tmp_path / folder), dataset=images, model=made, training_steps=steps,
                     batch_size=8, log_every=5)  # fmt: skip

    whole = run("whole", 20, model())
    run("parts", 11, model())
    made = run("parts", 20, model())
    for one, other in zip(whole.variables, made.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    samples = made.sample(6, [0, 1])
    scores = metrics.evaluate(
        images, made, metrics=["fid"], extractor=raw_features(), num_samples=60
    )
    assert np.isfinite(scores["fid"])
    paths = export_run(made, str(tmp_path / "parts"), 20)
    if kind == "functional":
        loaded = keras.models.load_model(paths["generator_keras"])
        z = made.latents.sample(6, [0, 1])
        np.testing.assert_allclose(loaded({"z": z}, training=False), samples, atol=1e-5)
    else:  # of a class that no other process can import
        assert "generator_keras" not in paths
    module = tf.saved_model.load(paths["generator"])
    np.testing.assert_allclose(module.sample(6, [0, 1]), samples * 0.5 + 0.5, atol=1e-5)
    logits = tf.saved_model.load(paths["discriminator"])(samples * 0.5 + 0.5)["logits"]
    scored = made.discriminator({"images": samples}, training=False)["logits"]
    np.testing.assert_allclose(logits, scored, atol=1e-5)


def test_a_fresh_run_refuses_models_that_another_has_trained(tmp_path):
    images = np.zeros((60, *SHAPE), np.uint8)
    g, d = pair()
    made = functools.partial(GAN, generator=g, discriminator=d, objectives=losses.hinge)
    settings = dict(dataset=images, model=made, batch_size=8)
    train(str(tmp_path / "one"), training_steps=2, **settings)
    assert train(str(tmp_path / "one"), training_steps=4, **settings).current_step == 4
    with pytest.raises(UserError, match="trained by another already: make new ones"):
        train(str(tmp_path / "other"), training_steps=2, **settings)
    assert not (tmp_path / "other").exists()
    train(str(tmp_path / "other"), training_steps=2, init_from=str(tmp_path / "one"), **settings)
