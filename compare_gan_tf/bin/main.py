"""The console command `compare-gan`, which runs one of the verbs."""

import importlib
import sys
from collections.abc import Sequence

from compare_gan_tf import __version__
from compare_gan_tf.bin import command, interrupts
from compare_gan_tf.bin.command import PROGRAM, show
from compare_gan_tf.config.gin_errors import did_you_mean

VERBS = {
    "train": "train a GAN, or resume an interrupted training",
    "evaluate": "score the checkpoints of a run, or compare any fake with any real samples",
    "data": "show a data set: counts, classes, samples, reading speed",
    "describe": "print the networks layer by layer, and the objectives",
    "benchmark": "measure steps/s, memory, and how long a whole run takes on this machine",
    "models": "list the trained models that ship with this package",
    "sample": "draw samples: a grid, PNG files, arrays or text",
    "export": "export generator and discriminator for TensorFlow, Keras, ONNX and others",
    "push": "publish an export on Hugging Face, on Kaggle or in a folder",
    "lower": "write the training as StableHLO programs, for a machine with JAX",
    "adopt": "make a run of what such a machine has trained",
    "study": "train several variants with several seeds each, and rank them",
    "compare": "rank existing runs, with intervals over seeds",
    "toy": "fit a model to 2-D points, and draw its training",
    "completion": "print a script that completes verbs, flags and values in your shell",
    "doctor": "check this installation and this machine, with a cure for what is broken",
    "report": "write an HTML page about a run: samples, curves and scores",
}


def help_text() -> str:
    """What `compare-gan --help` prints."""
    verbs = "\n".join(f"  {verb:11}{summary}" for verb, summary in VERBS.items())
    return (
        f"{PROGRAM} {__version__}: train, score, compare and export generative adversarial"
        " networks\n\n"
        f"Usage: {PROGRAM} VERB [--model_dir=FOLDER] [flags]\n\n"
        f"Verbs:\n{verbs}\n\n"
        f"'{PROGRAM} VERB --help' lists the flags of a verb. For example:\n\n"
        f"  {PROGRAM} train --gin_config=quickstart.gin --model_dir=runs/quickstart"
    )


@interrupts.as_exceptions()
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
