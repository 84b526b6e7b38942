"""Objectives in company, two and two, and by the rules of `testing.check_objective`."""

import inspect
import itertools

import catalogue
import keras
import numpy as np
import pytest

from compare_gan_tf import objectives
from compare_gan_tf.objectives import Objective
from compare_gan_tf.testing import check_objective, games

FIRST = "non_saturating"
STEP = 5  # the next one is number 6, at which every lazy objective is due

# Two forms of one class that meet the others in different ways.
FORMS = (
    "paired_logistic average_margin_hinge between r1_scheduled lazy_r1 consistency "
    "lazy_consistency orthogonal lazy_orthogonal f_gan_jeffrey"
).split()
# Of every other class the first one of the catalogue: the others differ only in the formula.
_CLASSES = {name: make.func for name, make in catalogue.ALL.items()}
_FORMED = {_CLASSES[name] for name in (*FORMS, FIRST)}
KINDS = [
    *FORMS,
    *{kind: name for name, kind in reversed(_CLASSES.items()) if kind not in _FORMED}.values(),
]
# They need a generator with a known density, or an alphabet, and have tests of their own.
OF_OTHER_GANS = {"Critic", "DiscreteBoundarySeeking", "MaximumLikelihood", "ReverseKL"}


@pytest.fixture(scope="module")
def everything():
    """(a GAN with all objectives, {name: objective}, data); learning rates are 0."""
    keras.utils.set_random_seed(0)
    # No spectral norm: its sigma is a little better in later passes of an update than in the first.
    still = {"optimizer": lambda: games.sgd(0.0), "kernel_norm": None, "ema_decay": None}
    gan = catalogue.plain_gan(catalogue.ALL, **still)
    data = games.random_batch(gan, np.random.default_rng(0))
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


@pytest.mark.parametrize("group", [*catalogue.GROUPS, "lazy"])
def test_objectives_keep_the_rules_in_the_company_of_their_group(group):
    check_objective(lambda: catalogue.make(catalogue.GROUPS.get(group, catalogue.LAZY)))


def test_every_objective_is_in_the_catalogue():
    public = [value for value in vars(objectives).values() if inspect.isclass(value)]
    registered = {
        kind.__name__ for kind in public if issubclass(kind, Objective) and kind is not Objective
    }
    assert registered == {kind.__name__ for kind in _CLASSES.values()} | OF_OTHER_GANS
