"""The contract between the game and its terms."""

__all__ = ["Game", "Objective", "Samples", "Scored", "Term", "View"]

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from compare_gan_tf.settings.signatures import Count, Factor, checked

DISCRIMINATOR, GENERATOR = "discriminator", "generator"


class View(NamedTuple):
    """Samples for D to score; objectives that name the same tensors share the pass."""

    images: Any
    labels: Any = None
    needs_gradient: bool = False  # fills Scored.input_gradient


class Samples(NamedTuple):
    """The samples of one update on this replica, n on each side; all objectives share them."""

    real: Any  # what D sees as real: [n, H, W, C] in [-1, 1], or points [n, D]
    real_labels: Any  # int32 [n], or probabilities float32 [n, K], or None
    z: Any  # the input of G: [n, dim]
    fake_labels: Any  # int32 [n], or None
    fake: Any  # the output of G, shaped as `real`
    fake_outputs: Any = None  # with an alphabet: G's logits, from which `fake` is drawn

    @property
    def real_view(self) -> View:
        """The reals under their labels."""
        return View(self.real, self.real_labels)

    @property
    def fake_view(self) -> View:
        """The fakes under their labels."""
        return View(self.fake, self.fake_labels)


class Scored(NamedTuple):
    """D's outputs on one view."""

    images: Any  # before augmentation
    logits: Any  # [n]
    features: Any  # [n, F]
    input_gradient: Any = None  # d logits[i] / d images[i], shaped as images, or None
    heads: Any = None  # {name: [n, ...]}: all further outputs of D


class Term(NamedTuple):
    """Values of one additive term: it is sum(weights * values) / sum(weights) over all replicas."""

    name: str  # "" for an objective with one term
    values: Any  # [n]
    weights: Any = None  # [n]; None means ones
    factor: Any = None  # of the term in the loss, a number or a schedule; None: Objective.weight


class Game(NamedTuple):
    """What an objective may ask of the update it is part of."""

    noise: Any  # compare_gan_tf.random.Noise of this update
    gather: Callable  # [n, ...] -> the global batch [N, ...]; differentiable
    step: Any = None  # training steps done before this one, int64 scalar
    generator: Any = None  # the networks: for penalties on weights, not to be called
    discriminator: Any = None
    generate: Callable | None = None  # (z, labels) -> samples; a pass of G that writes no state
    alphabet: Any = None  # of a discrete G, see `alphabets`


class Objective(keras.layers.Layer):
    """One additive term of the game, as `weight` times the sum of its terms.

    A subclass says which views of the data D must score for it and turns the scores into terms.
    It never runs D itself: D makes one pass over the views that all objectives name together.

    Variables of its own, such as those of a head on D's features, are made in `build_for`; the
    players in `trains_with` train them.

    Args:
      weight: factor of its terms in the loss: a number, 0 or more, or a schedule over the training
        step. A negative one would turn a term round; what is to be made large, such as the distance
        in `LatentConsistency`, has its minus sign in its own formula.
      every: the terms exist in one of so many training steps, `every` times as heavy (lazy
        regularisation, Karras et al., 2020, appendix B), and D's pass for them is made in that step
        alone. The first is step number `every`. Logs have 0 in between.
      name: prefix of its terms in the logs.
    """

    generator_needs_real = False  # whether G's update needs fresh reals beside the fakes
    estimates_gradient = False  # whether its terms for G need no gradient of the fakes
    generates = False  # whether it calls `Game.generate`
    reads = ()  # D's outputs beside "logits" and "features" that its terms are of
    trains_with = (DISCRIMINATOR,)  # the players whose optimiser moves its trainable variables
    observes = False  # whether it has a state that `update` moves: set where a class defines it

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        cls.observes = cls.update is not Objective.update

    @checked
    def __init__(self, *, weight: Factor = 1.0, every: Count = 1, name: str | None = None):
        super().__init__(name=name)
        self.weight = weight
        self.every = every
        self.built = True

    def _of(self, parameter: str) -> str:
        """How a message names a parameter."""
        return f"{type(self).__name__}.{parameter}"

    def build_for(self, gan):
        """Makes the variables; called once, when the players of `gan` exist.

        Raises:
          UserError: the objective does not fit that GAN.
        """

    def views(self, player: str, game: Game, samples: Samples) -> dict[str, View]:
        """The views that the update of `player` needs, under names of the objective's own."""
        return {}

    def discriminator(self, game: Game, samples: Samples, scored: dict[str, Scored]) -> list[Term]:
        """Terms of D's loss, of the scores of this objective's views."""
        return []

    def generator(self, game: Game, samples: Samples, scored: dict[str, Scored]) -> list[Term]:
        """Terms of G's loss."""
        return []

    def update(self, game: Game, samples: Samples, scored: dict[str, Scored]):
        """Moves state after an update of D, of the scores that were made in it.

        State must come out equal on all replicas: see `Game.gather`. With `every` > 1 there are no
        scores.
        """
