"""Keras models that cannot play, that Keras cannot copy, or not load again."""

import functools

import keras
import pytest
import tensorflow as tf
from keras import layers
from keras_models import (
    SHAPE,
    Conditional,
    Subclass,
    built,
    d_layers,
    functional,
    g_layers,
    gan,
    pair,
    sequential,
)

from compare_gan_tf import Normal, UserError
from compare_gan_tf.architectures import mlp
from compare_gan_tf.export import export_run

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


@pytest.mark.slow
def test_what_keras_cannot_load_again_is_exported_without_its_keras_file(tmp_path, caplog):
    made = gan(built(Uncopied(g_layers()), 3), pair()[1])
    with caplog.at_level("WARNING"):
        paths = export_run(made, str(tmp_path), 0)
    assert sorted(paths) == ["card", "discriminator", "discriminator_keras", "generator"]
    assert "generator.keras left out, the modules are written: Object Uncopied" in caplog.text
    assert keras.models.load_model(paths["discriminator_keras"]) is not None


def test_a_subclass_that_cannot_be_copied_trains_without_an_average_alone():
    gan(built(Uncopied(g_layers()), 3), pair()[1])
    with pytest.raises(UserError, match="it has no get_config"):
        gan(built(Uncopied(g_layers()), 3), pair()[1], ema_decay=0.9)


def test_models_made_outside_of_their_strategy_are_refused():
    outside = pair()
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        gan(*pair())
        with pytest.raises(UserError, match="made outside of the strategy that distributes it"):
            gan(*outside)
