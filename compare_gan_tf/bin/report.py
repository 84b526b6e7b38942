"""Write an HTML page about a run: samples next to real data, curves, scores and settings.

The page is one file, <model_dir>/report/index.html, that needs no other. The sample grid is also
written as samples.png in the same folder.

For example:

  compare-gan report --model_dir=runs/quickstart
"""

from absl import flags

from compare_gan_tf.bin import build


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    build.define_checkpoint_flag(flag_values)


def run(values: flags.FlagValues) -> None:
    """Writes the report, and prints its path."""
    build.read_config(values)
    from compare_gan_tf.bin import quiet
    from compare_gan_tf.report import write_report

    quiet.silence_font_cache()

    step = build.choose_step(values.model_dir, values.checkpoint)
    dataset, gan = build.gan(values)
    print(write_report(values.model_dir, gan, dataset, step=step))
