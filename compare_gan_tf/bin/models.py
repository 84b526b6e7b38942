"""List the trained models that ship with this package, with their scores.

For example:

  compare-gan models
  compare-gan sample --model=digits --output=samples.png

and in Python:

  model = compare_gan_tf.pretrained.load("digits")
  images = model.sample(16)
"""

import json

from absl import flags

from compare_gan_tf import pretrained
from compare_gan_tf.bin.command import show

COMMON_FLAGS = ()
NEEDS_MODEL_DIR = False
_HEADER = ("model", "data", "samples", "classes", "parameters", "score on test")


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    flags.DEFINE_bool("json", False, "Print all facts as JSON.", flag_values=flag_values)


def run(values: flags.FlagValues) -> None:
    """Prints the table."""
    known = [pretrained.facts(name) for name in pretrained.names()]
    if values.json:
        print(json.dumps(known, indent=2))
        return
    rows = [_HEADER, *map(_row, known)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
             for row in rows)  # fmt: skip
    show("\n".join(line.rstrip() for line in lines))


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
