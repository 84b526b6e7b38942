"""StyleGAN2's players: numbers of parameters, forward passes in float64, training, replicas."""

import functools

import keras
import numpy as np
import pytest
import strategies
import tensorflow as tf
from numpy_layers import draw, weights, with_drawn_weights
from numpy_stylegan2 import (
    correlated,
    dense,
    doubled,
    downsampled,
    equalized,
    leaky,
    minibatch_std,
    modulated,
    of_plane,
    on_plane,
    unit,
)
from parameter_counts import counted

from compare_gan_tf import GAN, Normal
from compare_gan_tf.architectures import conditioning, stylegan2
from compare_gan_tf.augment import ADA
from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives import Adversarial, GradientPenalty, losses
from compare_gan_tf.objectives.gradient_penalty import at_real
from compare_gan_tf.optimizers import adam

NARROW = {"channel_base": 64, "channel_max": 6}  # 6, 6, 4 channels at 4, 8, 16 px
SMALL_G = functools.partial(stylegan2.generator, **NARROW, w_dim=7, mapping_depth=2)
SMALL_D = functools.partial(stylegan2.discriminator, **NARROW)


@pytest.mark.parametrize("index", range(5))
def test_the_presets_have_the_authors_numbers_of_parameters(golden, index):
    row = golden("stylegan2")["presets"][index]
    shape, base = (row["side"], row["side"], 3), {"channel_base": row["channel_base"]}
    options = base | {"mapping_depth": row["mapping_depth"]}
    assert counted(stylegan2.generator, shape, 512, row["classes"], **options) == row["generator"]
    options = base | {"residual": row["residual"]}
    assert (
        counted(stylegan2.discriminator, shape, row["classes"], **options) == (row["discriminator"])
    )


def test_the_sums_over_the_layers_are_the_published_totals(golden):
    found = {row["name"]: row for row in golden("stylegan2")["presets"]}
    published = golden("stylegan2")["published"]
    players = ("generator", "discriminator")
    assert [found["auto1024"][player] for player in players] == published["auto1024"]
    millions = [round(found["cifar10"][player] / 1e6, 1) for player in players]
    assert millions == published["cifar10 in millions"]


# Forward passes, written out in float64


def colours(model, x, w, side):
    name = f"b{side}_colours"
    kernel, bias = weights(model, name)
    style = dense(model, f"{name}_style", w)
    return modulated(x, style, equalized(kernel), demodulate=False) + bias


def layer(model, name, x, w, up=False):
    kernel, bias = weights(model, name)
    x = modulated(x, dense(model, f"{name}_style", w), equalized(kernel), up=up)
    noise = {v.name: np.asarray(v) for v in model.get_layer(f"{name}_noise").variables}
    return leaky(x + noise["strength"] * noise["constant"] + bias)


@pytest.mark.parametrize("classes", [None, 3])
def test_the_generator_matches_a_numpy_reading_of_its_layers(classes):
    model = with_drawn_weights(SMALL_G((16, 16, 2), 5, classes))
    z, labels = 2 * draw(3, 5), np.array([2, 0, 1])
    w = unit(z)
    if classes:
        w = np.concatenate([w, unit(dense(model, "embed_y", np.eye(3)[labels]))], 1)
    for index in range(2):
        w = leaky(dense(model, f"mapping{index}", w, 0.01))
    x = np.repeat(weights(model, "constant")[0], 3, 0)
    x = layer(model, "b4_conv1", x, w)
    expected = colours(model, x, w, 4)
    for side in (8, 16):
        x = layer(model, f"b{side}_conv0", x, w, up=True)
        x = layer(model, f"b{side}_conv1", x, w)
        expected = doubled(expected) + colours(model, x, w, side)
    found = model({"z": z.astype(np.float32), "labels": labels} if classes else {"z": z})
    np.testing.assert_allclose(found, np.clip(expected, -1, 1), rtol=1e-3, atol=1e-4)
    assert 0.05 < np.abs(expected).max()


