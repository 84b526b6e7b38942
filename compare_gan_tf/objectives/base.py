"""The interface between an update of a player and the objectives."""

__all__ = ["Game", "Objective", "Samples", "Scored", "Term", "View"]

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from compare_gan_tf.config import objects
from compare_gan_tf.settings.signatures import Count, Factor, checked

DISCRIMINATOR, GENERATOR = "discriminator", "generator"


class View(NamedTuple):
    """Samples for D to score; objectives that name the same tensors share the pass."""

    images: Any
    labels: Any = None
    needs_gradient: bool = False  # fills Scored.input_gradient
    augmented_as: str | None = None  # name of the objective's view whose augmentation it has, too


class Samples(NamedTuple):
    """The samples of one update on this replica, n on each side; all objectives share them."""

    real: Any  # what D sees as real: [n, H, W, C] in [-1, 1], or points [n, D]
    real_labels: Any  # int32 [n], or probabilities float32 [n, K], or None
    z: Any  # the input of G: [n, dim]
    fake_labels: Any  # int32 [n], or None
    fake: Any  # the output of G, shaped as `real`
    fake_outputs: Any = None  # with an alphabet: G's logits, from which `fake` is drawn
    moves: Any = None  # {name of an objective: what it has added to z, [n, dim]}

    @property
    def real_view(self) -> View:
        """The reals under their labels."""
        return View(self.real, self.real_labels)

    @property
    def fake_view(self) -> View:
        """The fakes under their labels."""
        return View(self.fake, self.fake_labels)


class Scored(NamedTuple):
    """D's outputs on one view of n samples."""

    images: Any  # [n, ...], before augmentation
    logits: Any  # [n]
    features: Any  # [n, F]
    input_gradient: Any = None  # d logits[i] / d images[i], shaped as images, or None
    heads: Any = None  # {name: [n, ...]}: all other outputs of D


class Term(NamedTuple):
    """One additive term of a loss: sum(weights * values) / sum(weights) over all replicas."""

    name: str  # "" for an objective with one term
    values: Any  # [n]
    weights: Any = None  # [n]; None means ones
    factor: Any = None  # in the loss, a number or a schedule; None means Objective.weight


class Game(NamedTuple):
    """What an objective may use in an update."""

    noise: Any  # compare_gan_tf.random.Noise of this update
    gather: Callable  # [n, ...] -> the global batch [N, ...]; differentiable
    step: Any = None  # training steps done before this one, int64 scalar
    generator: Any = None  # both networks, for penalties on weights: objectives do not call them
    discriminator: Any = None
    generate: Callable | None = None  # (z, labels) -> samples: a pass of G that writes no state
    judge: Callable | None = None  # (samples, labels) -> logits: a pass of D that writes no state
    alphabet: Any = None  # of a discrete G, see `alphabets`


def couples(function) -> bool:
    """Whether a setting of an objective says by an attribute that it couples the batch."""
    return getattr(getattr(function, "func", function), "couples_batch", False)


class Objective(objects.Configured, keras.layers.Layer):
    """Adds terms to the losses of D and G, each times `weight`.

    A subclass names the views that D must score, and turns the scores into terms. It never runs D
    itself: D makes one pass over the views of all objectives.

    `build_for` makes the objective's own variables, such as those of a head on D's features; the
    players in `trains_with` train them.

    Args:
      weight: factor of the terms in the loss: a number, 0 or more, or a schedule over training
        steps. A term that is to be maximised, such as the distance in `LatentConsistency`, has a
        minus sign in its formula, not in its weight.
      every: k for terms in every k-th training step only, with k times the weight (lazy
        regularisation, Karras et al., 2020, appendix B). The first one is step number k; the other
        steps skip D's pass for these terms, and log 0.
      name: prefix of the terms in the logs.
    """

    generator_needs_real = False  # whether G's update needs fresh reals
    estimates_gradient = False  # whether G's terms need no gradient through the fakes
    generates = False  # whether it calls `Game.generate`
    moves_latents = False  # whether the class defines `latents`
    reads = ()  # the outputs of D that it needs, other than "logits" and "features"
    couples_batch = False  # whether a term's values depend on other samples of the global batch
    weighs = False  # whether terms have weights, see `Term`, which depend on their own samples only
    trains_with = (DISCRIMINATOR,)  # the players whose optimisers train its variables
    observes = False  # whether the class defines `update`; set by `__init_subclass__`

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
        """The name of a parameter in messages, "Class.parameter"."""
        return f"{type(self).__name__}.{parameter}"

    def build_for(self, gan):
        """Makes the variables; called once, after the players of `gan` exist.

        Raises:
          UserError: the objective does not fit the GAN.
        """

    def latents(self, game: Game, z, labels) -> tuple:
        """(the latents that G takes in place of z, what was added to z), both [n, dim]."""
        raise NotImplementedError

    def views(self, player: str, game: Game, samples: Samples) -> dict[str, View]:
        """The views that D must score in an update of `player`: {name: view}."""
        return {}

    def discriminator(self, game: Game, samples: Samples, scored: dict[str, Scored]) -> list[Term]:
        """Terms of D's loss, from the scores of this objective's views."""
        return []

    def generator(self, game: Game, samples: Samples, scored: dict[str, Scored]) -> list[Term]:
        """Terms of G's loss, from the scores of this objective's views."""
        return []

    def update(self, game: Game, samples: Samples, scored: dict[str, Scored]):
        """Updates the objective's state after an update of D, from the scores of that update.

        The state must be equal on all replicas, see `Game.gather`. With `every` > 1, `scored` is
        empty.
        """
