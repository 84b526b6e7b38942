"""GAN.accumulation: micro-batches give the weights of the whole batch, or are refused."""

import functools
import inspect
import pathlib
import subprocess
import sys

import catalogue
import discrete_replicas
import gin
import keras
import numpy as np
import pytest
import strategies
import tensorflow as tf
from small_config import SMALL
from verbs import exit_code

from compare_gan_tf import GAN, latents, objectives
from compare_gan_tf.architectures import gaussian, maxout, mlp
from compare_gan_tf.augment import ADA, APA, Adaptive, Chain, DiffAugment
from compare_gan_tf.bin import train as train_verb
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import description, step_products
from compare_gan_tf.layers import batch_norm, layer_norm, spectral_norm, virtual_batch_norm
from compare_gan_tf.objectives import Adversarial, GradientPenalty, Objective, discrete, losses
from compare_gan_tf.objectives.base import Term
from compare_gan_tf.optimizers import sgd
from compare_gan_tf.runs import checkpoints
from compare_gan_tf.testing import games

HELPERS = pathlib.Path(__file__).parents[1] / "helpers"
STEPS, BATCH = 3, games.BATCH
# Statistics of the global batch.
REFUSED = {
    "top_k", "top_k_paired", "average_logistic", "average_squared", "average_margin_hinge",
    "around_real", "beside_real", "max_gradient", "path_length", "feature_matching", "infomax",
    "conditional_contrast", "data_to_data", "gradient_normaliser", "reconstruction",
}  # fmt: skip


def small(names=("non_saturating",), **settings):
    """Without batch norm, and with spectral norm in both players and a moving average of G."""
    player = {"units": 6, "depth": 1, "kernel_norm": spectral_norm}
    given = {"generator": functools.partial(mlp.generator, **player), **settings}
    return catalogue.plain_gan(names, **given)


GRAPH = functools.partial(tf.function, autograph=False)


def after_steps(make, wrap=GRAPH) -> dict:
    """{name: every variable and every log after three steps}."""
    keras.utils.set_random_seed(0)
    gan = make()
    gan.step.assign(4)  # the lazy terms come in the second and the third
    rng, step, found = np.random.default_rng(0), wrap(gan.train_step), {}
    for number in range(STEPS):
        logs = step(data(gan, rng))
        found |= {f"log {name} of {number}": float(value) for name, value in logs.items()}
    optimizers = [*gan.g_optimizer.variables, *gan.d_optimizer.variables]
    every = enumerate([*gan.variables, *optimizers])
    return found | {f"{index} {variable.path}": variable.numpy() for index, variable in every}


def data(gan, rng):
    if gan.alphabet is None and len(gan.sample_shape) == 3:
        return games.random_batch(gan, rng)
    high = 2 if gan.alphabet else 4
    return (rng.integers(0, high, [BATCH, gan.slices, *gan.sample_shape]).astype(np.float32),)


def require_same(found: dict, expected: dict, tolerance=1e-5):
    assert len(found) == len(expected)
    for (name, value), other in zip(expected.items(), found.values(), strict=True):
        np.testing.assert_allclose(other, value, rtol=tolerance, atol=tolerance, err_msg=name)


# --- The same weights -------------------------------------------------------------------------

GROUPS = {
    group: [name for name in names if name not in REFUSED]
    for group, names in (catalogue.GROUPS | {"lazy": catalogue.LAZY}).items()
}
whole_of = functools.cache(lambda group: after_steps(lambda: small(_with_adversarial(group))))


def _with_adversarial(group: str, accumulation: int = 1) -> list:
    """A group's objectives; `Rotation` takes every fourth image, also of a micro-batch."""
    left_out = {"rotation"} if BATCH // accumulation < 4 else set()
    return [n for n in dict.fromkeys(["non_saturating", *GROUPS[group]]) if n not in left_out]


FAST = ("penalties",)


