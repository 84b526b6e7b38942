r"""Score the checkpoints of a run, and keep a copy of the best.

Every score is a line of <model_dir>/scores.jsonl with the protocol it was computed under; what is
scored already is not computed again. The best checkpoint is chosen on the validation split.

For example:

  compare-gan evaluate --model_dir=runs/quickstart

More samples, for the newest checkpoint alone:

  compare-gan evaluate --model_dir=runs/quickstart --checkpoint=latest \
      --gin_bindings='evaluate.num_samples = 5000'
"""

from collections.abc import Sequence

from absl import flags

from compare_gan_tf.bin import build, command


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    build.define_checkpoint_flag(flag_values, all_steps=True)
    flags.DEFINE_enum(
        "schedule",
        "once",
        ["once", "continuous_eval"],
        "once; continuous_eval goes on with the checkpoints that a training writes, until it is"
        " done.",
        flag_values=flag_values,
    )


def run(values: flags.FlagValues) -> None:
    """Scores, and prints the scores."""
    build.read_config(values)
    from compare_gan_tf import evaluation

    dataset, gan = build.gan()
    if values.schedule == "continuous_eval":
        rows = evaluation.follow(values.model_dir, gan, dataset)
    elif values.checkpoint == "all":
        rows = evaluation.evaluate(values.model_dir, gan, dataset)
    else:
        step = build.choose_step(values.model_dir, values.checkpoint)
        rows = evaluation.evaluate(values.model_dir, gan, dataset, steps=[step])
    for row in rows:
        print(describe(row))


def describe(row: dict) -> str:
    """One line for one score."""
    value = f"failed: {row['reason']}" if row["value"] is None else f"{row['value']:.4f}"
    return f"step {row['step']:>8}  {row['metric']} {row['split']:<10} {value}"


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the verb and exits."""
    command.main("evaluate", __doc__, define_flags, run, argv)


if __name__ == "__main__":
    main()
