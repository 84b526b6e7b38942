"""Objectives in company, and by the rules of `testing.check_objective`."""

import inspect
import itertools
import math

import catalogue
import keras
import numpy as np
import pytest

from compare_gan_tf import objectives
from compare_gan_tf.objectives import Objective
from compare_gan_tf.testing import check_objective, games

FIRST = "non_saturating"
STEP = 5  # the next one is number 6, at which every lazy objective is due

KINDS = [name for group in catalogue.KINDS.values() for name in group]
# A perfect difference set: of the lines {(i + d) mod 57: d in LINE} each pair of points is on one.
POINTS, LINE = 57, (0, 1, 3, 13, 32, 36, 43, 52)
CHANGING = ("weight_clipping", "latent_optimization")  # they change what the players meet
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


@pytest.mark.slow
def test_each_pair_of_objectives_has_the_terms_that_each_has_alone(everything):
    """In companies of eight at most; each pair is in one of them."""
    company = Company(*everything)
    alone = {name: company.logs(name) for name in KINDS}
    points = dict(enumerate(name for name in KINDS if name not in CHANGING))
    met = set()
    for start in range(POINTS):
        line = [(start + distance) % POINTS for distance in LINE]
        names = [points[point] for point in line if point in points]
        logs = company.logs(*names)
        assert logs.keys() == set().union(*(alone[name] for name in names))
        for name in names:
            assert logs == pytest.approx(logs | alone[name], rel=1e-4, abs=1e-5), names
        met |= {frozenset(pair) for pair in itertools.combinations(names, 2)}
    assert len(points) <= POINTS and len(met) == math.comb(len(points), 2)
    assert company.logs(*KINDS).keys() == set().union(*alone.values())


GROUPS = catalogue.GROUPS | {"lazy": catalogue.LAZY}


@pytest.mark.parametrize("group", [
    pytest.param(kind, marks=[] if kind == "penalties" else pytest.mark.slow)
    for kind in catalogue.KINDS
])  # fmt: skip
def test_objectives_of_each_kind_keep_the_rules_in_company(group):
    check_objective(lambda: catalogue.make(catalogue.KINDS[group]))


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_objectives_keep_the_rules_in_the_company_of_their_group(group):
    check_objective(lambda: catalogue.make(GROUPS[group]))


def test_every_objective_is_in_the_catalogue():
    public = [value for value in vars(objectives).values() if inspect.isclass(value)]
    registered = {
        kind.__name__ for kind in public if issubclass(kind, Objective) and kind is not Objective
    }
    known = {make.func.__name__ for make in catalogue.ALL.values()}
    assert registered == known | OF_OTHER_GANS
