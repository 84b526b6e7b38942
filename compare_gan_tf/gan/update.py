"""One update of one player, in four parts: draw, score, terms, minimise.

Goodfellow et al. (2014), algorithm 1, for any list of objectives.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.architectures.conditioning import one_hot_like
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import accumulation, loss_scale
from compare_gan_tf.gan.lazy import lazy_terms
from compare_gan_tf.gan.passes import (
    all_reduce_sum,
    equal_share,
    frozen_logits,
    frozen_samples,
    gather,
    gradients,
    identity,
    samples_of,
    score_views,
)
from compare_gan_tf.layers import frozen_state, under_xla
from compare_gan_tf.objectives.base import (
    DISCRIMINATOR,
    GENERATOR,
    Game,
    Samples,
    Scored,
    Term,
)
from compare_gan_tf.optimizers import clipped, value_at

_REALS = "/real"  # keys the augmentation of reals that no objective names


class Context(NamedTuple):
    """What all parts of one update share."""

    gan: Any  # the `GAN`: its players, priors, augmentation and objectives
    player: str  # the player to be updated: DISCRIMINATOR or GENERATOR
    game: Game  # what objectives may use


class Scores(NamedTuple):
    """D's outputs on the views of one update."""

    views: dict[str, dict[str, Scored]]  # {name of an objective: {name of a view: Scored}}
    reals: Scored | None  # of the reals, if augmentation or a D that couples its batch needs them


class Fakes(NamedTuple):
    """G's pass of an update, before the alphabet and the augmentation."""

    z: Any  # [n, d]
    labels: Any  # int32 [n], or None
    outputs: Any  # of G
    moves: dict  # see `Samples`


class Shared(NamedTuple):
    """G's pass of D's last and G's first update under `reuse_last_batch`."""

    fakes: Fakes
    tape: tf.GradientTape  # of G's update


class Played(NamedTuple):
    """A batch, or a micro-batch of `GAN.accumulation`, from the draw to the loss."""

    shares: dict[str, Any]  # {name in the logs: this replica's share}, with that of the loss
    samples: Samples
    scores: Scores
    loss: Any = None  # this replica's share, scalar
    tape: tf.GradientTape | None = None
    weights: Any = None  # the values of `trained_by`, which the tape watches


def update(
    gan, player: str, real, real_labels, *, step, substep: int, shared: Shared | None = None
) -> dict:
    """Updates one player once.

    Args:
      gan: the `GAN`.
      player: DISCRIMINATOR or GENERATOR.
      real: reals of this replica, [n, ...], as `fitting.as_slices` prepares them.
      real_labels: int32 [n], probabilities float32 [n, K], or None.
      step: training steps done before this one, int64 scalar.
      substep: index of this update within the training step.
      shared: G's pass, see `shared_pass`; None for one of this update.

    Returns:
      {name in the logs: this replica's share of the term}, with the share of the player's loss.
    """
    start = functools.partial(begin, gan, player, step, substep)
    context = start()
    if gan.accumulation == 1:
        played = play(context, real, real_labels, shared=shared)
        found = minimise(context, played)
    else:
        parts = accumulation.accumulated(context, (real, real_labels), start, play, minimise)
        played, found = Played(*parts[:3]), parts[3]
    descend(context, found)
    if player == DISCRIMINATOR:
        observe(context, played.samples, played.scores)
    if scale := gan.loss_scales[player]:
        now = equal_share(tf.identity(scale.scale.value))
        return played.shares | {f"{player}/loss_scale": now}
    return played.shares


