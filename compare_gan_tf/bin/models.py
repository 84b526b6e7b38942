"""List the trained models that ship with this package, with their scores.

For example:

  compare-gan models
  compare-gan sample --model=digits --output=samples.png

and in Python:

  model = compare_gan_tf.pretrained.load("digits")
  images = model.sample(16)
"""

from absl import flags

from compare_gan_tf import pretrained
from compare_gan_tf.bin import output

COMMON_FLAGS = ()
NEEDS_MODEL_DIR = False
_HEADER = ("model", "data", "samples", "classes", "parameters", "score on test")


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    output.define_json_flag(flag_values, "Print all facts as JSON.")


def run(values: flags.FlagValues) -> None:
    """Prints the table."""
    known = [pretrained.facts(name) for name in pretrained.names()]
    if values.json:
        output.show_json(known)
    else:
        output.show_table(_HEADER, list(map(_row, known)))


def _row(facts: dict) -> tuple[str, ...]:
    shape = " x ".join(map(str, facts["sample_shape"]))
    return (
        facts["name"],
        facts["data"]["name"] or "",
        f"{facts['kind']} {shape}",
        str(facts["num_classes"] or ""),
        f"{sum(facts['parameters'].values()):,}",
        _score(facts["scores"]),
    )


def _score(scores: list[dict]) -> str:
    """The first score of the test split; FID comes first where there is one."""
    row = next((row for row in scores if row["split"] == "test"), None)
    if row is None:
        return ""
    interval = " [{:.4g}, {:.4g}]".format(*row["interval"]) if row["interval"] else ""
    return f"{row['metric']} {row['value']:.4g}{interval}"