@pytest.mark.parametrize("number", [2, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "group", [pytest.param(g, marks=[] if g in FAST else pytest.mark.slow) for g in GROUPS]
)
def test_every_objective_gives_the_weights_of_the_whole_batch(group, number):
    names = _with_adversarial(group, number)
    is_all = names == _with_adversarial(group)
    whole = whole_of(group) if is_all else after_steps(lambda: small(names))
    require_same(after_steps(lambda: small(names, accumulation=number)), whole)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_an_objective_of_the_whole_batch_is_refused(name):
    with pytest.raises(UserError, match=r"GAN.accumulation is 2, but .*no mean over.*GAN.remat"):
        small(["non_saturating", name], accumulation=2)


def test_every_objective_is_among_those_here():
    kinds = {kind for kind in vars(objectives).values() if inspect.isclass(kind)}
    kinds = {kind for kind in kinds if issubclass(kind, Objective)} - {Objective}
    others = {objectives.DiscreteBoundarySeeking, *(type(one) for one in _likelihoods())}
    assert kinds - {make.func for make in catalogue.ALL.values()} == others


def _likelihoods():
    return [
        objectives.Critic(losses.hinge),
        objectives.MaximumLikelihood(),
        objectives.ReverseKL(objectives.likelihood.MixtureDensity()),
    ]


def test_likelihoods():
    def make(accumulation):
        return GAN(
            (2,),
            generator=gaussian.generator,
            discriminator=functools.partial(mlp.discriminator, units=6, depth=1),
            objectives=_likelihoods(),
            latents=latents.Normal(2),
            g_optimizer=games.sgd(),
            d_optimizer=games.sgd(),
            accumulation=accumulation,
        )

    require_same(after_steps(lambda: make(4)), after_steps(lambda: make(1)))


@pytest.mark.parametrize("kind", [
    pytest.param(k, marks=[] if k == "colours" else pytest.mark.slow)
    for k in discrete_replicas.KINDS
])  # fmt: skip
def test_discrete_generators(kind, monkeypatch):
    alphabet, shape, symbols, networks = discrete_replicas.KINDS[kind]
    generator = functools.partial(networks["generator"], norm=layer_norm)

    def make(accumulation, estimator=discrete.importance):
        boundary = objectives.DiscreteBoundarySeeking(estimator=estimator, samples=3)
        return GAN(
            shape,
            **networks | {"generator": generator},
            alphabet=alphabet(),
            symbols=symbols,
            objectives=[boundary],
            latents=latents.Normal(3),
            g_optimizer=games.sgd(),
            d_optimizer=games.sgd(),
            accumulation=accumulation,
        )

    monkeypatch.setattr(sys.modules[__name__], "data", _symbols)
    for estimator in (discrete.importance, discrete.reinforce):
        expected = after_steps(lambda one=estimator: make(1, one))
        require_same(after_steps(lambda one=estimator: make(2, one)), expected)
    with pytest.raises(UserError, match="DiscreteBoundarySeeking .* is no mean over the samples"):
        make(2, discrete.maligan)


def _symbols(gan, rng):
    """Reals of the bits 0 and 255, or of the numbers of the symbols."""
    values = [0, 255] if gan.alphabet.draw_shape[-1:] == (1,) else [0, 1]
    chosen = rng.choice(values, [BATCH, gan.slices, *gan.sample_shape])
    return (tf.constant(chosen.astype(np.uint8)),)


def _augmentation():
    moving = [Adaptive(target=0.0, speed=20.0, interval=1, p=0.4) for _ in range(2)]
    return Chain([APA(moving[0]), ADA(pipeline="bgcfnc", controller=moving[1]), DiffAugment()])


def dropouts():
    settings = {"input_dropout": 0.2, "dropout": 0.5, "units": 5, "pieces": 2}
    return {"discriminator": functools.partial(maxout.discriminator, **settings)}


CASES = {
    "augmentations and what they follow": lambda: {"augment": _augmentation()},
    "several updates": lambda: {"d_steps": 2, "g_steps": 2},
    "reused batches": lambda: {"reuse_last_batch": True, "d_steps": 2},
    "labels of the reals": lambda: {"label_distribution": latents.labels_of_reals},
    "clipped gradients": lambda: {
        "optimizer": functools.partial(sgd, learning_rate=0.1, clip_norm=0.01)
    },
    "dropout": dropouts,
    "float16": lambda: {"precision": "mixed_float16"},
    "recomputed activations": lambda: {"remat": True},
}
LABELLED = ("non_saturating", "lazy_r1", "lecam", "classification")


@pytest.mark.parametrize("case", [
    pytest.param(c, marks=[] if c == "float16" else pytest.mark.slow) for c in CASES
])  # fmt: skip
def test_settings(case):
    names = LABELLED if case[0] in "arlc" else ("non_saturating",)
    whole, parts = (
        after_steps(lambda k=k: small(names, **CASES[case](), accumulation=k)) for k in (1, 4)
    )
    require_same(parts, whole, 2e-3 if case == "float16" else 1e-5)


@pytest.mark.parametrize("wrap", [
    lambda step: step, functools.partial(tf.function, autograph=False, jit_compile=True)
])  # fmt: skip
def test_eagerly_and_compiled(wrap):
    whole = after_steps(lambda: small(LABELLED[:3]), lambda step: step)
    require_same(after_steps(lambda: small(LABELLED[:3], accumulation=2), wrap), whole)


@pytest.mark.slow
def test_replicas(tmp_path):
    strategies.run("accumulation_replicas.py", tmp_path / "found.npz")
    found = strategies.read(tmp_path / "found.npz")
    whole = found[1]["whole"]
    names = whole.pop("names")
    assert "discriminator/classification/real" in names
    for replicas, cases in found.items():
        for case in cases.values():
            case.pop("names", None)
            assert len(case) == len(whole) > 20, replicas
            require_same(case, whole)


# --- Less memory, and one trace ---------------------------------------------------------------


@pytest.mark.slow
def test_a_deep_network_takes_half_the_memory():
    megabytes = {}
    for how in ("plain", "accumulated"):
        command = [sys.executable, HELPERS / "remat_memory.py", how]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        megabytes[how] = float(run.stdout.splitlines()[-1])
    assert megabytes["accumulated"] < 0.5 * megabytes["plain"], megabytes


class Noted(latents.Normal):
    """Counts the draws of z."""

    draws = 0

    def sample(self, num, seed, truncation=0.0):
        self.draws += 1
        return super().sample(num, seed, truncation)


@pytest.mark.slow
def test_a_micro_batch_is_traced_once_and_its_products_count_as_often_as_they_run():
    counts = {}
    for number in (1, 4):
        noted = Noted(3)
        gan = GAN(
            (4, 4, 1),
            generator=functools.partial(mlp.generator, units=5, depth=1),
            discriminator=functools.partial(mlp.discriminator, units=5, depth=1),
            objectives=[Adversarial()],
            latents=noted,
            accumulation=number,
        )
        images = np.zeros((BATCH, gan.slices, 4, 4, 1), np.uint8)
        with step_products.counted(gan) as found:
            tf.function(lambda gan=gan, x=images: gan.train_step((x,))).get_concrete_function()
        assert noted.draws == 2  # of D's update and of G's
        counts[number] = dict(found)
    assert counts[4] == counts[1] != {}


# --- Refusals ---------------------------------------------------------------------------------


class Deviation(keras.layers.Layer):
    """Adds the deviation over the batch, without saying so."""

    def call(self, x):
        return x + keras.ops.std(x, 0, keepdims=True)


class Follower(keras.layers.Layer):
    """Follows the mean of its inputs, and says nothing."""

    def build(self, shape):
        self.mean = self.add_weight(shape=(), trainable=False, name="mean")

    def call(self, x, training=False):
        if training:
            self.mean.assign(0.9 * self.mean + 0.1 * keras.ops.mean(x))
        return x


def of_keras(layer):
    layers = [keras.layers.Flatten(), keras.layers.Dense(4), layer, keras.layers.Dense(1)]
    return keras.Sequential([keras.Input((4, 4, 1)), *layers])


PLAYERS = {
    "layer .* of the generator has batch statistics": {
        "generator": functools.partial(mlp.generator, units=4, norm=batch_norm)
    },
    "layer .* of the discriminator has batch statistics": {"d_norm": virtual_batch_norm},
    "layer 'bn' of the discriminator": {
        "discriminator": lambda: of_keras(keras.layers.BatchNormalization(name="bn"))
    },
    "Dropout of Keras in the discriminator draws": {
        "discriminator": lambda: of_keras(keras.layers.Dropout(0.5))
    },
    "a sample in the discriminator depends on the others": {
        "discriminator": lambda: of_keras(Deviation())
    },
}


@pytest.mark.parametrize("message", PLAYERS)
def test_players_that_need_the_whole_batch_are_refused(message):
    settings = dict(PLAYERS[message])
    if "discriminator" in settings:
        settings["discriminator"] = settings["discriminator"]()
    with pytest.raises(UserError, match=rf"GAN.accumulation is 4, but {message}.*GAN.remat"):
        small(accumulation=4, **settings)


@pytest.mark.parametrize(
    "layer", [Follower, lambda: keras.layers.SpectralNormalization(keras.layers.Dense(3))]
)
def test_a_layer_that_writes_what_a_micro_batch_would_change_is_refused(layer):
    gan = small(discriminator=of_keras(layer()), accumulation=2)
    batch = games.random_batch(gan, np.random.default_rng(0))
    for step in (GRAPH(gan.train_step), gan.train_step):
        with pytest.raises(UserError, match="a pass writes .*(mean|kernel).*GAN.remat"):
            step(batch)


def centred(real_logits, fake_logits):
    """(D's loss, G's loss) whose mean over the batch is not of its samples."""
    away = real_logits - tf.reduce_mean(fake_logits)
    return tf.reduce_mean(tf.math.softplus(-away)), tf.reduce_mean(-fake_logits)


def test_a_loss_of_your_own_that_is_no_mean_is_refused():
    with pytest.raises(UserError, match=r"Adversarial \(adversarial\) is no mean over"):
        games.small_gan([Adversarial(centred)], generator=mlp.generator, accumulation=2)


def test_a_loss_of_your_own_that_is_a_mean_is_cut():
    def hinge(real, fake):
        d_loss = tf.reduce_mean(tf.nn.relu(1.0 - real)) + tf.reduce_mean(tf.nn.relu(1.0 + fake))
        return d_loss, -tf.reduce_mean(fake)

    def make(accumulation):
        player = functools.partial(mlp.generator, units=6, depth=1)
        return games.small_gan([hinge], generator=player, accumulation=accumulation)

    require_same(after_steps(lambda: make(2)), after_steps(lambda: make(1)))


class Own(Objective):
    """Terms of one's own."""

    def __init__(self, terms, **settings):
        super().__init__(**settings)
        self.terms = terms

    def views(self, player, game, samples):
        return {"fake": samples.fake_view}

    def discriminator(self, game, samples, scored):
        return self.terms(game, scored["fake"].logits)


OWN = {
    r"`Game.gather`": lambda game, x: [Term("", x - tf.reduce_mean(game.gather(x)))],
    "the term discriminator/own has weights": lambda game, x: [Term("", x, tf.ones_like(x))],
}


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("message", OWN)
def test_terms_of_your_own_that_need_the_whole_batch_are_refused(message, every):
    own = Own(OWN[message], name="own", every=every)
    player = functools.partial(mlp.generator, units=6, depth=1)
    gan = games.small_gan([Adversarial(), own], generator=player, accumulation=2)
    batch = games.random_batch(gan, np.random.default_rng(0))
    with pytest.raises(UserError, match=f"{message}.*GAN.accumulation = 1"):
        tf.function(gan.train_step, autograph=False)(batch)


@pytest.mark.parametrize(("number", "fits"), [(3, 2), (5, 4), (16, 8)])
def test_a_batch_that_does_not_divide_is_refused(number, fits):
    gan = small(accumulation=number)
    line = f"GAN.accumulation is {number}, which does not divide the 8 samples .*: use {fits}"
    with pytest.raises(UserError, match=line):
        gan.fit(np.zeros((8, 4, 4, 1), np.uint8), np.zeros(8, np.int32), batch_size=8)
    with pytest.raises(UserError, match=line):
        gan.train_step(games.random_batch(gan, np.random.default_rng(0)))


@pytest.mark.parametrize("number", [0, -1, 1.5, "2"])
def test_what_is_no_number_of_parts_is_refused(number):
    with pytest.raises(UserError, match="GAN.accumulation is"):
        small(accumulation=number)


# --- Runs -------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path):
    (tmp_path / "small.gin").write_text(SMALL)

    def train(folder: str, *bindings):
        flags = [f"--gin_bindings={one}" for one in bindings]
        gin.clear_config()
        base = f"--gin_config={tmp_path / 'small.gin'}", f"--model_dir={tmp_path / folder}"
        return exit_code(train_verb, *base, *flags)

    yield train
    gin.clear_config()


def weights(folder) -> list:
    reader = tf.train.load_checkpoint(str(sorted(folder.glob("checkpoints/*.index"))[-1])[:-6])
    kinds = reader.get_variable_to_dtype_map()
    return [reader.get_tensor(name) for name in sorted(kinds) if kinds[name] == tf.float32]


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_and_is_the_same(run, tmp_path):
    assert run("one") == 0
    assert run("two", "train.training_steps = 2", "GAN.accumulation = 4") == 0
    assert run("two", "GAN.accumulation = 2") == 0
    for value, other in zip(weights(tmp_path / "one"), weights(tmp_path / "two"), strict=True):
        np.testing.assert_allclose(other, value, rtol=1e-3, atol=1e-4)  # Adam enlarges rounding


def test_a_config_that_does_not_fit_writes_nothing(run, tmp_path, capsys):
    assert run("none", "GAN.accumulation = 3") == 1
    assert "GAN.accumulation is 3, which does not divide the 8 samples" in capsys.readouterr().err
    relativistic = "GAN.objectives = [@Relativistic()]", "Relativistic.compare = @average"
    assert run("none", "GAN.accumulation = 2", *relativistic) == 1
    assert "Relativistic (relativistic) is no mean" in capsys.readouterr().err
    assert not checkpoints.list_steps(str(tmp_path / "none"))


def test_it_is_described():
    gan = small(accumulation=2)
    assert gan.hyperparameters["GAN.accumulation"] == 2
    described = description.describe(gan)
    assert described["accumulation"] == 2
    assert "over 2 micro-batches" in description.as_text(described)
    assert "micro-batches" not in description.as_text(description.describe(small()))


def test_keras_accumulation_names_the_cure():
    keras_own = keras.optimizers.SGD(0.1, gradient_accumulation_steps=4)
    with pytest.raises(UserError, match="set GAN.accumulation = 4"):
        small(g_optimizer=keras_own)


def test_a_penalty_and_a_plain_batch_through_fit():
    def fitted(number):
        keras.utils.set_random_seed(0)
        player = functools.partial(mlp.generator, units=6, depth=1)
        made = [Adversarial(), GradientPenalty()]
        gan = games.small_gan(made, conditional=False, generator=player, accumulation=number)
        images = np.random.default_rng(0).integers(0, 256, (16, 4, 4, 1)).astype(np.uint8)
        gan.fit(images, batch_size=8, epochs=1, verbose=0)
        return {str(i): variable.numpy() for i, variable in enumerate(gan.variables)}

    require_same(fitted(4), fitted(1))