def play(context: Context, real, real_labels, *, shared=None, totals=None) -> Played:
    """Draws, scores and takes the loss; see `update` for the arguments, `share` for `totals`."""
    gan, player = context.gan, context.player
    weights = [variable.value for variable in trained_by(gan, player)]
    own = player == DISCRIMINATOR or shared is None
    tape = tf.GradientTape(watch_accessed_variables=False) if own else shared.tape
    with tape, under_xla(gan.compiled and gan.jit_compile):
        tape.watch(weights)
        # A player's state, such as moving averages, changes in that player's own updates only.
        with frozen_state(player != GENERATOR):
            fakes = shared.fakes if shared else generate(context, real.shape[0], real_labels)
        samples = draw(context, real, real_labels, fakes)
        with frozen_state(player != DISCRIMINATOR):
            scores = score(context, samples)
            terms = terms_of(context, samples, scores)
        shares = {name: share(term, name, totals) for name, (_, term) in terms.items()}
        # A sum of a stack has a fixed order; that of tf.add_n would be random.
        loss = tf.reduce_sum(tf.stack([terms[name][0] * shares[name] for name in terms]))
    return Played(shares | {f"{player}/loss": loss}, samples, scores, loss, tape, weights)


def shared_pass(gan, number: int, real_labels, *, step, substep: int) -> Shared:
    """G's pass for D's last and G's first update; see `update`, `number` is that of the fakes."""
    tape = tf.GradientTape(watch_accessed_variables=False)
    with tape, under_xla(gan.compiled and gan.jit_compile):
        tape.watch([variable.value for variable in gan.generator.trainable_variables])
        fakes = generate(begin(gan, GENERATOR, step, substep), number, real_labels)
    return Shared(fakes, tape)


def trained_by(gan, player: str) -> list:
    """The variables of a player, and those of the objectives that train with it."""
    members = [o for o in gan.objectives if player in o.trains_with]
    networks = [getattr(gan, player), *members]
    return [variable for network in networks for variable in network.trainable_variables]


def begin(gan, player: str, step, substep: int) -> Context:
    """The context of one update; the arguments are those of `update`."""
    noise = random.Noise(gan.seed, step, substep)
    networks = {"generator": gan.generator, "discriminator": gan.discriminator}
    calls = {
        "generate": functools.partial(frozen_samples, gan.generator),
        "judge": functools.partial(frozen_logits, gan.discriminator),
    }
    more = {"alphabet": gan.alphabet, **networks, **calls}
    return Context(gan, player, Game(noise, gather, step, **more))


# --- Draw -------------------------------------------------------------------------------------


def generate(context: Context, number: int, real_labels) -> Fakes:
    """Draws latents and labels, and generates so many fakes."""
    gan, noise = context.gan, context.game.noise
    z = noise.draw("z", gan.latents.sample, number)
    labels = None
    if gan.num_classes:
        labels = gan.label_distribution(noise, real_labels, gan.num_classes)
    moves = {}
    for one in filter(lambda one: one.moves_latents, gan.objectives):
        z, moves[one.name] = one.latents(context.game, z, labels)
    return Fakes(z, labels, samples_of(gan.generator, z, labels), moves)


def draw(context: Context, real, real_labels, fakes: Fakes) -> Samples:
    """The samples of an update: reals and fakes as D sees them."""
    gan, noise = context.gan, context.game.noise
    z, fake_labels, outputs, moves = fakes
    fake = outputs
    if gan.alphabet:
        real = gan.alphabet.encode(real)
        fake = gan.alphabet.relaxed(outputs, noise)
    if gan.augment is not None:
        pairs = (real, real_labels), (fake, one_hot_like(fake_labels, real_labels))
        real, real_labels = gan.augment.mix(*pairs, noise, "augment")
    return Samples(real, real_labels, z, fake_labels, fake, outputs, moves)


# --- Score ------------------------------------------------------------------------------------


def score(context: Context, samples: Samples) -> Scores:
    """Scores the views of all objectives that have terms in every step; see `score_views`."""
    gan, player = context.gan, context.player
    eager = [objective for objective in gan.objectives if objective.every == 1]
    views = {o.name: o.views(player, context.game, samples) for o in eager}
    tagged = [(f"{o}/{name}", view) for o, named in views.items() for name, view in named.items()]
    reals = None
    if gan.couples_batch or (gan.augment is not None and player == DISCRIMINATOR):
        # A D that couples its batch scores fakes together with reals in both players' updates.
        reals = samples.real_view
        tagged.append((_REALS, reals))
    augment = _augmentation(context)
    found = score_views(gan.discriminator, tagged, augment, together=gan.couples_batch)
    by_name = {o: {name: found[identity(v)] for name, v in views[o].items()} for o in views}
    return Scores(by_name, None if reals is None else found[identity(reals)])


