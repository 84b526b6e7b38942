r"""Converts models that other programs have trained, for compare-gan and pretrained.load.

A checkpoint of an SNGAN of torch-mimicry becomes an export with both players (needs torch):

  python experiments/convert.py mimicry --generator=netG_100000_steps.pth \
      --discriminator=netD_100000_steps.pth --model_dir=runs/mimicry
  compare-gan sample --model=runs/mimicry/hub/100000 --output=samples.png

The generator of a TF1 Hub module, such as google/compare_gan has published, becomes a module with
the endpoints of export/README.md; --latents is what it was trained with:

  python experiments/convert.py hub_v1 --module=ssgan_128x128 --latents=uniform --output=ssgan
  compare-gan sample --module=ssgan --output=samples.png
"""

import argparse
import dataclasses
import os
import sys

import keras

from compare_gan_tf import export
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan.drawing import Draws
from compare_gan_tf.latents import Normal, Uniform

LATENTS = {"normal": Normal, "uniform": Uniform}


@dataclasses.dataclass
class Converted(Draws):
    """A GAN without training: what the exporter needs of one."""

    generator: keras.Model
    discriminator: keras.Model
    latents: Normal
    current_step: int
    num_classes: None = None
    uses_ema: bool = False
    alphabet: None = None

    @property
    def sampling_generator(self):
        return self.generator

    @property
    def sample_shape(self):
        return tuple(self.generator.output.shape[1:])


def convert_mimicry(generator: str, discriminator: str, model_dir: str) -> str:
    """Exports both players of mimicry's files; returns the folder of the export.

    Raises:
      UserError: they cannot be read or are of another network, or the folder cannot be written.
    """
    import mimicry

    arrays, step = mimicry.read(generator)
    g = mimicry.generator(arrays)
    d = mimicry.discriminator(mimicry.read(discriminator)[0], g.output.shape[1])
    gan = Converted(g, d, Normal(g.inputs[0].shape[-1]), step)
    return os.path.dirname(export.export_run(gan, model_dir, step)["generator"])


def convert_hub_v1(module: str, output: str, latents: str, num_classes: int | None) -> str:
    """Writes the generator of a TF1 Hub module; returns its folder.

    Raises:
      UserError: the module cannot be read or used, or the folder cannot be written.
    """
    import hub_v1

    generator = hub_v1.HubGenerator(module)
    if generator.is_conditional != (num_classes is not None):
        takes = "takes" if generator.is_conditional else "takes no"
        raise UserError(f"{module} {takes} labels, and --num_classes is {num_classes}")
    prior = LATENTS[latents](generator.inputs[0].shape[-1])
    export.export_generator(generator, prior, num_classes, output)
    return output


def _arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(required=True)
    one = kinds.add_parser("mimicry", help="an SNGAN of torch-mimicry")
    for name, text in (
        ("generator", "file netG_*.pth"),
        ("discriminator", "file netD_*.pth"),
        ("model_dir", "folder to write: the export is <model_dir>/hub/<step>"),
    ):
        one.add_argument(f"--{name}", required=True, help=text)
    one.set_defaults(convert=convert_mimicry)
    one = kinds.add_parser("hub_v1", help="a TF1 Hub module")
    one.add_argument("--module", required=True, help="folder with saved_model.pb and variables/")
    one.add_argument("--latents", required=True, choices=LATENTS, help="z: N(0, 1), or U[-1, 1]")
    one.add_argument("--num_classes", type=int, help="of a module that takes labels")
    one.add_argument("--output", required=True, help="folder of the module to write")
    one.set_defaults(convert=convert_hub_v1)
    return vars(parser.parse_args())


def main():
    """Converts what the arguments name, and prints where it is."""
    arguments = _arguments()
    try:
        print(arguments.pop("convert")(**arguments))
    except UserError as error:
        sys.exit(f"convert.py: {error}")


if __name__ == "__main__":
    main()