def conv(model, name, x):
    kernel, bias = weights(model, name)
    return leaky(of_plane(correlated(on_plane(x), equalized(kernel))) + bias)


def shrunk(model, name, x):
    kernel, *bias = weights(model, name)
    return downsampled(x, equalized(kernel)) + sum(bias)


@pytest.mark.parametrize(("classes", "residual"), [(None, True), (3, False)])
def test_the_discriminator_matches_a_numpy_reading_of_its_layers(classes, residual):
    model = with_drawn_weights(SMALL_D((16, 16, 2), classes, residual=residual))
    images, labels = draw(8, 16, 16, 2), np.arange(8) % 3
    x = conv(model, "from_colours", images)
    for side in (16, 8):
        h = leaky(shrunk(model, f"b{side}_conv1", conv(model, f"b{side}_conv0", x)))
        x = (h + shrunk(model, f"b{side}_skip", x)) / np.sqrt(2) if residual else h
    x = conv(model, "b4_conv", minibatch_std(x, 4))
    features = leaky(dense(model, "features", x.reshape(8, -1)))
    if classes:
        mapped = unit(dense(model, "embed_y", np.eye(3)[labels]))
        for index in range(8):
            mapped = leaky(dense(model, f"mapping{index}", mapped, 0.01))
        logits = (dense(model, "projection", features) * mapped).sum(1) / np.sqrt(6)
    else:
        logits = dense(model, "logit", features)[:, 0]
    inputs = {"images": images.astype(np.float32)} | ({"labels": labels} if classes else {})
    found = model(inputs, training=True)
    np.testing.assert_allclose(found["features"], features, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found["logits"], logits, rtol=1e-3, atol=1e-4)


# Settings


def test_truncation_to_nothing_gives_one_image():
    keras.utils.set_random_seed(0)
    model = SMALL_G((8, 8, 1), 5, truncation=0.0)
    z = draw(4, 5).astype(np.float32)
    model({"z": z}, training=True)
    images = model({"z": z}).numpy()
    np.testing.assert_allclose(images, np.broadcast_to(images[:1], images.shape), atol=1e-6)


def test_other_conditionings_add_to_the_logit():
    images, labels = tf.constant(draw(4, 8, 8, 1), tf.float32), tf.constant([0, 1, 2, 0])
    plain = SMALL_D((8, 8, 1), 3, conditioning=None)
    assert "labels" not in plain.input
    projected = SMALL_D((8, 8, 1), 3, conditioning=conditioning.Projection())
    scores = [projected({"images": images, "labels": tf.roll(labels, k, 0)}) for k in (0, 1)]
    assert np.any(scores[0]["logits"] != scores[1]["logits"])


@pytest.mark.parametrize("side", [4, 24])
def test_sides_that_are_no_power_of_2_from_8_px_are_refused(side):
    for make in (functools.partial(SMALL_G, latent_dim=4), SMALL_D):
        with pytest.raises(UserError, match=f"needs images of 8, 16, 32, .* have {side}"):
            make(sample_shape=(side, side, 3))


# Training


def made(**settings):
    keras.utils.set_random_seed(0)
    options = {
        "generator": SMALL_G,
        "discriminator": SMALL_D,
        "latents": Normal(8),
        "objectives": [
            Adversarial(losses.non_saturating),
            GradientPenalty(at_real, target=0.0, weight=0.005, every=2),
        ],
        "g_optimizer": adam(learning_rate=0.0025, beta_1=0.0, beta_2=0.99),
        "d_optimizer": adam(learning_rate=0.0025, beta_1=0.0, beta_2=0.99),
        "ema_decay": 0.9,
    }
    return GAN((8, 8, 3), 3, **options | settings)


def reals(steps=1, number=8):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (number * steps, 8, 8, 3), dtype=np.uint8)
    return images, rng.integers(0, 3, number * steps)


