"""Scores that are asked for now and computed later."""

import dataclasses
import functools

from compare_gan_tf.evaluation.runs import evaluate
from compare_gan_tf.runs import results


@dataclasses.dataclass(frozen=True)
class Plan:
    """See `plan`."""

    evaluate: functools.partial

    def run(self) -> list[results.Row]:
        """Scores; returns and raises as `evaluate`."""
        return self.evaluate()


def plan(model_dir, gan, dataset, **settings) -> Plan:
    """Checks the settings of an evaluation; arguments as of `evaluate`; writes nothing.

    Raises:
      UserError: settings that do not fit the data.
    """
    evaluate(model_dir, gan, dataset, **settings | {"steps": []})
    return Plan(functools.partial(evaluate, model_dir, gan, dataset, **settings))
