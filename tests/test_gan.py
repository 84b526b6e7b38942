"""The game: what an update touches, how often D runs, and what is averaged."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import latents, optimizers
from compare_gan_tf.architectures import mlp
from compare_gan_tf.augment import Augmentation
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN
from compare_gan_tf.layers import batch_norm, no_norm, spectral_norm
from compare_gan_tf.objectives import (
    L2,
    Adversarial,
    Consistency,
    FeatureMatching,
    GradientPenalty,
    LatentConsistency,
    LeCam,
    MaxGradientPenalty,
    Relativistic,
    Rotation,
    TopK,
    WeightClipping,
    gradient_penalty,
    losses,
)
from compare_gan_tf.schedules import linear_decay

BATCH = 6


def make(objectives=None, *, d_norm=no_norm, rates=(0.1, 0.1), **settings):
    keras.utils.set_random_seed(0)
    defaults = dict(
        generator=functools.partial(mlp.generator, units=5, depth=1, norm=batch_norm),
        discriminator=functools.partial(
            mlp.discriminator, units=5, depth=1, norm=d_norm, kernel_norm=spectral_norm
        ),
        objectives=objectives or [Adversarial()],
        latents=latents.Normal(3),
        g_optimizer=optimizers.sgd(learning_rate=rates[0]),
        d_optimizer=optimizers.sgd(learning_rate=rates[1]),
    )
    return GAN((4, 4, 1), 3, seed=1, **defaults | settings)


def batch(gan, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, [BATCH, gan.slices, 4, 4, 1]).astype(np.uint8)
    labels = rng.integers(0, 3, [BATCH, gan.slices]).astype(np.int32)
    return tf.constant(images), tf.constant(labels)


def values(model, trainable=None):
    chosen = [v for v in model.variables if trainable is None or v.trainable == trainable]
    return [v.numpy() for v in chosen]


def moved(before, after):
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


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


class Counter:
    """Counts the passes of a discriminator and the images in them."""

    def __init__(self, model):
        self.model, self.passes = model, []

    def __getattr__(self, name):
        return getattr(self.model, name)

    def __call__(self, inputs, training):
        self.passes.append(int(inputs["images"].shape[0]))
        return self.model(inputs, training=training)


@pytest.mark.parametrize(
    ("points", "d_norm", "discriminator", "generator"),
    [
        (None, no_norm, [2], [1]),
        (gradient_penalty.between, no_norm, [2, 1], [1]),
        (gradient_penalty.at_real, no_norm, [1, 1], [1]),
        (gradient_penalty.at_fake, no_norm, [1, 1], [1]),
        (None, batch_norm, [2], [2]),
        (gradient_penalty.between, batch_norm, [3], [2]),
        (gradient_penalty.at_real, batch_norm, [2], [2]),
    ],
)
def test_every_image_passes_the_discriminator_once(points, d_norm, discriminator, generator):
    """In units of the batch. A batch-coupled D has all in one pass, and G's fakes beside reals."""
    penalty = [GradientPenalty(points)] if points else []
    gan = make([Adversarial(), *penalty], d_norm=d_norm, d_steps=2)
    counter = Counter(gan.discriminator)
    object.__setattr__(gan, "discriminator", counter)
    gan.train_step(batch(gan))
    expected = [BATCH * n for n in discriminator * 2 + generator]
    assert counter.passes == expected


@pytest.mark.parametrize(
    ("objectives", "discriminator", "generator"),
    [
        ([Relativistic], [2], [2]),
        ([TopK], [2], [1]),
        ([Adversarial, LeCam], [2], [1]),
        ([Adversarial, FeatureMatching], [2], [2]),
        ([Adversarial, Consistency], [3], [1]),
        ([Adversarial, LatentConsistency], [3], [1]),
        ([Adversarial, Relativistic, LeCam, Consistency, L2, WeightClipping], [3], [2]),
        ([Adversarial, Consistency, MaxGradientPenalty], [3, 1], [1]),
        ([Adversarial, lambda: Rotation(one_in=3)], [3], [2]),  # a third, in three turns
    ],
)
def test_objectives_add_only_the_views_that_nobody_else_names(objectives, discriminator, generator):
    gan = make([objective() for objective in objectives])
    object.__setattr__(gan, "discriminator", counter := Counter(gan.discriminator))
    gan.train_step(batch(gan))
    assert counter.passes == [BATCH * n for n in discriminator + generator]


