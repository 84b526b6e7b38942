"""The game: what an update touches, what it logs, and what is averaged."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_gan import BATCH, batch, make, moved, values

from compare_gan_tf import UserError, latents, optimizers
from compare_gan_tf.architectures import mlp
from compare_gan_tf.layers import batch_norm, spectral_norm
from compare_gan_tf.objectives import (
    L2,
    Adversarial,
    Consistency,
    GradientPenalty,
    LatentConsistency,
    Relativistic,
    Rotation,
    WeightClipping,
    gradient_penalty,
    losses,
)
from compare_gan_tf.optimizers.schedules import linear_decay


def test_each_player_is_moved_by_its_own_optimiser_alone():
    for rates, still, moves in (
        ((0.0, 0.1), "generator", "discriminator"),
        ((0.1, 0.0), "discriminator", "generator"),
    ):
        gan = make(rates=rates)
        stays, goes = values(getattr(gan, still), True), values(getattr(gan, moves), True)
        gan.train_step(batch(gan))
        assert not any(moved(stays, values(getattr(gan, still), True)))
        assert np.mean(moved(goes, values(getattr(gan, moves), True))) > 0.6


@pytest.mark.parametrize("d_steps", [1, 3])
def test_state_of_a_player_advances_once_in_each_of_its_updates(d_steps):
    """The moving mean starts at 0; after n updates by the same batch mean m it is (1 - .9^n) m."""
    gan = make(d_steps=d_steps, rates=(0.0, 0.0), d_norm=batch_norm)
    data = tuple(tf.repeat(x[:, :1], gan.slices, 1) for x in batch(gan))
    gan.train_step(data)
    norm = gan.generator.get_layer("norm0")
    inputs = keras.Model(gan.generator.inputs, norm.input)
    from compare_gan_tf.random import Noise

    z = Noise(1, 0, d_steps).draw("z", gan.latents.sample, BATCH)
    expected = 0.1 * np.mean(inputs({"z": z}), axis=0)
    np.testing.assert_allclose(norm.moving_mean, expected, rtol=1e-4, atol=1e-7)
    variance = gan.discriminator.get_layer("norm0").moving_variance.numpy()
    assert np.all(variance <= 0.9**d_steps + 0.5)
    assert np.all(variance >= 0.9**d_steps - 1e-6)


@pytest.mark.slow
def test_the_gradient_of_a_list_is_the_sum_of_its_members():
    members = {
        "a": lambda: Adversarial(losses.hinge),
        "b": lambda: GradientPenalty(gradient_penalty.between, weight=0.5),
        "c": lambda: GradientPenalty(gradient_penalty.at_real, 0.0, weight=2.0, name="r1"),
        "d": lambda: Consistency(weight=0.7),
        "e": lambda: Relativistic(weight=0.3),
        "f": lambda: Rotation(one_in=3),
        "g": lambda: L2(("discriminator", "generator"), weight=0.1),
        "h": lambda: LatentConsistency(std=0.3),
    }
    without_state = functools.partial(mlp.discriminator, units=5, depth=1)
    data = batch(make([Relativistic()]))  # for a G that needs reals, too

    def step(names):
        """The way of each player's weights, each from where they began."""
        ways = []
        for player, rates in (("discriminator", (0.0, 1.0)), ("generator", (1.0, 0.0))):
            made = [members[name]() for name in names]
            gan = make(made, rates=rates, discriminator=without_state)
            before = values(getattr(gan, player), True)
            gan.train_step(tuple(part[:, : gan.slices] for part in data))
            after = values(getattr(gan, player), True)
            ways += [a - b for a, b in zip(after, before, strict=True)]
        return ways

    alone = step("a")
    each = [step("a" + name) for name in members if name != "a"]
    for index, whole in enumerate(step("".join(members))):
        expected = alone[index] + sum(pair[index] - alone[index] for pair in each)
        np.testing.assert_allclose(whole, expected, rtol=1e-4, atol=1e-5)


def test_a_weight_may_be_a_schedule():
    gan = make([Adversarial(), L2(weight=linear_decay(start=2.0, end=0.0, steps=4))])
    for step in range(3):
        logs = {name: float(value) for name, value in gan.train_step(batch(gan)).items()}
        sides = sum(logs[f"discriminator/adversarial/{side}"] for side in ("real", "fake"))
        expected = sides + (2.0 - step / 2) * logs["discriminator/l2"]
        assert logs["discriminator/loss"] == pytest.approx(expected, rel=1e-5)


