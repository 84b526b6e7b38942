"""A GAN as a `.keras` file: its config is plain JSON, and training goes on bit by bit."""

import functools
import json

import catalogue
import keras
import numpy as np
import pytest
import small_gan

from compare_gan_tf import augment, latents
from compare_gan_tf.config import objects
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN, alphabets
from compare_gan_tf.objectives import GradientPenalty, losses
from compare_gan_tf.objectives.gradient_penalty import at_real
from compare_gan_tf.optimizers import PostHocEMA, adam, rmsprop, sgd
from compare_gan_tf.optimizers.schedules import cosine_decay, linear_decay

IMAGES = np.random.default_rng(0).integers(0, 256, [24, 4, 4, 1]).astype(np.uint8)


def game(**settings):
    rate = linear_decay(start=1e-2, steps=20)
    penalty = GradientPenalty(at_real, target=0.0, weight=cosine_decay(start=0.3, steps=9))
    defaults = dict(
        g_optimizer=adam(learning_rate=rate),
        d_optimizer=adam(learning_rate=rate, clip_norm=1.0),
        objectives=[losses.hinge, penalty],
        ema_decay=0.9,
        d_steps=2,
    )
    return small_gan.make(**defaults | settings)


def fitted(gan, epochs=1):
    gan.fit(IMAGES, batch_size=8, epochs=epochs, verbose=0)
    return gan


def state(gan):
    return [*gan.variables, *gan.g_optimizer.variables, *gan.d_optimizer.variables]


def assert_equal(one, other):
    for first, second in zip(state(one), state(other), strict=True):
        assert np.array_equal(first.numpy(), second.numpy()), first.path


def test_training_goes_on_as_if_it_had_not_been_saved(tmp_path):
    gan = fitted(game())
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert isinstance(loaded, GAN) and loaded.current_step == 3
    assert_equal(gan, loaded)
    for one in (gan, loaded):
        fitted(one, epochs=2)
    assert gan.current_step == 9
    assert_equal(gan, loaded)
    assert np.array_equal(gan.sample(5), loaded.sample(5))


def test_keras_model_checkpoint_keeps_one(tmp_path):
    kept = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    gan = game()
    gan.fit(IMAGES, batch_size=8, epochs=2, verbose=0, callbacks=[kept])
    assert_equal(gan, keras.models.load_model(tmp_path / "2.keras"))


def test_compile_options_come_back(tmp_path):
    gan = game()
    gan.compile(steps_per_execution=3)
    gan.save(tmp_path / "gan.keras")
    assert keras.models.load_model(tmp_path / "gan.keras").steps_per_execution == 3


def test_the_config_of_every_objective_is_plain_and_makes_an_equal_one():
    for name in catalogue.ALL:
        (objective,) = catalogue.make([name])
        written = json.loads(json.dumps(objects.to_json(objective)))
        again = objects.from_json(written)
        assert type(again) is type(objective) and objects.to_json(again) == written, name
        config = json.loads(json.dumps(objective.get_config()))
        assert type(objective).from_config(config).get_config() == objective.get_config()
        keras_form = keras.saving.serialize_keras_object(objective)
        assert type(keras.saving.deserialize_keras_object(keras_form)) is type(objective)


def test_a_gan_of_all_objectives_goes_through_a_file(tmp_path):
    gan = catalogue.plain_gan(catalogue.ALL)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert [one.name for one in loaded.objectives] == list(catalogue.ALL)
    assert_equal(gan, loaded)


OTHERS = {
    "uniform": {"latents": latents.Uniform(3, limit=2.0)},
    "coded": {"latents": latents.Coded(latents.Hypersphere(2), (3,), 1)},
    "labels": {"conditional": True, "label_distribution": latents.labels_of_reals},
    "bits": {"alphabet": alphabets.Bits(alphabets.Concrete(0.5)), "ema_decay": None},
    "colours": {
        "alphabet": alphabets.Colours(alphabets.straight_through),
        "symbols": np.array([[0], [100], [255]], np.uint8),
        "objectives": losses.hinge,
        "sample_shape": (4, 4, 1),
    },
    "ada": {"augment": augment.Chain([augment.APA(), augment.DiffAugment()])},
    "remat": {"remat": True, "reuse_last_batch": True},
    "half-life": {"ema_decay": None, "ema_halflife": linear_decay(start=5.0, steps=9)},
    "post-hoc EMA": {"post_hoc_ema": PostHocEMA((0.05, 0.2), 3)},
    "rmsprop": {"g_optimizer": rmsprop(), "d_optimizer": sgd(learning_rate=0.1)},
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_kind_of_setting_goes_through_a_file(name, tmp_path):
    gan = game(**OTHERS[name])
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert_equal(gan, loaded)
    settings = [
        {key: one for key, one in json.loads(json.dumps(config)).items() if key not in PLAYERS}
        for config in (gan.get_config(), loaded.get_config())
    ]
    assert settings[0] == settings[1]
    assert np.array_equal(gan.sample(3), loaded.sample(3))


PLAYERS = ("generator", "discriminator")


def own_loss(real, fake, *, slope=1.0):
    return -slope * real + slope * fake, -fake


def test_a_loss_of_the_user_is_found_by_the_name_that_keras_knows(tmp_path):
    gan = game(objectives=functools.partial(own_loss, slope=2.0))
    with pytest.raises(UserError, match="Keras cannot save own_loss: decorate it with"):
        gan.save(tmp_path / "gan.keras")
    with keras.saving.custom_object_scope({"own_loss": own_loss}):
        gan.save(tmp_path / "gan.keras")
    with pytest.raises(UserError, match="names 'own_loss', which is not known"):
        keras.models.load_model(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras", {"own_loss": own_loss})
    for one in (gan, loaded):
        fitted(one)
    assert_equal(gan, loaded)


@pytest.mark.parametrize(
    "name",
    ["os:system", "compare_gan_tf.bin.main:main", "compare_gan_tf.objectives.losses:tf", "eval"],
)
def test_a_file_cannot_name_other_code(name):
    with pytest.raises(UserError, match="which is not known"):
        objects.from_json({"made": name, "with": {"command": "true"}})


@pytest.mark.parametrize("damaged", [{}, {"made": "Normal"}, {"list": [{"x": 1}]}])
def test_a_damaged_config_is_told(damaged):
    with pytest.raises(UserError, match="it is damaged"):
        objects.from_json(damaged)


def test_keras_players_keep_their_layers(tmp_path):
    generator = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(16, "tanh"), keras.layers.Reshape((4, 4, 1))]
    )
    discriminator = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    gan = fitted(GAN(generator=generator, discriminator=discriminator, objectives=losses.hinge))
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    for one in (gan, loaded):
        fitted(one)
    assert_equal(gan, loaded)


@pytest.mark.parametrize(
    "name", ["__call__", "predict", "predict_on_batch", "evaluate", "test_on_batch", "export"]
)
def test_what_a_gan_has_not_of_a_keras_model_is_told_in_one_line(name):
    with pytest.raises(UserError, match=r"is no function of samples: gan.sample\(16\)") as error:
        getattr(game(), name)(IMAGES)
    assert "\n" not in str(error.value)
