"""Mixed precision: what computes in it, what stays float32, and the scale of each player's loss."""

import functools

import keras
import keras_models
import numpy as np
import pytest
import strategies
import tensorflow as tf
from fast_ones import slow_but

from compare_gan_tf.architectures import dcgan
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN, loss_scale
from compare_gan_tf.latents import Normal
from compare_gan_tf.layers import batch_norm, layer_norm, no_norm, spectral_norm
from compare_gan_tf.objectives import Adversarial, GradientPenalty
from compare_gan_tf.optimizers import adam, sgd

MIXED = ("mixed_bfloat16", "mixed_float16")
SIDE = 8


def make(precision=None, objectives=None, *, d_norm=no_norm, rate=0.1, **settings):
    keras.utils.set_random_seed(0)
    defaults = {
        "generator": functools.partial(dcgan.generator, width=2, norm=batch_norm),
        "discriminator": functools.partial(
            dcgan.discriminator, width=2, norm=d_norm, kernel_norm=spectral_norm
        ),
        "objectives": objectives or [Adversarial()],
        "latents": Normal(3),
        "g_optimizer": sgd(learning_rate=rate),
        "d_optimizer": sgd(learning_rate=rate),
    }
    return GAN((SIDE, SIDE, 1), precision=precision, seed=1, **defaults | settings)


def batch(gan, number=6, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.integers(0, 256, [number, gan.slices, SIDE, SIDE, 1]).astype(np.uint8),)


def step(gan, data=None):
    return tf.function(gan.train_step, autograph=False)(data or batch(gan))


@pytest.fixture(scope="module", params=slow_but(MIXED, "mixed_float16"))
def mixed(request):
    return make(request.param, [Adversarial(), GradientPenalty()], d_norm=layer_norm)


def dtypes(model):
    return {layer.name: layer.compute_dtype for layer in model.layers}


# --- What computes in which precision -----------------------------------------------------------


def test_networks_compute_in_it_and_variables_stay_float32(mixed):
    low = mixed.precision.removeprefix("mixed_")
    g, d = dtypes(mixed.generator), dtypes(mixed.discriminator)
    assert {g[name] for name in ("dense", "norm0", "deconv3")} == {low}
    assert g["deconv1"] == "float32"  # as conv3 below
    assert {d[name] for name in ("conv0", "conv2", "norm3")} == {low}
    assert d["conv3"] == "float32"  # whose stride is of maps of one pixel
    assert {v.dtype for v in (*mixed.generator.variables, *mixed.discriminator.variables)} == {
        "float32"
    }


def test_the_ends_of_the_networks_are_float32(mixed):
    assert dtypes(mixed.generator)["deconv4"] == dtypes(mixed.discriminator)["logit"] == "float32"
    scores = mixed.discriminator({"images": np.zeros((2, SIDE, SIDE, 1), np.float32)})
    assert {x.dtype for x in (*scores.values(), mixed.sample(2))} == {tf.float32}


def test_the_policy_of_keras_is_as_before(mixed):
    assert keras.config.dtype_policy().name == "float32" == make().precision
    with pytest.raises(ValueError, match="stop"):
        make("mixed_float16", generator=raise_stop)
    assert keras.config.dtype_policy().name == "float32"


def raise_stop(sample_shape, latent_dim, num_classes):
    raise ValueError("stop")


def test_losses_are_those_of_float32_up_to_the_rounding(mixed):
    found = step(mixed)
    expected = step(make(None, [Adversarial(), GradientPenalty()], d_norm=layer_norm))
    for name, value in expected.items():
        assert found[name].dtype == tf.float32
        if name.startswith("discriminator"):  # G's comes after an update of D
            np.testing.assert_allclose(found[name], value, rtol=0.03)


