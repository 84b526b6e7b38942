"""Runs in mixed precision: what is stored, resumed, refused and exported."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_runs import model

from compare_gan_tf import load_keras
from compare_gan_tf.errors import UserError
from compare_gan_tf.export import export_run
from compare_gan_tf.gan import description
from compare_gan_tf.runs import checkpoints, logs

in_float16 = functools.partial(model, precision="mixed_float16")
in_bfloat16 = functools.partial(model, precision="mixed_bfloat16")


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    """A run in float16 of six steps, without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    return run(folder, 6, model=in_float16, checkpoint_every=3), folder


@pytest.mark.slow
def test_a_resumed_run_has_the_same_weights_and_scales(run, whole, tmp_path):
    gan, _ = whole
    run(tmp_path, 3, model=in_float16)
    again = run(tmp_path, 6, model=in_float16)
    pairs = zip(gan.variables, again.variables, strict=True)
    assert all(np.array_equal(one.numpy(), other.numpy()) for one, other in pairs)
    stored = dict(tf.train.list_variables(checkpoints.path(str(tmp_path), 6)))
    assert sum("discriminator_loss_scale/" in name for name in stored) == 2


def test_logs_have_the_scale_of_each_player(whole):
    rows = logs.read(str(whole[1]))
    for player, updates in (("generator", 1), ("discriminator", 2)):
        scales = {row[f"{player}/loss_scale"] for row in rows}
        assert all(0 < scale <= 2.0**15 for scale in scales), updates


def test_the_manifest_the_hyperparameters_and_the_description_have_the_precision(whole):
    gan, folder = whole
    starts = json.loads((folder / "manifest.json").read_text())["starts"]
    assert [start["precision"] for start in starts] == ["mixed_float16"]
    assert gan.hyperparameters["GAN.precision"] == "mixed_float16"
    described = description.describe(gan)
    assert described["precision"] == "mixed_float16"
    assert "precision of the networks\n  mixed_float16" in description.as_text(described)


@pytest.mark.slow
def test_another_precision_is_refused_and_allowed(run, tmp_path):
    run(tmp_path, 2)
    with pytest.raises(UserError, match="in float32, not in mixed_bfloat16: set GAN.precision"):
        run(tmp_path, 4, model=in_bfloat16)
    assert run(tmp_path, 4, model=in_bfloat16, allow_config_change=True).current_step == 4
    with pytest.raises(UserError, match="in mixed_bfloat16, not in float32"):
        run(tmp_path, 6)
    gan = run(tmp_path, 6, model=in_float16, allow_config_change=True)
    assert gan.loss_scales["generator"].good_updates.numpy() <= 2
    assert run(tmp_path, 7, allow_config_change=True).current_step == 7


@pytest.mark.slow
def test_a_run_of_before_goes_on_in_any(run, tmp_path):
    run(tmp_path, 2)
    text = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(
        text.replace('"precision"', '"a"').replace('"crc32"', '"b"')
    )
    assert run(tmp_path, 3, model=in_bfloat16).current_step == 3


def test_exports_are_float32_and_give_the_same(whole, tmp_path):
    gan, _ = whole
    paths = export_run(gan, str(tmp_path), step=6)
    module = tf.saved_model.load(paths["generator"])
    samples = module.sample(3, [0, 1], 0.0)
    assert samples.dtype == tf.float32
    np.testing.assert_allclose(2 * samples - 1, gan.sample(3, [0, 1]), atol=1e-5)
    network = load_keras(paths["generator_keras"])
    given = {"z": np.ones((2, 4), np.float32), "labels": np.array([0, 3])}
    assert network(given).dtype == tf.float32
    np.testing.assert_array_equal(network(given), gan.sampling_generator(given))
    kinds = {layer.compute_dtype for layer in network.layers if layer.weights}
    assert kinds == {"float16", "float32"}
    assert keras.config.dtype_policy().name == "float32"