def test_weights_of_d_stay_within_the_limit_of_clipping():
    gan = make([Adversarial(losses.wasserstein), WeightClipping(0.03)], rates=(0.1, 5.0))
    for step in range(2):
        gan.train_step(batch(gan, step))
        largest = max(np.abs(value).max() for value in values(gan.discriminator, True))
        assert largest == pytest.approx(0.03)
    assert max(np.abs(value).max() for value in values(gan.generator, True)) > 0.1


def test_gradients_are_clipped_player_by_player():
    moves = {}
    for limit in (None, 1e-3):
        d_optimizer = optimizers.sgd(learning_rate=1.0, clip_norm=limit)
        gan = make(d_optimizer=d_optimizer, g_optimizer=optimizers.sgd(learning_rate=1.0))
        for player in ("discriminator", "generator"):
            moves[player, limit] = values(getattr(gan, player), True)
        gan.train_step(batch(gan))
        for player in ("discriminator", "generator"):
            after = values(getattr(gan, player), True)
            away = [a - b for a, b in zip(after, moves[player, limit], strict=True)]
            moves[player, limit] = np.sqrt(sum(np.sum(np.square(a)) for a in away))
    assert moves["discriminator", 1e-3] == pytest.approx(1e-3, rel=1e-2)
    assert moves["discriminator", None] > 0.01 and moves["generator", 1e-3] > 0.01


def test_labels_of_fakes_may_be_those_of_the_reals():
    seen = []

    class Watch(Adversarial):
        def views(self, player, game, samples):
            seen.append((samples.real_labels.numpy(), samples.fake_labels.numpy()))
            return super().views(player, game, samples)

    gan = make([Watch()], conditional=True, label_distribution=latents.labels_of_reals)
    gan.train_step(batch(gan))
    assert len(seen) == 2
    for real, fake in seen:
        np.testing.assert_array_equal(real, fake)


def test_a_halflife_is_in_training_steps_and_may_be_a_schedule():
    for halflife, decays in (
        (2.0, [0.5**0.5] * 3),
        (linear_decay(start=0.0, end=3.0, steps=3), [0.5, 0.5**0.5, 0.5 ** (1 / 3)]),
    ):
        gan = make(ema_halflife=halflife)
        expected = values(gan.generator, True)
        for step, decay in enumerate(decays):
            gan.train_step(batch(gan, step))
            now = values(gan.generator, True)
            expected = [decay * e + (1 - decay) * n for e, n in zip(expected, now, strict=True)]
        found = [v.numpy() for v in gan.ema.generator.variables if "moving" not in v.path]
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_schedules_of_ds_optimiser_are_over_training_steps():
    schedule = linear_decay(start=0.1, steps=10)
    gan = make(d_steps=3, d_optimizer=optimizers.sgd(learning_rate=schedule))
    for step in range(2):
        gan.train_step(batch(gan, step))
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(0.08)


def test_logs_name_every_term_and_sum_with_the_weights():
    gan = make([Adversarial(weight=2.0), GradientPenalty(weight=3.0)])
    logs = {name: float(value) for name, value in gan.train_step(batch(gan)).items()}
    assert logs.keys() == {
        "discriminator/adversarial/real",
        "discriminator/adversarial/fake",
        "discriminator/gradient_penalty",
        "discriminator/loss",
        "generator/adversarial",
        "generator/loss",
    }
    total = 2 * (logs["discriminator/adversarial/real"] + logs["discriminator/adversarial/fake"])
    total += 3 * logs["discriminator/gradient_penalty"]
    assert logs["discriminator/loss"] == pytest.approx(total, rel=1e-6)
    assert logs["generator/loss"] == pytest.approx(2 * logs["generator/adversarial"], rel=1e-6)


def test_a_step_counts_generator_updates():
    gan = make(d_steps=3)
    for _ in range(2):
        gan.train_step(batch(gan))
    assert int(gan.step) == int(gan.g_optimizer.iterations) == 2
    assert int(gan.d_optimizer.iterations) == 6


def test_slices_are_the_batches_of_reals_that_a_step_looks_at():
    assert make(d_steps=2).slices == 2
    assert make(d_steps=2, d_norm=batch_norm).slices == 3
    assert make(d_steps=2, d_norm=batch_norm, reuse_last_batch=True).slices == 2