def test_it_trains_with_labels_and_an_average():
    """R1 in every second step has a pass of its own, which the groups of D's layer allow."""
    gan = made(conditional=True)
    gan.compile(run_eagerly=True)
    found = gan.fit(*reals(steps=2), batch_size=8, verbose=0).history
    assert all(np.isfinite(value).all() for value in found.values())
    assert found["discriminator/gradient_penalty"][0] > 0
    styles = gan.generator.get_layer("styles")
    assert int(styles.calls) == 2 and np.any(styles.average)
    averaged = gan.sampling_generator.get_layer("styles").average
    np.testing.assert_array_equal(averaged, styles.average)  # copied, not averaged once more
    assert np.any(gan.discriminator.get_layer("minibatch_std").moving)
    samples = gan.sample(6, seed=(1, 2), labels=[0, 1, 2, 0, 1, 2])
    first = gan.sample(2, seed=(1, 2), labels=[0, 1])
    np.testing.assert_allclose(first, samples[:2], atol=1e-5)


@pytest.mark.slow
def test_it_trains_with_ada_in_a_graph():
    gan = made(conditional=True, augment=ADA())
    found = gan.fit(*reals(steps=4), batch_size=8, verbose=0).history
    assert all(np.isfinite(value).all() for value in found.values())


@pytest.mark.slow
def test_xla_compiles_the_same_step():
    found = []
    for jit in (False, True):
        gan = made()
        gan.compile(jit_compile=jit, run_eagerly=not jit)
        logs = gan.fit(*reals(), batch_size=8, verbose=0).history
        found.append({name: values[0] for name, values in logs.items()})
    assert found[0] == pytest.approx(found[1], rel=1e-3, abs=1e-4)


@pytest.mark.slow
def test_two_replicas_train_as_one(tmp_path):
    """Noise, mixed styles, averages of w and groups are those of the global batch."""
    strategies.run("stylegan2_replicas.py", tmp_path / "found.npz")
    found = strategies.read(tmp_path / "found.npz")
    one, two = found[1]["stylegan2"], found[2]["stylegan2"]
    assert one.keys() == two.keys() and len(one) > 50
    for name, value in one.items():
        scale = max(np.abs(value).max(), 1e-3)
        np.testing.assert_allclose(two[name], value, rtol=1e-3, atol=1e-4 * scale, err_msg=name)


def test_cutting_the_batch_is_refused():
    with pytest.raises(UserError, match="accumulation.*depends on the others of its batch"):
        made(accumulation=2)


def test_saved_players_give_the_same(tmp_path):
    gan = made(conditional=True)
    gan.generator.get_layer("b8_conv0_noise").strength.assign(0.5)
    gan.ema.copy(gan.generator)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    arguments = {"seed": (3, 4), "labels": [0, 1, 2]}
    np.testing.assert_array_equal(again.sample(3, **arguments), gan.sample(3, **arguments))


@pytest.mark.slow
def test_it_fits_digits_and_does_not_diverge():
    """300 steps on 8 x 8 digits: the samples' mean image comes near to that of the data."""
    digits = pytest.importorskip("sklearn.datasets").load_digits().images
    images = np.round(digits / 16 * 255).astype(np.uint8)[:1600, ..., None]
    keras.utils.set_random_seed(0)
    rates = {"learning_rate": 0.0025, "beta_1": 0.0, "beta_2": 0.99}
    gan = GAN(
        (8, 8, 1),
        generator=functools.partial(SMALL_G, channel_base=256, channel_max=32, w_dim=32),
        discriminator=functools.partial(SMALL_D, channel_base=256, channel_max=32),
        latents=Normal(32),
        objectives=[
            Adversarial(losses.non_saturating),
            GradientPenalty(at_real, target=0.0, weight=0.5),
        ],
        g_optimizer=adam(**rates),
        d_optimizer=adam(**rates),
        ema_decay=0.98,
    )

    def distance():
        mean = (gan.sample(400).numpy().mean(0) + 1) / 2
        return np.abs(mean - images.mean(0) / 255).mean()

    before = distance()
    history = gan.fit(images, batch_size=16, epochs=3, verbose=0).history
    assert all(np.isfinite(value).all() for value in history.values())
    assert distance() < min(0.1, before / 2)
