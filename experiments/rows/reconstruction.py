"""Minimum reconstruction error falls as a model gets better (Qi, 2017; row 37).

A GAN of the 8x8 digits at 250 and at 4,000 steps; of the last one, images that it was trained on
against those of test.
"""

from measures import Measure
from trained import load, train

EARLY, LATE = "mean |x - G(z)| at 250 steps", "mean |x - G(z)| at 4,000 steps"
FALL = "fall from 250 to 4,000 steps"
GAP = "error of test less train, share of that of test"
MEASURES = [
    Measure(name=EARLY),
    Measure(name=LATE),
    Measure(name=FALL, at_least=0.0),
    Measure(name=GAP, at_most=0.1),
]
BINDINGS = ("train.checkpoint_every = 250", "train.keep_checkpoints = 100")


def measure(seed: int, folder: str) -> dict[str, float]:
    train("quickstart.gin", folder, seed=seed, bindings=BINDINGS)
    early, late = (_scores(folder, step) for step in (250, 4000))
    errors = [one["reconstruction_error_held_out"].value for one in (early, late)]
    return {
        EARLY: errors[0],
        LATE: errors[1],
        FALL: errors[0] - errors[1],
        GAP: late["reconstruction_gap"].value / errors[1],
    }


def _scores(folder: str, step: int):
    """Of the first 100 images of train and of test, with the weights of a checkpoint."""
    from compare_gan_tf.evaluation.generators import Players
    from compare_gan_tf.evaluation.sides import Method, Wanted
    from compare_gan_tf.metrics.base import Collected, Rows
    from compare_gan_tf.metrics.reconstruction_error import ReconstructionError

    dataset, gan = load(folder, step)
    train_side, test_side = (
        {"images": Rows.of(chosen.images), "labels": Rows.of(chosen.labels)}
        for chosen in (dataset.splits["train"], dataset.splits["test"])
    )
    kinds = frozenset(("generate", "latents", "labels"))
    wanted = Wanted(kinds=kinds, number=10, method=Method(seed=0))
    real = Collected(**train_side, held_out=Collected(**test_side))
    fake = Players(gan, tag="test").give(wanted)
    return ReconstructionError(images=100, starts=2, steps=100)(real, fake)
