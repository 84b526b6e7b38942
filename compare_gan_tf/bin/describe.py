"""Print both networks layer by layer, what they cost, and every objective with its settings.

Multiply-adds are those of one sample. Nothing is trained and nothing is written; --model_dir is for
a run's own config alone. Public data sets need not be on this machine.

For example:

  compare-gan describe --gin_config=quickstart.gin

For programs, an object with "generator", "discriminator" and "objectives":

  compare-gan describe --gin_config=quickstart.gin --json
"""

import json
from collections.abc import Callable

from absl import flags

from compare_gan_tf.bin import build

NEEDS_MODEL_DIR = False


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    flags.DEFINE_bool("json", False, "Print one JSON object instead.", flag_values=flag_values)


def run(values: flags.FlagValues) -> None:
    """Builds the networks, and prints what they are."""
    build.read_config(values)
    from compare_gan_tf.data.stand_ins import outlines
    from compare_gan_tf.gan import description as describe

    with outlines():
        _, gan = build.gan(values)
    description = describe.describe(gan, _bound)
    print(json.dumps(description, indent=2) if values.json else describe.as_text(description))


def _bound(function: Callable) -> dict:
    """The parameters that the config binds of a function, such as of a loss."""
    import gin

    try:
        return gin.get_bindings(function)
    except ValueError:  # not one of gin's
        return {}
