"""A pair of Keras models the whole way: trained, resumed, scored, exported."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_models import (
    DISCRIMINATORS,
    GENERATORS,
    SHAPE,
    pair,
)

from compare_gan_tf import GAN, UserError, metrics, train
from compare_gan_tf.export import export_run
from compare_gan_tf.metrics.features import raw_features
from compare_gan_tf.objectives import losses


@pytest.mark.slow
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
