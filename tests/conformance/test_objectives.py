"""Objectives in company, under XLA, in a graph, and after a restart."""

import functools
import itertools

import catalogue
import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.runs import checkpoints

FIRST = "non_saturating"
STEP = 5  # the next one is number 6, at which every lazy objective is due

# One of each kind; members of a kind differ only in the formula.
KINDS = (
    "top_k top_k_paired paired_logistic average_margin_hinge between r1_scheduled max_gradient "
    "lecam l2 orthogonal spectral_penalty weight_clipping consistency latent_consistency "
    "feature_matching classification label_prediction rotation infomax categorical gaussian "
    "lazy_r1 lazy_consistency lazy_orthogonal f_gan_jeffrey boundary_squared loss_sensitive_l1 "
    "loss_sensitive_classifier"
).split()


@pytest.fixture(scope="module")
def everything():
    """(a GAN with all objectives, {name: objective}, data); learning rates are 0."""
    keras.utils.set_random_seed(0)
    # No spectral norm: its sigma is a little better in later passes of an update than in the first.
    still = {"optimizer": lambda: catalogue.sgd(0.0), "kernel_norm": None, "ema_decay": None}
    gan = catalogue.plain_gan(catalogue.ALL, **still)
    data = catalogue.batch(gan, np.random.default_rng(0))
    return gan, {objective.name: objective for objective in gan.objectives}, data


class Company:
    """A step of the GAN with some of its objectives, always from the same state."""

    def __init__(self, gan, objectives, data):
        self.gan, self.objectives, self.data = gan, objectives, data
        gan.train_step(data)  # so that averages exist
        gan.step.assign(STEP)
        own = [v for objective in gan.objectives for v in objective.non_trainable_variables]
        clipped = gan.discriminator.trainable_variables
        self.state = [(variable, variable.numpy()) for variable in (gan.step, *own, *clipped)]

    def logs(self, *names):
        for variable, value in self.state:
            variable.assign(value)
        chosen = dict.fromkeys((FIRST, *names))
        object.__setattr__(self.gan, "objectives", [self.objectives[name] for name in chosen])
        data = tuple(part[:, : self.gan.slices] for part in self.data)
        logs = {name: float(value) for name, value in self.gan.train_step(data).items()}
        assert all(np.isfinite(value) for value in logs.values()), logs
        return {name: value for name, value in logs.items() if not name.endswith("/loss")}


def test_each_pair_of_objectives_has_the_terms_that_each_has_alone(everything):
    company = Company(*everything)
    alone = {name: company.logs(name) for name in KINDS}
    for pair in itertools.combinations(KINDS, 2):
        logs = company.logs(*pair)
        assert logs.keys() == alone[pair[0]].keys() | alone[pair[1]].keys()
        if "weight_clipping" in pair:  # which changes what G meets
            continue
        for name in pair:
            assert logs == pytest.approx(logs | alone[name], rel=1e-4, abs=1e-5), pair


def _steps(run, number: int, gan, seed: int = 3):
    rng = np.random.default_rng(seed)
    return [run(catalogue.batch(gan, rng)) for _ in range(number)]


def _values(gan):
    return {f"{i} {v.path}": v.numpy() for i, v in enumerate(gan.variables)}


@pytest.mark.parametrize("group", [*catalogue.GROUPS, "lazy"])
def test_a_step_as_a_graph_compiled_by_xla_equals_one_in_eager_mode(group):
    names = [FIRST, *(n for n in catalogue.GROUPS.get(group, catalogue.LAZY) if n != FIRST)]
    found = []
    for wrap in (lambda step: step, functools.partial(tf.function, jit_compile=True)):
        keras.utils.set_random_seed(0)
        gan = catalogue.plain_gan(names)
        gan.step.assign(STEP)
        (logs,) = _steps(wrap(gan.train_step), 1, gan)
        found.append({name: value.numpy() for name, value in logs.items()} | _values(gan))
    plain, compiled = found
    assert plain.keys() == compiled.keys()
    for name, value in plain.items():
        np.testing.assert_allclose(compiled[name], value, rtol=1e-3, atol=1e-4, err_msg=name)


def test_a_restored_run_goes_on_as_if_it_had_not_stopped(tmp_path):
    """But for rounding: state, heads and their slots are in the checkpoint."""
    built = catalogue.plain_gan(catalogue.ALL).objectives
    names = [FIRST, *(o.name for o in built if o.variables), "lazy_r1", "r1_scheduled"]
    assert len(names) >= 10

    def make():
        gan = catalogue.plain_gan(names, optimizer=lambda: catalogue.optimizers.adam())
        return gan, checkpoints.Checkpoints(gan, str(tmp_path), keep=1), tf.function(gan.train_step)

    keras.utils.set_random_seed(1)
    gan, saver, step = make()
    _steps(step, 2, gan)
    saver.save()
    _steps(step, 2, gan, seed=4)
    keras.utils.set_random_seed(2)
    again, saver, step = make()
    assert saver.restore() == 2
    _steps(step, 2, again, seed=4)
    for (name, a), b in zip(_values(gan).items(), _values(again).values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, err_msg=name)
    optimizers = [(g.g_optimizer, g.d_optimizer) for g in (gan, again)]
    for one, other in zip(*optimizers, strict=True):
        for a, b in zip(one.variables, other.variables, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_every_kind_is_in_the_catalogue():
    classes = {type(objective) for objective in catalogue.make(catalogue.ALL)}
    assert {type(objective) for objective in catalogue.make(KINDS)} | {
        type(catalogue.make([FIRST])[0])
    } == classes
