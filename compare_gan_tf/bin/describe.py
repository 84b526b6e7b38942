"""Print both networks layer by layer, with parameters and multiply-adds, and all objectives.

Multiply-adds are counted for one sample. The command trains and writes nothing, and does not read
public data sets. --model_dir describes a run by its saved config.

For example:

  compare-gan describe --gin_config=quickstart.gin

As one JSON object with "generator", "discriminator" and "objectives", for other programs:

  compare-gan describe --gin_config=quickstart.gin --json
"""

from collections.abc import Callable

from absl import flags

from compare_gan_tf.bin import build, output

NEEDS_MODEL_DIR = False


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    output.define_json_flag(flag_values)


def run(values: flags.FlagValues) -> None:
    """Builds the networks, and prints their description."""
    build.read_config(values)
    from compare_gan_tf.data.stand_ins import outlines
    from compare_gan_tf.gan import description as describe

    with outlines():
        _, gan = build.gan(values)
    description = describe.describe(gan, _bound)
    if values.json:
        output.show_json(description)
    else:
        output.show(describe.as_text(description))


def _bound(function: Callable) -> dict:
    """{parameter: value} that the config binds on a function, such as a loss."""
    import gin

    try:
        return gin.get_bindings(function)
    except ValueError:  # the function is not a configurable
        return {}
