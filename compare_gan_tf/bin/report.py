"""Write one HTML page about a run: samples beside real data, curves, scores and settings.

The page is <model_dir>/report/index.html, and needs no other file; the sample grid is beside it
as samples.png.

For example:

  compare-gan report --model_dir=runs/quickstart
"""

from absl import flags

from compare_gan_tf.bin import build


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    build.define_checkpoint_flag(flag_values)


def run(values: flags.FlagValues) -> None:
    """Writes the report, and prints where it lies."""
    build.read_config(values)
    from compare_gan_tf.bin import quiet
    from compare_gan_tf.report import write_report

    quiet.silence_font_cache()

    step = build.choose_step(values.model_dir, values.checkpoint)
    dataset, gan = build.gan(values)
    print(write_report(values.model_dir, gan, dataset, step=step))