def test_two_objectives_share_the_passes_of_their_views():
    names = {"weight": 0.1, "target": 0.0}
    gan = make(
        [
            Adversarial(),
            GradientPenalty(gradient_penalty.at_real, name="r1", **names),
            GradientPenalty(gradient_penalty.at_real, name="r1_again", **names),
        ]
    )
    object.__setattr__(gan, "discriminator", counter := Counter(gan.discriminator))
    logs = gan.train_step(batch(gan))
    assert counter.passes == [BATCH] * 3
    assert float(logs["discriminator/r1"]) == float(logs["discriminator/r1_again"]) > 0


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


def test_a_lazy_objective_runs_d_in_its_steps_alone_and_weighs_more_there():
    """In a graph, where the number of images is counted as it runs."""
    settings = {"points": gradient_penalty.at_real, "target": 0.0, "weight": 0.5}
    lazy = make([Adversarial(), GradientPenalty(every=3, **settings)])
    plain = make([Adversarial(), GradientPenalty(**settings)])
    shown = tf.Variable(0, trainable=False)

    class Watch(Counter):
        def __call__(self, inputs, training):
            shown.assign_add(inputs["images"].shape[0])
            return self.model(inputs, training=training)

    object.__setattr__(lazy, "discriminator", Watch(lazy.discriminator))
    step = tf.function(lazy.train_step)
    for number in range(1, 7):
        shown.assign(0)
        for a, b in zip(plain.variables, lazy.variables, strict=True):
            a.assign(b)
        logs = {name: float(value) for name, value in step(batch(lazy, number)).items()}
        expected = plain.train_step(batch(plain, number))
        due = number % 3 == 0
        assert int(shown) == BATCH * (4 if due else 3)
        found = logs["discriminator/gradient_penalty"]
        penalty = float(expected["discriminator/gradient_penalty"])
        assert found == pytest.approx(penalty if due else 0.0, rel=0.2)
        sides = sum(logs[f"discriminator/adversarial/{side}"] for side in ("real", "fake"))
        assert logs["discriminator/loss"] == pytest.approx(sides + 3 * 0.5 * found, rel=1e-5)


def test_a_lazy_gradient_is_every_times_that_of_the_objective():
    def moved_by(**settings):
        alone = Adversarial(losses.wasserstein, weight=1e-30)
        keep = functools.partial(mlp.discriminator, units=5, depth=1)  # no state: pass by pass
        penalty = GradientPenalty(gradient_penalty.at_real, target=0.0, **settings)
        gan = make([alone, penalty], rates=(0.0, 1.0), discriminator=keep)
        gan.step.assign(3)
        before = values(gan.discriminator, True)
        tf.function(gan.train_step)(batch(gan))
        return [a - b for a, b in zip(values(gan.discriminator, True), before, strict=True)]

    for lazy, plain in zip(moved_by(every=4, weight=0.1), moved_by(weight=0.4), strict=True):
        np.testing.assert_allclose(lazy, plain, rtol=1e-4, atol=1e-7)


def test_lazy_objectives_need_a_discriminator_that_scores_samples_one_by_one():
    with pytest.raises(UserError, match="GradientPenalty.every is 2 but this discriminator has"):
        make([Adversarial(), GradientPenalty(every=2)], d_norm=batch_norm)
    make([Adversarial(), L2(every=2)], d_norm=batch_norm)


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


