"""The contract between the game and its terms."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

DISCRIMINATOR, GENERATOR = "discriminator", "generator"


class Samples(NamedTuple):
    """One update's samples of this replica, shared by all objectives; n samples on each side."""

    real: Any  # what D sees as real: [n, H, W, C] in [-1, 1], or points [n, D]
    real_labels: Any  # int32 [n], or None
    z: Any  # what G was fed: [n, dim]
    fake_labels: Any  # int32 [n], or None
    fake: Any  # what G made of it, shaped as `real`


class View(NamedTuple):
    """Samples for D to score; objectives that name the same tensors share the pass."""

    images: Any
    labels: Any = None
    needs_gradient: bool = False  # fills Scored.input_gradient


class Scored(NamedTuple):
    """D's outputs on one view."""

    images: Any
    logits: Any  # [n]
    features: Any  # [n, F]
    input_gradient: Any = None  # d logits[i] / d images[i], shaped as images, or None


class Term(NamedTuple):
    """Values of one additive term: it is sum(weights * values) / sum(weights) over all replicas."""

    name: str  # "" for an objective with one term
    values: Any  # [n]
    weights: Any = None  # [n]; None means ones


class Game(NamedTuple):
    """What an objective may ask of the update it is part of."""

    noise: Any  # compare_gan_tf.random.Noise of this update
    gather: Callable  # [n, ...] -> the global batch [N, ...]; differentiable


class Objective(keras.layers.Layer):
    """One additive term of the game, as `weight` times the sum of its terms.

    A subclass says which views of the data D must score for it and turns the scores into terms.
    It never runs D itself: D makes one pass over the views that all objectives name together.
    """

    generator_needs_real = False  # whether G's update needs fresh reals beside the fakes

    def __init__(self, *, weight: float = 1.0, name: str | None = None):
        super().__init__(name=name)
        self.weight = weight
        self.built = True

    def views(self, player: str, game: Game, samples: Samples) -> dict[str, View]:
        """The views that the update of `player` needs, under names of the objective's own."""
        return {}

    def discriminator(self, game: Game, samples: Samples, scored: dict[str, Scored]) -> list[Term]:
        """Terms of D's loss, of the scores of this objective's views."""
        return []

    def generator(self, game: Game, samples: Samples, scored: dict[str, Scored]) -> list[Term]:
        """Terms of G's loss."""
        return []