def test_ema_averages_weights_and_statistics_from_its_start_step():
    gan = make(ema_decay=0.9, ema_start_step=2)
    expected = None
    for step in range(1, 5):
        gan.train_step(batch(gan, step))
        now = values(gan.generator)
        if expected is None or step < 2:
            expected = now
        else:
            expected = [0.9 * e + 0.1 * n for e, n in zip(expected, now, strict=True)]
        for found, value in zip(values(gan.ema.generator), expected, strict=True):
            np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-7)
    assert any(moved(values(gan.generator), values(gan.ema.generator)))
    assert gan.sampling_generator is gan.ema.generator


def test_ema_copies_spectral_norm_vectors():
    def generator(sample_shape, latent_dim, num_classes):
        z = keras.Input((latent_dim,), name="z")
        x = spectral_norm(keras.layers.Dense(16, name="dense"))(z)
        return keras.Model({"z": z}, keras.layers.Reshape((4, 4, 1))(x))

    gan = make(generator=generator, ema_decay=0.9)
    for step in range(3):
        gan.train_step(batch(gan, step))
    ours, average = (m.get_layer("dense") for m in (gan.generator, gan.ema.generator))
    np.testing.assert_array_equal(ours.u, average.u)
    assert not np.array_equal(ours.layer.kernel, average.layer.kernel)


def test_samples_depend_on_the_seed_and_their_first_rows_not_on_the_number():
    gan = make(conditional=True, ema_decay=0.5)
    many = gan.sample(50, [1, 2]).numpy()
    np.testing.assert_allclose(gan.sample(7, [1, 2]), many[:7], atol=1e-6)
    assert not np.allclose(gan.sample(7, [1, 3]), many[:7], atol=1e-2)


def test_samples_without_a_seed_are_those_of_a_documented_one():
    gan = make()
    np.testing.assert_array_equal(gan.sample(4), gan.sample(4, [0, 0]))
    assert gan.sample(np.int64(2)).shape == gan.sample(tf.constant(2)).shape == (2, 4, 4, 1)


@pytest.mark.parametrize("num", [-1, 2**40, 10**7 + 1, 1.5, True, "4", None, [4], tf.constant(-1)])
def test_what_is_no_number_of_samples_is_one_line(num):
    with pytest.raises(UserError, match=r"num is .*: it must be a whole number of samples in"):
        make().sample(num)


def test_samples_that_do_not_fit_into_memory_are_one_line(monkeypatch):
    gan = make()

    def exhausted(inputs):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(gan, "generate", exhausted)
    with pytest.raises(UserError, match="num is 10000000: there is not enough memory"):
        gan.sample(10**7)


def test_labels_of_samples_are_given_or_drawn():
    gan = make(conditional=True)
    drawn = latents.draw_labels(20, [1, 2], 3)
    np.testing.assert_array_equal(gan.sample(20, [1, 2]), gan.sample(20, [1, 2], 0.0, drawn))
    asked = tf.where(tf.range(20) < 10, -1, 2)
    mixed = gan.sample(20, [1, 2], 0.0, asked).numpy()
    np.testing.assert_allclose(mixed[:10], gan.sample(20, [1, 2])[:10], atol=1e-6)
    np.testing.assert_allclose(
        mixed[10:], gan.sample(20, [1, 2], 0.0, tf.fill([20], 2))[10:], atol=1e-6
    )


def test_the_first_term_that_is_not_finite_is_remembered():
    gan = make([Adversarial(losses.wasserstein)], rates=(0.1, 1e38))
    for _ in range(4):
        logs = gan.train_step(batch(gan))
    step, name = gan.first_failure.of(logs)
    assert 1 <= step <= 4
    assert name.startswith(("discriminator/adversarial/", "generator/adversarial"))
    gan.train_step(batch(gan))
    assert gan.first_failure.of(logs) == (step, name)


def test_a_step_compiled_by_xla_equals_one_that_is_not():
    plain, compiled = (make([Adversarial(losses.hinge), GradientPenalty()]) for _ in range(2))
    data = batch(plain)
    plain_logs = tf.function(plain.train_step, autograph=False)(data)
    compiled_logs = tf.function(compiled.train_step, jit_compile=True, autograph=False)(data)
    for name, value in plain_logs.items():
        np.testing.assert_allclose(compiled_logs[name], value, rtol=1e-4, atol=1e-6)
    for a, b in zip(values(plain), values(compiled), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