class Brighten(Augmentation):
    """An augmentation that notes what it is asked."""

    def __init__(self):
        super().__init__()
        self.tags, self.seen, self.shape = [], [], None

    def check(self, sample_shape):
        self.shape = sample_shape

    def call(self, images, noise, tag):
        self.tags.append(tag)
        return images * 2.0 + noise.uniform(tag, [images.shape[0], 1, 1, 1])

    def update(self, real_logits, gather):
        self.seen.append(real_logits)


def test_augmentation_is_before_d_for_reals_and_fakes_and_each_view_is_drawn_once():
    augment = Brighten()
    objectives = [Adversarial(), Consistency(), GradientPenalty(gradient_penalty.at_fake)]
    gan = make(objectives, augment=augment)
    gan.train_step(batch(gan))
    assert augment.shape == (4, 4, 1)
    assert sorted(augment.tags) == [
        "augment/discriminator/adversarial/fake",  # that of the penalty, too
        "augment/discriminator/adversarial/real",
        "augment/discriminator/consistency/changed",
        "augment/generator/adversarial/fake",
    ]
    assert [logits.shape for logits in augment.seen] == [(BATCH,)]  # after D's update alone


def test_input_gradients_are_those_before_augmentation():
    """Images are doubled before a linear D: the slope is twice |w|."""

    def discriminator(sample_shape, num_classes):
        images = keras.Input(sample_shape, name="images")
        features = keras.layers.Flatten()(images)
        dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
        logits = keras.layers.Reshape(())(dense(features))
        return keras.Model({"images": images}, {"logits": logits, "features": features})

    r1 = GradientPenalty(gradient_penalty.at_real, target=0.0, weight=1.0)
    for augment, slope in ((None, 4.0), (Brighten(), 8.0)):
        gan = make([Adversarial(), r1], discriminator=discriminator, augment=augment)
        logs = gan.train_step(batch(gan))
        assert float(logs["discriminator/gradient_penalty"]) == pytest.approx(slope**2)


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


def test_a_player_without_any_term_is_refused():
    gan = make([GradientPenalty()])
    with pytest.raises(UserError, match="no objective has a term for the generator"):
        gan.train_step(batch(gan))


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
    failed = int(gan.failed_step)
    assert 1 <= failed <= 4
    name = sorted(logs)[int(gan.failed_term)]
    assert name.startswith(("discriminator/adversarial/", "generator/adversarial"))
    gan.train_step(batch(gan))
    assert int(gan.failed_step) == failed


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objectives": []}, "objectives is empty"),
        ({"objectives": [Adversarial(), Adversarial()]}, "two of GAN.objectives are named 'adv"),
        ({"d_steps": 0}, "d_steps is 0"),
        ({"ema_decay": 1.0}, "ema_decay is 1.0"),
        ({"num_classes": None, "conditional": True}, "conditional is True but"),
        ({"ema_decay": 0.9, "ema_halflife": 2.0}, "ema_halflife is 2.0: give one"),
        ({"ema_halflife": 0.0}, "ema_halflife is 0.0"),
        ({"augment": Brighten}, "bind @Brighten"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, message):
    arguments = {"sample_shape": (4, 4, 1), "num_classes": 3, "objectives": [Adversarial()]}
    with pytest.raises(UserError, match=message):
        GAN(generator=mlp.generator, discriminator=mlp.discriminator, **arguments | settings)


def test_one_optimiser_for_both_players_is_refused():
    shared = optimizers.sgd()
    with pytest.raises(UserError, match="one object"):
        make(g_optimizer=shared, d_optimizer=shared)


def test_a_step_compiled_by_xla_equals_one_that_is_not():
    plain, compiled = (make([Adversarial(losses.hinge), GradientPenalty()]) for _ in range(2))
    data = batch(plain)
    plain_logs = tf.function(plain.train_step)(data)
    compiled_logs = tf.function(compiled.train_step, jit_compile=True)(data)
    for name, value in plain_logs.items():
        np.testing.assert_allclose(compiled_logs[name], value, rtol=1e-4, atol=1e-6)
    for a, b in zip(values(plain), values(compiled), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
