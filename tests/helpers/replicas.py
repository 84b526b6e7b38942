"""Trains objectives for three steps, in groups, on one and two replicas; run by test_replicas.py.

Usage: replicas.py fast|kinds|all OUTPUT.npz
"""

import functools
import sys

import catalogue
import keras
import numpy as np
import strategies

from compare_gan_tf import optimizers
from compare_gan_tf.augment import ADA, APA, Adaptive, Chain
from compare_gan_tf.augment.geometry import x_flip
from compare_gan_tf.data import Split, pipeline
from compare_gan_tf.gan.distribution import distribute
from compare_gan_tf.layers import batch_norm, no_norm
from compare_gan_tf.optimizers import PostHocEMA
from compare_gan_tf.optimizers.schedules import cosine_decay
from compare_gan_tf.testing import games

STEPS = 3
FAST = ("games", "penalties")  # of the kinds


def _adam():
    """With a small epsilon Adam follows the rounding of gradients that are zero, as of a bias
    before batch norm.
    """
    return optimizers.adam(learning_rate=0.02, epsilon=0.01)


def _clipping():
    return optimizers.sgd(learning_rate=cosine_decay(start=0.1, steps=5), clip_norm=0.05)


def _augmentation():
    controllers = (Adaptive(target=0.0, speed=20.0, interval=1, p=0.4) for _ in range(2))
    return Chain(
        [APA(next(controllers)), ADA(geometry=[x_flip], colours=[], controller=next(controllers))]
    )


def cases(which: str) -> dict:
    """{name: function that makes its GAN}; the objectives of a group are in one list.

    Kinds have in company what else computes over all replicas.
    """
    groups = {
        "fast": {name: catalogue.KINDS[name] for name in FAST},
        "kinds": catalogue.KINDS,
        "all": catalogue.GROUPS | {"lazy": catalogue.LAZY},
    }[which]
    settings = {
        "games": lambda: {"optimizer": _adam, "d_steps": 2, "post_hoc_ema": PostHocEMA()},
        "penalties": lambda: {"augment": _augmentation()},
        "tasks": lambda: {"optimizer": _clipping},
    }
    return {
        name: functools.partial(
            _gan,
            dict.fromkeys(["non_saturating", *group]),
            dict if which == "all" else settings.get(name, dict),
            d_norm=no_norm if name == "lazy" else batch_norm,
        )
        for name, group in groups.items()
    }


def _gan(names, made, **settings):
    return catalogue.make_gan(catalogue.make(names), **settings, **made())


class Record(keras.callbacks.Callback):
    """Keeps every logged value."""

    def __init__(self):
        super().__init__()
        self.values = []

    def on_train_batch_end(self, batch, logs=None):
        self.values.append([float(logs[name]) for name in sorted(logs)])
        self.names = sorted(logs)


def images() -> Split:
    """Labelled ones at random."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, [37, *games.SHAPE]).astype(np.uint8)
    return Split(pixels, rng.integers(-1, games.CLASSES, 37).astype(np.int32))


def train(strategy, make, split: Split) -> dict[str, np.ndarray]:
    """Variables after three steps, and every log."""
    keras.utils.clear_session()  # names count anew
    keras.utils.set_random_seed(1)
    with strategy.scope():
        gan = make()
    gan.compile()
    batches = functools.partial(
        pipeline.batches,
        split,
        key=9,
        batch_size=games.BATCH,
        slices=gan.slices,
        start=0,
        stop=STEPS,
    )
    record = Record()
    data = distribute(strategy, batches)
    gan.fit_batches(data, steps_per_epoch=STEPS, verbose=0, callbacks=[record])
    parts = {part.name: part for part in (gan.generator, gan.discriminator, *gan.objectives)}
    parts |= {"ema": gan.ema, "post_hoc": gan.post_hoc, "augment": gan.augment}
    weights = {
        f"{part} {index} {variable.path}": variable.numpy()
        for part, layer in parts.items()
        if layer is not None
        for index, variable in enumerate(layer.variables)
    }
    return weights | {"logs": np.array(record.values), "names": np.array(record.names)}


def main():
    which, output = sys.argv[1:]
    strategies.write(output, cases(which), lambda *case: train(*case, images()))


if __name__ == "__main__":
    main()
