"""Metrics of generated samples: feature extractors, statistics, and the protocol of a score.

    from compare_gan_tf import metrics

    print(metrics.evaluate("reals.npz", "fakes.npz", metrics=["fid", "kid"]))

`evaluate` is `compare_gan_tf.evaluation.pairs.evaluate`, imported at its first use.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors, which do not run `__getattr__`; "as" says it is exported
    from compare_gan_tf.evaluation.pairs import evaluate as evaluate
    from compare_gan_tf.metrics.registry import names as names

# Public names and the modules that they come from.
_PUBLIC = {
    "evaluate": "compare_gan_tf.evaluation.pairs",
    "names": "compare_gan_tf.metrics.registry",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value
