"""Which settings get no further seeds: those that the first ones show to be worse than the best."""

import copy
import math

import optuna
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial

from compare_gan_tf.study.connection import experimental


class Pruner(BasePruner):
    """Wilcoxon's test of the seeds that a trial and the best one share, as Optuna has it.

    Optuna leaves trials with infinite values alone. Here a run that failed counts in the test as
    one whose score differs more from every other than any two scores do: of a test by ranks it is
    the same how much more.
    """

    def __init__(self):
        with experimental():
            self._test = optuna.pruners.WilcoxonPruner()

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether a trial is worse than the best one that is complete; False where none is."""
        try:
            best = study.best_trial
        except ValueError:
            return False
        values = [*best.intermediate_values.values(), *trial.intermediate_values.values()]
        known = [value for value in values if math.isfinite(value)] or [0.0]
        reach = max(known) - min(known) + 1.0
        ends = min(known) - reach, max(known) + reach
        seen = optuna.create_study(
            storage=optuna.storages.InMemoryStorage(), direction=study.direction
        )
        seen.add_trial(_within(best, *ends))
        return self._test.prune(seen, _within(trial, *ends))


def _within(trial: FrozenTrial, low: float, high: float) -> FrozenTrial:
    """A trial with values that are finite."""

    def within(value: float) -> float:
        return min(max(value, low), high)

    found = copy.copy(trial)
    found.intermediate_values = {
        step: within(value) for step, value in trial.intermediate_values.items()
    }
    if trial.value is not None:
        found.value = within(trial.value)
    return found
