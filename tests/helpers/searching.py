"""Searches of settings without training: trials are told a planted value at once."""

import math

import numpy as np
import optuna
import pytest

from compare_gan_tf.study import samplers
from compare_gan_tf.study.cells import Cell
from compare_gan_tf.study.plan import SEARCHES, Choice, Search, Span

MIXED = {
    "norm": {"none": Choice(()), "spectral": Choice(()), "layer": Choice(())},
    "lr": Span(1e-6, 1e-1, log=True),
    "beta_1": Span(0.0, 1.0),
    "d_steps": Span(1, 5, whole=True),
    "width": Span(8, 512, log=True, whole=True),
}
NUMBERS = {f"x{i}": Span(1e-5, 1e-1, log=True) for i in range(4)}


def sampler(name: str, **options):
    if name.startswith("gp"):
        pytest.importorskip("torch", reason="a Gaussian process needs torch")
    if name == "gp_ucb":
        pytest.importorskip("botorch", reason="GP-UCB needs BoTorch")
    return samplers.sampler(Search(name, SEARCHES[name] | options))


def in_memory(name: str = "study/000 hinge", direction: str = "minimize") -> optuna.Study:
    storage = optuna.storages.InMemoryStorage()
    return optuna.create_study(study_name=name, storage=storage, direction=direction)


def begin(study: optuna.Study, settings: dict, slot: int) -> tuple[optuna.Trial, dict]:
    """A running trial of a slot, as a worker begins it, and its settings."""
    study.enqueue_trial({}, user_attrs={"slot": slot})
    trial = study.ask()
    return trial, samplers.suggest(trial, Cell(0, {}, "", (), settings))


def fill(study: optuna.Study, settings: dict, number: int, value) -> list[dict]:
    """Trials of the slots from 0, one after another, told `value(setting)`; their settings."""
    found = []
    for slot in range(number):
        trial, setting = begin(study, settings, slot)
        study.tell(trial, value(setting))
        found.append(setting)
    return found


def with_noise(function, deviation: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    return lambda setting: function(setting) + deviation * rng.standard_normal()


def learning_rate_error(setting: dict) -> float:
    """How far a learning rate lies from 1e-4, in decades; a wrong norm is worth one more."""
    return abs(math.log10(setting["lr"]) + 4) + (setting["norm"] != "spectral")
