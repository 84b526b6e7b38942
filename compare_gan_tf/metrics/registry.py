"""Finds metrics by name, as in `--metrics=fid,kid`.

The metrics of this package are found in the sources of this folder and imported when they are used.
Other metrics are registered by the definition of their class, see `Metric`, in a module that a
config imports or that an entry point of the group `compare_gan_tf` names.
"""

import difflib
import functools
import importlib
from collections.abc import Iterable

from compare_gan_tf import config
from compare_gan_tf.config import plugins
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import sources
from compare_gan_tf.metrics.base import Metric


@functools.cache
def _ours() -> dict[str, str]:
    """{name of a metric: its module in this folder}."""
    classes = sources.registered('gin.register(module="metrics")')
    named = ((sources.constant(node, "name"), module) for module, node in classes)
    return {name: module for name, module in named if name}


def names() -> list[str]:
    """The names of all metrics, including those of other packages."""
    plugins.load()
    return sorted({*_ours(), *Metric.named})


def is_known(name: str) -> bool:
    """Whether a metric has that name; imports entry points only if none of this package has it."""
    return name in _ours() or name in Metric.named or name in names()


def find(name: str) -> type[Metric]:
    """The class of a metric.

    Raises:
      UserError: there is none of that name; tells the nearest ones.
    """
    if name in _ours():
        importlib.import_module(_ours()[name])
    elif not is_known(name):
        nearest = difflib.get_close_matches(name, names(), n=3, cutoff=0.5) or names()
        raise UserError(f"no metric {name!r}: the nearest names are {', '.join(nearest)}")
    return Metric.named[name]


def directions() -> dict[str, bool | None]:
    """{name of a score: whether higher is better}, of all metrics; None: neither."""
    return {score: higher for name in names() for score, higher in find(name).scores.items()}


def resolve(metrics: Iterable[str | Metric]) -> tuple[Metric, ...]:
    """Metrics from metrics and names; named ones get their gin bindings.

    Raises:
      UserError: a name is unknown, a metric is there twice with equal settings, or there is none.
    """
    found = tuple(
        config.configurable(find(one))() if isinstance(one, str) else one for one in metrics
    )
    if not found:
        raise UserError(f"no metrics are asked for: name some of {', '.join(names())}")
    for place, metric in enumerate(found):
        if not callable(metric) or not hasattr(metric, "needs") or isinstance(metric, type):
            raise UserError(f"{metric!r} is no metric: name one of {', '.join(names())}")
        if metric in found[:place]:
            raise UserError(f"the metric {metric.name} is asked for twice with the same settings")
    return found
