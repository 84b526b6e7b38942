"""Export the generator and the discriminator of a checkpoint as SavedModels (TF Hub modules) and
.keras files, with a card of their scores.

They are written to <model_dir>/hub/<step>/, then loaded and compared with the model in memory. To
use a SavedModel you need TensorFlow, and not this package. --formats adds files for others.

For example:

  compare-gan export --model_dir=runs/quickstart

and then, in Python:

  module = tf.saved_model.load("runs/quickstart/hub/2000/generator")
  images = module.sample(16, [0, 1], 0.0)  # float32 [16, height, width, channels] in [0, 1]
"""

import contextlib

from absl import flags

from compare_gan_tf.bin import build, ema, output, quiet


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    build.define_checkpoint_flag(flag_values)
    flags.DEFINE_list(
        "formats",
        [],
        "Further formats, comma-separated: onnx (both players for onnxruntime), litert (the"
        " generator as .tflite), safetensors (the weights of both). Each needs the extra of its"
        " name, such as pip install 'compare_gan_tf[onnx]'.",
        flag_values=flag_values,
    )
    ema.define_flag(flag_values)
    output.define_json_flag(flag_values)


def run(values: flags.FlagValues) -> None:
    """Exports both networks, and prints the path of each file."""
    build.read_config(values)
    from compare_gan_tf.export import export_run, further_formats

    further_formats.require(values.formats)
    step = build.choose_step(values.model_dir, values.checkpoint)
    dataset, gan = build.gan(values)
    ema.restore(values, gan, step)
    known = {"class_names": dataset.class_names, "data": dataset.name}
    formats = values.formats
    with quiet.filtered_stderr() if formats else contextlib.nullcontext():  # converters talk
        known |= {"formats": formats, "ema_length": ema.length(values)}
        written = export_run(gan, values.model_dir, step, **known)
    if values.json:
        output.show_json(written)
        return
    for name, path in written.items():
        print(f"{name}: {path}")
