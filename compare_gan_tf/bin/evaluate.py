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
from compare_gan_tf.errors import UserError


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
    if values.schedule == "continuous_eval":
        if not values["checkpoint"].using_default_value:
            raise UserError(
                f"--checkpoint={values.checkpoint} is for --schedule=once: continuous_eval scores "
                "all that `evaluate.every` names"
            )
        build.follow(values)
        return
    build.read_config(values)
    from compare_gan_tf import evaluation

    dataset, gan = build.gan()
    steps = None
    if values.checkpoint != "all":
        steps = [build.choose_step(values.model_dir, values.checkpoint)]
    build.print_scores(evaluation.evaluate(values.model_dir, gan, dataset, steps=steps))


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the verb and exits."""
    command.main("evaluate", __doc__, define_flags, run, argv)


if __name__ == "__main__":
    main()
