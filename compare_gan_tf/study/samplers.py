"""How the settings of a trial are chosen within its cell.

Each trial has a sampler of its own, seeded by the names of study and cell and by the trial's slot.
What it proposes follows from those and from the other trials of the cell, and not from the
process that asks: a worker that starts anew repeats nothing.
"""

import importlib
import time
import warnings
import zlib
from collections.abc import Callable
from typing import Any

import optuna
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from compare_gan_tf.errors import UserError
from compare_gan_tf.study.cells import Cell
from compare_gan_tf.study.plan import Search, Span

_LONGEST = 60  # seconds of waiting for the proposals of trials that began earlier
_LOOK = 0.05  # seconds between two looks at them


def sampler(search: Search) -> BaseSampler:
    """The sampler of Optuna for a study's search.

    Args:
      search: of the plan.

    Returns:
      Of "grid" and "random_search": one that draws at random, which a grid never asks. "tpe" is
      Optuna's TPE, "gp_ei" its Gaussian process with expected improvement, "gp_ucb" the
      upper-confidence-bound bandit of Srinivas et al. (2010), see `gp_ucb`. The latter three draw
      at random until `startup` trials of the cell are complete, learn from all that are complete,
      and keep away from those that run. A trial whose value is infinite counts as worse than those
      that are finite at the time of the proposal: it is the last for TPE, which ranks, and the
      Gaussian processes take the worst finite value in its place.

    Raises:
      UserError: it needs a package that is not installed.
    """
    return _OnePerTrial(_maker(search))


def _maker(search: Search) -> Callable[[int], BaseSampler]:
    """What makes a sampler from a seed."""
    startup = int(search.options.get("startup", 0))
    try:
        if search.name == "tpe":
            return lambda seed: TPESampler(seed=seed, n_startup_trials=startup, constant_liar=True)
        if search.name == "gp_ei":
            for needed in ("scipy", "torch"):  # by Optuna, which imports them in the first trial
                importlib.import_module(needed)
            return lambda seed: GPSampler(seed=seed, n_startup_trials=startup)
        if search.name == "gp_ucb":
            from compare_gan_tf.study import gp_ucb

            return lambda seed: gp_ucb.sampler(seed, startup, search.options["beta"])
    except ImportError as error:
        raise UserError(
            f"study.search = @{search.name}() needs BoTorch and torch, which are not installed:"
            " pip install 'compare_gan_tf[bandit]'"
        ) from error
    return lambda seed: RandomSampler(seed=seed)


class _OnePerTrial(BaseSampler):
    """Asks another sampler for each trial, and for each setting that is drawn by itself."""

    def __init__(self, make: Callable[[int], BaseSampler]):
        self._make = make

    def _new(self, study: optuna.Study, trial: FrozenTrial, setting: str = "") -> BaseSampler:
        place = (study.study_name, trial.user_attrs.get("slot", trial.number), setting)
        return self._make(zlib.crc32(repr(place).encode()))

    def infer_relative_search_space(self, study, trial):
        return self._new(study, trial).infer_relative_search_space(study, trial)

    def sample_relative(self, study, trial, search_space) -> dict[str, Any]:
        if search_space:
            _await_earlier(study, trial, set(search_space))
        with warnings.catch_warnings():
            # Of settings that failed, whose values are infinite: they count as the worst others.
            warnings.filterwarnings("ignore", "Clip non-finite values")
            return self._new(study, trial).sample_relative(study, trial, search_space)

    def sample_independent(self, study, trial, param_name, param_distribution) -> Any:
        return self._new(study, trial, param_name).sample_independent(
            study, trial, param_name, param_distribution
        )


def _await_earlier(study: optuna.Study, trial: FrozenTrial, names: set[str]) -> None:
    """Waits until running trials that began before this one have settings to keep away from."""
    end = time.monotonic() + _LONGEST
    while time.monotonic() < end:
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        if not any(
            (one.datetime_start, one.number) < (trial.datetime_start, trial.number)
            for one in running
            if not names <= one.params.keys()
        ):
            return
        time.sleep(_LOOK)


def suggest(trial: optuna.Trial, cell: Cell) -> dict[str, Any]:
    """The settings of a trial: {name: label of the choice, or number in the range}."""
    return {name: _suggest(trial, name, setting) for name, setting in cell.settings.items()}


def _suggest(trial: optuna.Trial, name: str, setting) -> Any:
    if not isinstance(setting, Span):
        return trial.suggest_categorical(name, list(setting))
    if setting.whole:
        return trial.suggest_int(name, int(setting.low), int(setting.high), log=setting.log)
    return trial.suggest_float(name, setting.low, setting.high, log=setting.log)
