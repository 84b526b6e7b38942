"""Export the generator and the discriminator of a checkpoint as TF Hub modules and .keras files,
with a card of their scores.

They are written to <model_dir>/hub/<step>/, then loaded and compared with the model in memory. To
use a module you do not need this package.

For example:

  compare-gan export --model_dir=runs/quickstart

and then, in Python:

  module = tensorflow_hub.load("runs/quickstart/hub/2000/generator")
  images = module.sample(16, seed=[0, 1], truncation=0.0)  # float32 [16, height, width, channels]
"""

from absl import flags

from compare_gan_tf.bin import build


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    build.define_checkpoint_flag(flag_values)


def run(values: flags.FlagValues) -> None:
    """Exports both networks, and prints the path of each file."""
    build.read_config(values)
    from compare_gan_tf.export import export_run
    from compare_gan_tf.runs import checkpoints

    step = build.choose_step(values.model_dir, values.checkpoint)
    dataset, gan = build.gan(values)
    checkpoints.restore_players(gan, values.model_dir, step)
    names, data = dataset.class_names, dataset.name
    written = export_run(gan, values.model_dir, step, class_names=names, data=data)
    for name, path in written.items():
        print(f"{name}: {path}")