@pytest.mark.parametrize("kind, tolerance", [
    pytest.param("mixed_bfloat16", 0.05, marks=pytest.mark.slow), ("mixed_float16", 0.005)
])  # fmt: skip
def test_gradients_of_a_gradient_penalty_are_those_of_float32(kind, tolerance):
    def moved(precision):
        # One update of SGD at rate 1 moves each weight by its gradient.
        gan = make(precision, [Adversarial(), GradientPenalty()], d_norm=layer_norm, rate=1.0)
        before = [v.numpy() for v in gan.discriminator.trainable_variables]
        for scale in filter(None, gan.loss_scales.values()):
            scale.scale.assign(64.0)
        step(gan)
        after = [v.numpy() for v in gan.discriminator.trainable_variables]
        return np.concatenate([(a - b).ravel() for a, b in zip(after, before, strict=True)])

    expected = moved(None)
    assert np.linalg.norm(moved(kind) - expected) < tolerance * np.linalg.norm(expected)


def test_the_policy_of_a_keras_model_counts_and_is_named():
    keras.utils.set_random_seed(0)
    with_policy = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(16, activation="tanh", dtype="mixed_float16"),
            keras.layers.Reshape(keras_models.SHAPE),
        ]
    )
    critic = keras_models.sequential(keras_models.d_layers(), *keras_models.SHAPE)
    made = keras_models.gan(with_policy, critic)
    assert made.precision == "mixed_float16" and all(made.loss_scales.values())


def test_a_keras_model_of_another_precision_is_refused():
    models = (
        keras_models.sequential(keras_models.g_layers(), 3),
        keras_models.sequential(keras_models.d_layers(), *keras_models.SHAPE),
    )
    with pytest.raises(UserError, match="'mixed_bfloat16' but GAN.generator computes in float32"):
        keras_models.gan(*models, precision="mixed_bfloat16")


def test_other_names_are_refused():
    with pytest.raises(UserError, match="GAN.precision is 'float16'.*mixed_float16"):
        make("float16")


class Strided(keras.Model):
    """A discriminator without a graph of its layers."""

    def __init__(self):
        super().__init__()
        self.conv = keras.layers.Conv2D(3, 3, 2)
        self.out = keras.layers.Dense(1)

    def call(self, images):
        return self.out(keras.ops.mean(self.conv(images), (1, 2)))


@pytest.mark.parametrize("kind", MIXED)
def test_functions_may_make_subclasses(kind):
    gan = make(kind, discriminator=lambda sample_shape, num_classes: Strided())
    assert gan.precision == kind and all(map(np.isfinite, step(gan).values()))


@pytest.mark.parametrize("name", ["g_optimizer", "d_optimizer"])
def test_accumulation_of_keras_is_refused(name):
    with pytest.raises(UserError, match=f"GAN.{name} has gradient_accumulation_steps = 4"):
        make(**{name: keras.optimizers.SGD(0.1, gradient_accumulation_steps=4)})


# --- The scale of the losses ---------------------------------------------------------------------


def applied(scale, gradients, rate=1.0):
    """What one update of SGD makes of a weight 0 under these gradients; None for a skipped one."""
    optimizer, weight = sgd(learning_rate=rate), keras.Variable(0.0)
    optimizer.build([weight])
    finite = loss_scale.not_finite(gradients) == 0.0
    scale.apply(optimizer, scale.unscaled(gradients), [weight], finite)
    return float(weight.numpy()) if int(optimizer.iterations.numpy()) else None


def test_only_float16_has_a_scale_and_each_player_its_own():
    assert set(make("mixed_bfloat16").loss_scales.values()) == {None}
    one, other = make("mixed_float16").loss_scales.values()
    assert one is not other and one.scale.numpy() == other.scale.numpy() == 32768.0


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_an_update_that_is_not_finite_is_skipped_and_halves_the_scale(bad):
    scale = loss_scale.LossScale("generator")
    scale.good_updates.assign(1999)
    assert applied(scale, [tf.constant(bad)]) is None
    assert scale.scale.numpy() == 16384.0 and scale.good_updates.numpy() == 0
    assert applied(scale, [tf.constant(16384.0)]) == -1.0


def test_2000_good_updates_in_a_row_double_the_scale():
    scale = loss_scale.LossScale("generator")
    scale.good_updates.assign(1998)
    applied(scale, [tf.constant(1.0)])
    assert scale.scale.numpy() == 32768.0 and scale.good_updates.numpy() == 1999
    applied(scale, [tf.constant(1.0)])
    assert scale.scale.numpy() == 65536.0 and scale.good_updates.numpy() == 0


