"""Which layers of a discriminator keep their weights in a warm start."""

import functools

import keras
import numpy as np
import pytest
from keras import layers
from keras_models import SHAPE, Subclass, built, d_layers, functional, g_layers, sequential

from compare_gan_tf import GAN, UserError, train
from compare_gan_tf.objectives import losses
from compare_gan_tf.training.frozen_layers import first_variables, frozen

IMAGES = np.random.default_rng(0).integers(256, size=(24, *SHAPE), dtype=np.uint8)


def nested():
    """A Sequential with a functional model in it."""
    body = functional([layers.Flatten(), layers.Dense(12), layers.LeakyReLU()], *SHAPE)
    return sequential([body, layers.BatchNormalization(), layers.Dense(1)], *SHAPE)


# {form: (made, names of the kinds of its layers with weights, in order)}
FORMS = {
    "sequential": (lambda: sequential(d_layers(), *SHAPE), ["Dense", "Dense"]),
    "functional": (lambda: functional(d_layers(), *SHAPE), ["Dense", "Dense"]),
    "nested": (nested, ["Dense", "BatchNormalization", "Dense"]),
    "subclass": (lambda: built(Subclass("d"), *SHAPE), ["Dense", "Dense"]),
}


def gan(discriminator, generator=None):
    generator = generator or sequential(g_layers(), 3)
    return GAN(generator=generator, discriminator=discriminator, objectives=losses.hinge)


@pytest.mark.parametrize("form", FORMS)
def test_layers_of_a_given_model_count_one_by_one(form):
    make, kinds = FORMS[form]
    game = gan(make())
    weights = game.discriminator.trainable_variables
    assert len(weights) == 2 * len(kinds)  # kernel and bias, or gamma and beta
    with pytest.raises(UserError, match=rf"{len(kinds)} layers with weights, so it must be 0 to"):
        with frozen(game, first_variables(game, len(kinds))):
            pass
    for number in range(len(kinds)):
        with frozen(game, first_variables(game, number)):
            left = game.discriminator.trainable_variables
            assert [id(v) for v in left] == [id(v) for v in weights[2 * number :]]
        assert len(game.discriminator.trainable_variables) == len(weights)


def test_a_layer_in_two_places_and_a_subclass_of_own_weights_are_one_each():
    class Scale(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(16)
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

        def call(self, x):
            return self.scale * self.dense(x)

    shared = layers.Dense(16)
    parts = [layers.Flatten(), shared, layers.ReLU(), shared, Scale(), layers.Dense(1)]
    game = gan(functional(parts, *SHAPE))
    with pytest.raises(UserError, match="has 3 layers with weights"):
        with frozen(game, first_variables(game, 3)):
            pass
    with frozen(game, first_variables(game, 2)):
        assert [v.shape for v in game.discriminator.trainable_variables] == [(16, 1), (1,)]


def test_layers_that_do_not_train_by_themselves_stay_so_and_do_not_count():
    parts = d_layers()
    parts[1].trainable = False
    game = gan(functional([*parts[:2], layers.Dense(8), *parts[2:]], *SHAPE))
    with frozen(game, first_variables(game, 1)):
        assert [v.shape for v in game.discriminator.trainable_variables] == [(8, 1), (1,)]
    assert len(game.discriminator.trainable_variables) == 4


@pytest.mark.parametrize("form", [
    "sequential", pytest.param("functional", marks=pytest.mark.slow)
])  # fmt: skip
def test_a_run_with_a_given_model_keeps_its_first_layer(form, tmp_path):
    def run(folder, steps, made, **options):
        return train(str(tmp_path / folder), dataset=IMAGES, model=made, training_steps=steps,
                     batch_size=8, **options)  # fmt: skip

    def model():
        keras.utils.set_random_seed(0)
        d, g = FORMS[form][0](), sequential(g_layers(), 3)
        return functools.partial(gan, d, g)

    source = run("source", 1, lambda **_: model()())
    first, last = (d for d in source.discriminator.layers[1].layers if isinstance(d, layers.Dense))
    warm = {"init_from": str(tmp_path / "source"), "freeze_d_layers": 1}
    made = model()
    for steps in (1, 3):  # resumed, with the very model and with another one
        run("run", steps, lambda **_: made(), **warm)
    again = run("run", 4, lambda **_: model()(), **warm)
    found = [d for d in again.discriminator.layers[1].layers if isinstance(d, layers.Dense)]
    np.testing.assert_array_equal(found[0].kernel, first.kernel)
    assert not np.array_equal(found[1].kernel, last.kernel)
    again.fit(IMAGES, batch_size=8, verbose=0)  # which is told of no layers to keep
    assert not np.array_equal(found[0].kernel, first.kernel)
