"""How the settings of a trial are chosen within its cell."""

from typing import Any

import optuna
from optuna.samplers import BaseSampler

from compare_gan_tf.errors import UserError
from compare_gan_tf.study.cells import Cell
from compare_gan_tf.study.plan import Search, Span


def sampler(search: Search, seed: int) -> BaseSampler:
    """The sampler of Optuna for a study's search.

    Args:
      search: of the plan.
      seed: of what it draws.

    Returns:
      Of "grid" and "random_search": one that draws at random, which a grid never asks. "tpe" is
      Optuna's TPE, "gp_ei" its Gaussian process with expected improvement, "gp_ucb" the
      upper-confidence-bound bandit of Srinivas et al. (2010), see `gp_ucb`.

    Raises:
      UserError: it needs a package that is not installed.
    """
    startup = int(search.options.get("startup", 0))
    if search.name == "tpe":
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup, constant_liar=True)
    if search.name in ("gp_ei", "gp_ucb"):
        try:
            if search.name == "gp_ei":
                import torch  # noqa: F401

                return optuna.samplers.GPSampler(seed=seed, n_startup_trials=startup)
            from compare_gan_tf.study import gp_ucb

            return gp_ucb.sampler(seed, startup, search.options["beta"])
        except ImportError as error:
            raise UserError(
                f"study.search = @{search.name}() needs BoTorch and torch, which are not installed:"
                " pip install 'compare_gan_tf[bandit]'"
            ) from error
    return optuna.samplers.RandomSampler(seed=seed)


def suggest(trial: optuna.Trial, cell: Cell) -> dict[str, Any]:
    """The settings of a trial: {name: label of the choice, or number in the range}."""
    return {name: _suggest(trial, name, setting) for name, setting in cell.settings.items()}


def _suggest(trial: optuna.Trial, name: str, setting) -> Any:
    if not isinstance(setting, Span):
        return trial.suggest_categorical(name, list(setting))
    if setting.whole:
        return trial.suggest_int(name, int(setting.low), int(setting.high), log=setting.log)
    return trial.suggest_float(name, setting.low, setting.high, log=setting.log)