def test_the_scale_stays_within_its_ends():
    scale = loss_scale.LossScale("generator")
    scale.scale.assign(2.0**24)
    scale.good_updates.assign(1999)
    applied(scale, [tf.constant(1.0)])
    assert scale.scale.numpy() == 2.0**24
    scale.scale.assign(1.0)
    assert np.isnan(applied(scale, [tf.constant(np.nan)]))  # shows in the next loss
    assert scale.scale.numpy() == 1.0


@pytest.mark.parametrize("clip", [
    {"clip_norm": 0.1},
    pytest.param({}, marks=pytest.mark.slow),
    pytest.param({"clip_value": 0.01}, marks=pytest.mark.slow),
])  # fmt: skip
def test_a_scale_changes_no_bit_of_what_float32_networks_learn(clip, monkeypatch):
    def trained():
        optimizers = {f"{one}_optimizer": adam(**clip) for one in "gd"}
        gan = make(None, [Adversarial(), GradientPenalty()], **optimizers)
        step(gan)
        return [v.numpy() for v in gan.variables if "loss_scale" not in v.path]

    plain, of_float16 = trained(), loss_scale.for_players("mixed_float16")
    monkeypatch.setattr(loss_scale, "for_players", lambda precision: of_float16)
    assert all(map(np.array_equal, plain, trained()))
    assert of_float16["generator"].good_updates.numpy() == 1


@pytest.fixture(scope="module")
def skipped():
    """A step of which G's update is skipped: at 2^24 its gradients leave the range of float16."""
    gan = make("mixed_float16", ema_decay=0.75)
    gan.loss_scales["generator"].scale.assign(2.0**24)
    players = (gan.generator, gan.discriminator, gan.ema.generator)
    before = [[v.numpy() for v in player.trainable_variables or player.variables]
              for player in players]  # fmt: skip
    logs = step(gan)
    return gan, before, logs


def test_one_player_is_skipped_and_the_other_is_not(skipped):
    gan, (g, d, _), logs = skipped
    assert all(map(np.array_equal, g, [v.numpy() for v in gan.generator.trainable_variables]))
    assert not all(
        map(np.array_equal, d, [v.numpy() for v in gan.discriminator.trainable_variables])
    )
    assert float(logs["generator/loss_scale"]) == 2.0**23
    assert float(logs["discriminator/loss_scale"]) == 2.0**15
    assert gan.g_optimizer.iterations.numpy() == 0 and gan.d_optimizer.iterations.numpy() == 1


def test_a_skipped_update_is_no_failure_of_the_loss(skipped):
    gan, _, logs = skipped
    assert gan.first_failure.of(logs) is None and gan.current_step == 1
    assert all(map(np.isfinite, logs.values()))


def test_a_step_with_a_skipped_update_counts_in_the_average(skipped):
    gan, (*_, average), _ = skipped
    pairs = zip(average, gan.ema.generator.variables, gan.generator.variables, strict=True)
    for before, after, weight in pairs:
        np.testing.assert_allclose(after, 0.75 * before + 0.25 * weight.numpy(), atol=1e-6)


def test_a_loss_that_is_not_finite_is_still_told():
    gan = make("mixed_float16")
    gan.discriminator.trainable_variables[-1].assign([np.nan])
    logs = step(gan)
    assert gan.first_failure.of(logs) == (1, "discriminator/adversarial/fake")


# --- On replicas ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def replicas(tmp_path_factory):
    output = tmp_path_factory.mktemp("replicas") / "found.npz"
    strategies.run("precision_replicas.py", output)
    return strategies.read(output)


@pytest.mark.slow
def test_all_replicas_skip_an_update_that_one_of_them_cannot_make(replicas):
    assert replicas[2]["one overflows"]["weights"].tolist() == [0.0, 0.0]
    assert replicas[2]["one overflows"]["scales"].tolist() == [16384.0, 16384.0]
    assert replicas[2]["none overflows"]["weights"].tolist() == [-2.0, -2.0]


@pytest.mark.parametrize("precision", MIXED)
def test_two_replicas_train_as_one(replicas, precision):
    one, two = (replicas[number][precision] for number in (1, 2))
    assert one.keys() == two.keys() and len(one) > 10
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, rtol=0.02, atol=2e-3, err_msg=name)
