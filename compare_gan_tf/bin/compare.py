"""Rank existing runs, with intervals over seeds.

Runs whose configs differ only in the seed are one variant. A variant is named by the values of the
bindings in which the configs differ. All scores must have the same protocol.

For example:

  compare-gan compare runs/*
  compare-gan compare runs/hinge* runs/wgan* --metric=kid --output=reports/losses
"""

import os

from absl import flags

from compare_gan_tf.bin import output as outputs
from compare_gan_tf.bin.study import common
from compare_gan_tf.errors import UserError

COMMON_FLAGS = ()
NEEDS_MODEL_DIR = False
ARGUMENTS = "runs"


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    flags.DEFINE_multi_string(
        "runs", [], "Folder of a run. Repeatable; --runs= may be left out.", flag_values=flag_values
    )
    texts = {
        "metric": ("fid", "The score by which variants are ranked."),
        "select_on": ("validation", "The split on which the checkpoint of a run is selected."),
        "report_on": ("test", "The split whose scores are compared."),
        "output": ("comparison", "Folder for the page, index.html, and the folder tables."),
        "title": (None, "Title of the page. Default: the name of --output."),
    }
    for name, (default, text) in texts.items():
        flags.DEFINE_string(name, default, text, flag_values=flag_values)
    flags.DEFINE_enum(
        "checkpoint",
        "best",
        ["best", "last"],
        "Checkpoint of each run: the best by --metric on --select_on, or the last.",
        flag_values=flag_values,
    )
    common.define_figures_flag(flag_values)
    outputs.define_json_flag(flag_values)


def run(values: flags.FlagValues) -> None:
    """Prints the ranked table, and writes the page."""
    if not values.runs:
        raise UserError("name the runs to compare, such as compare-gan compare runs/*")
    from compare_gan_tf.bin import quiet

    quiet.import_tensorflow()
    from compare_gan_tf.comparison import folders, grouping

    names = ("metric", "select_on", "report_on", "checkpoint")
    rule = folders.Rule(**{name: values[name].value for name in names})
    title = values.title or os.path.basename(os.path.normpath(values.output))
    found = grouping.comparison(values.runs, rule, title=title)
    write(found, {}, values.output, figures=values.figures, as_json=values.json)


def write(
    comparison, grids, output: str, *, importance=None, figures: bool = False, as_json: bool = False
) -> None:
    """Prints the verdict and the leaderboard, and writes the page and every table.

    Args:
      comparison: the runs.
      grids: {name of a run: PNG of its samples}.
      output: folder for index.html and the folder tables.
      importance: {setting: share of the variance of the score}, if known.
      figures: whether each is written as PDF and PNG, too.
      as_json: whether one JSON object is printed in place of text.
    """
    from compare_gan_tf import report
    from compare_gan_tf.comparison import tables, terminal, verdict

    made = tables.tables(comparison, importance)
    tables.write(made, os.path.join(output, "tables"))
    page = report.write_comparison(comparison, grids, f"{output}/index.html", importance)
    if figures:
        report.write_figures(comparison, os.path.join(output, "figures"))
    said = verdict.verdict(comparison, made)
    if as_json:
        rows = {"leaderboard": made["leaderboard"].rows} if "leaderboard" in made else {}
        outputs.show_json({**rows, "verdict": said, "page": page})
        return
    if "leaderboard" in made:
        outputs.show_table(*terminal.table(made["leaderboard"]))
    outputs.show("\n".join([*said, page]))
