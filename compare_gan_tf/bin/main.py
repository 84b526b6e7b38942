"""The console command `compare-gan`: hands over to one of the verbs."""

import importlib
import sys
from collections.abc import Sequence

from compare_gan_tf import __version__
from compare_gan_tf.bin import command
from compare_gan_tf.bin.command import PROGRAM, show
from compare_gan_tf.config.gin_errors import did_you_mean

VERBS = {
    "train": "train a GAN, or go on with a training",
    "evaluate": "score its checkpoints, or any fakes against any real samples",
    "data": "show a data set: counts, classes, samples, speed",
    "describe": "print the networks layer by layer, and the objectives",
    "sample": "write samples as a grid, PNG files, arrays or text",
    "export": "write TF Hub modules of generator and discriminator",
    "study": "compare variants: train each with several seeds, and rank them",
    "compare": "rank runs that are there, grouped by what they differ in",
    "toy": "fit a model to points in the plane, and draw what it went through",
    "report": "write an HTML page with samples, curves and scores",
}


def help_text() -> str:
    """What `compare-gan --help` prints."""
    verbs = "\n".join(f"  {verb:10}{summary}" for verb, summary in VERBS.items())
    return (
        f"{PROGRAM} {__version__}: train, score and export generative adversarial networks\n\n"
        f"Usage: {PROGRAM} VERB [--model_dir=FOLDER] [flags]\n\n"
        f"Verbs:\n{verbs}\n\n"
        f"{PROGRAM} VERB --help tells the flags of a verb. For example:\n\n"
        f"  {PROGRAM} train --gin_config=quickstart.gin --model_dir=runs/quickstart"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the verb that `argv` names, and exits."""
    program, *arguments = sys.argv if argv is None else argv
    if not arguments or arguments[0] in ("-h", "-help", "--help", "--helpfull", "help"):
        show(help_text())
        sys.exit(0)
    if arguments[0] == "--version":
        print(__version__)
        sys.exit(0)
    verb, *rest = arguments
    if verb not in VERBS:
        nearest = did_you_mean(verb, VERBS)
        print(
            f"{PROGRAM}: no verb {verb!r}{nearest or '; the verbs are ' + ', '.join(VERBS)}",
            file=sys.stderr,
        )
        sys.exit(1)
    module = importlib.import_module(f"compare_gan_tf.bin.{verb}")
    if rest and rest[0] in getattr(module, "SUBVERBS", ()):
        module = importlib.import_module(f"{module.__name__}.{rest.pop(0)}")
    command.main(module, [program, *rest])


if __name__ == "__main__":
    main()