def _augmentation(context: Context) -> Callable | None:
    """The augmentation of this update as a function (images, tag) -> images; None for none."""
    augment, noise = context.gan.augment, context.game.noise
    if augment is None:
        return None
    return lambda images, tag: augment(images, noise=noise, tag=f"augment/{context.player}/{tag}")


# --- Terms ------------------------------------------------------------------------------------


def terms_of(context: Context, samples: Samples, scores: Scores) -> dict[str, tuple[Any, Term]]:
    """The terms of the player's loss: {name in the logs: (factor, term)}."""
    player, game, found = context.player, context.game, {}
    for objective in context.gan.objectives:
        if objective.every == 1:
            terms = getattr(objective, player)(game, samples, scores.views[objective.name])
        else:
            terms = lazy_terms(objective, player, game, samples, _augmentation(context))
        for term in terms:
            name = "/".join(filter(None, (player, objective.name, term.name)))
            found[name] = factor_of(objective, term, game.step), term
    if not found:
        raise UserError(f"no objective has a term for the {player}: add @Adversarial()")
    return found


def factor_of(objective, term: Term, step):
    """The factor of a term in the loss at a training step."""
    factor = objective.weight if term.factor is None else term.factor
    return objective.every * value_at(factor, step)


def share(term: Term, name: str = "", totals: dict | None = None):
    """This replica's share of a term, scalar: the shares of all replicas add up to its value.

    A micro-batch has a share as a replica has. Its `totals` are {name of a term in the logs: the
    sum of its weights over the global batch}.
    """
    if term.weights is None:
        return tf.reduce_sum(term.values) / (term.values.shape[0] * random.place()[1])
    own = tf.reduce_sum(term.weights)
    total = all_reduce_sum(own) if totals is None else accumulation.total_of(name, own, totals)
    return tf.math.divide_no_nan(tf.reduce_sum(term.weights * term.values), total)


# --- Minimise ---------------------------------------------------------------------------------


def minimise(context: Context, played: Played) -> list:
    """The gradients of the loss by the player's variables, times the loss scale if it has one."""
    scale = context.gan.loss_scales[context.player]
    upstream = scale and scale.scale.value
    found = gradients(played.tape, played.loss, played.weights, upstream)
    with tf.control_dependencies([played.loss]):
        # All passes must read the weights before any weight changes. TensorFlow orders reads and
        # writes of a variable, but a bias whose gradient a pass does not need was updated before
        # that pass had read it, about once in a thousand steps on a busy machine.
        return [tf.identity(gradient) for gradient in found]


def descend(context: Context, gradients: list) -> None:
    """Applies what `minimise` has found to the player's variables."""
    gan, scale = context.gan, context.gan.loss_scales[context.player]
    optimizer = gan.d_optimizer if context.player == DISCRIMINATOR else gan.g_optimizer
    trained = trained_by(gan, context.player)
    if scale is None:
        optimizer.apply(clipped(optimizer, gradients), trained)
        return
    are_finite = all_reduce_sum(loss_scale.not_finite(gradients)) == 0.0
    scale.apply(optimizer, clipped(optimizer, scale.unscaled(gradients)), trained, are_finite)


def observe(context: Context, samples: Samples, scores: Scores) -> None:
    """Updates the state of the objectives and of the augmentation after an update of D."""
    for objective in context.gan.objectives:
        if objective.observes:
            objective.update(context.game, samples, scores.views.get(objective.name, {}))
    if context.gan.augment is not None:
        context.gan.augment.update(scores.reals.logits, gather)
