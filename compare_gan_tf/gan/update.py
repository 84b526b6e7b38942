"""One update of one player, in four parts: draw, score, terms, minimise.

Goodfellow et al. (2014), algorithm 1, for any list of objectives.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.architectures.conditioning import one_hot_like
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan.lazy import lazy_terms
from compare_gan_tf.gan.passes import gradients, identity, score_views
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.layers.state import training_pass
from compare_gan_tf.objectives.base import (
    DISCRIMINATOR,
    GENERATOR,
    Game,
    Samples,
    Scored,
    Term,
    View,
)
from compare_gan_tf.optimizers import value_at
from compare_gan_tf.settings import keras_insides

_REALS = "/real"  # keys the augmentation of reals that no objective names


class Context(NamedTuple):
    """What all parts of one update share."""

    gan: Any  # the `GAN`: its players, priors, augmentation and objectives
    player: str  # who is updated: DISCRIMINATOR or GENERATOR
    game: Game  # what objectives may ask


class Scores(NamedTuple):
    """What D said of the views of one update."""

    views: dict[str, dict[str, Scored]]  # {objective: {view: what D said of it}}
    reals: Scored | None  # of the reals, where augmentation or a D that couples its batch needs it


def update(gan, player: str, real, real_labels, *, step, substep: int) -> dict:
    """Updates one player once.

    Args:
      gan: the `GAN`.
      player: DISCRIMINATOR or GENERATOR.
      real: reals of this replica, as `GAN.train_step` prepares them.
      real_labels: int32 [n], probabilities float32 [n, K], or None.
      step: training steps done before, int64 scalar.
      substep: number of this update within the training step.

    Returns:
      {name in the logs: this replica's share of the term}, and that of the player's loss.
    """
    now = begin(gan, player, step, substep)
    trained = trained_by(gan, player)
    weights = [variable.value for variable in trained]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights)
        # Each player's state, such as moving averages, moves in that player's own update alone.
        with frozen_state(player != GENERATOR):
            samples = draw(now, real, real_labels)
        with frozen_state(player != DISCRIMINATOR):
            scores = score(now, samples)
            terms = terms_of(now, samples, scores)
        shares = {name: share(term) for name, (_, term) in terms.items()}
        # In this order: that of tf.add_n would be up to chance.
        loss = tf.reduce_sum(tf.stack([terms[name][0] * shares[name] for name in terms]))
    minimise(now, loss, tape, weights, trained)
    if player == DISCRIMINATOR:
        observe(now, samples, scores)
    return shares | {f"{player}/loss": loss}


def trained_by(gan, player: str) -> list:
    """The player's variables, and those of objectives that train with it."""
    members = [o for o in gan.objectives if player in o.trains_with]
    networks = [getattr(gan, player), *members]
    return [variable for network in networks for variable in network.trainable_variables]


def begin(gan, player: str, step, substep: int) -> Context:
    """The context of one update; arguments as of `update`."""

    def generate(z, labels):
        with frozen_state():
            return _generate(gan, z, labels)

    noise = random.Noise(gan.seed, step, substep)
    networks = {"generator": gan.generator, "discriminator": gan.discriminator}
    more = {"generate": generate, "alphabet": gan.alphabet}
    return Context(gan, player, Game(noise, gather, step, **networks, **more))


def _generate(gan, z, labels):
    return training_pass(gan.generator, {"z": z} if labels is None else {"z": z, "labels": labels})


# --- Draw -------------------------------------------------------------------------------------


def draw(now: Context, real, real_labels) -> Samples:
    """Draws latents and labels, and G's fakes of them, beside the reals."""
    gan, noise = now.gan, now.game.noise
    z = noise.draw("z", gan.latents.sample, real.shape[0])
    fake_labels = None
    if gan.num_classes:
        fake_labels = gan.label_distribution(noise, real_labels, gan.num_classes)
    outputs = fake = _generate(gan, z, fake_labels)
    if gan.alphabet:
        real = gan.alphabet.encode(real)
        fake = gan.alphabet.relaxed(outputs, noise)
    if gan.augment is not None:
        pairs = (real, real_labels), (fake, one_hot_like(fake_labels, real_labels))
        real, real_labels = gan.augment.mix(*pairs, noise, "augment")
    return Samples(real, real_labels, z, fake_labels, fake, outputs)


# --- Score ------------------------------------------------------------------------------------


def score(now: Context, samples: Samples) -> Scores:
    """Lets D score, in one pass, every view that an objective of every step looks at."""
    gan, player = now.gan, now.player
    looking = [objective for objective in gan.objectives if objective.every == 1]
    views = {o.name: o.views(player, now.game, samples) for o in looking}
    tagged = [(f"{o}/{name}", view) for o, named in views.items() for name, view in named.items()]
    reals = None
    if gan.couples_batch or (gan.augment is not None and player == DISCRIMINATOR):
        # A D that couples its batch judges fakes beside reals, as it learns to.
        reals = View(samples.real, samples.real_labels)
        tagged.append((_REALS, reals))
    shown = _augmentation(now)
    found = score_views(gan.discriminator, tagged, shown, together=gan.couples_batch)
    by_name = {o: {name: found[identity(v)] for name, v in views[o].items()} for o in views}
    return Scores(by_name, None if reals is None else found[identity(reals)])


def _augmentation(now: Context) -> Callable | None:
    """What is done to the images of a view, function (images, tag); None for nothing."""
    augment, noise = now.gan.augment, now.game.noise
    if augment is None:
        return None
    return lambda images, tag: augment(images, noise=noise, tag=f"augment/{now.player}/{tag}")


# --- Terms ------------------------------------------------------------------------------------


def terms_of(now: Context, samples: Samples, scores: Scores) -> dict[str, tuple[Any, Term]]:
    """{name in the logs: (factor, term)} of the player's loss."""
    player, game, found = now.player, now.game, {}
    for objective in now.gan.objectives:
        if objective.every == 1:
            terms = getattr(objective, player)(game, samples, scores.views[objective.name])
        else:
            terms = lazy_terms(objective, player, game, samples, _augmentation(now))
        for term in terms:
            name = "/".join(filter(None, (player, objective.name, term.name)))
            found[name] = factor_of(objective, term, game.step), term
    if not found:
        raise UserError(f"no objective has a term for the {player}: add @Adversarial()")
    return found


def factor_of(objective, term: Term, step):
    """What a term is multiplied by in the loss at a step."""
    factor = objective.weight if term.factor is None else term.factor
    return objective.every * value_at(factor, step)


# --- Minimise ---------------------------------------------------------------------------------


def minimise(now: Context, loss, tape: tf.GradientTape, weights: list, trained: list) -> None:
    """Moves the player's variables down the gradient of its loss."""
    optimizer = now.gan.d_optimizer if now.player == DISCRIMINATOR else now.gan.g_optimizer
    descent = gradients(tape, loss, weights)
    with tf.control_dependencies([loss]):
        # All passes have read the weights before any is updated. TensorFlow orders reads and
        # writes of a variable by itself, but a bias of which a pass needs no gradient was seen
        # updated before that pass read it, once in some thousand steps on a busy machine.
        descent = [tf.identity(gradient) for gradient in descent]
    optimizer.apply(clipped(optimizer, descent), trained)


def observe(now: Context, samples: Samples, scores: Scores) -> None:
    """Moves the state of objectives and augmentation, by what D said in its update."""
    for objective in now.gan.objectives:
        if objective.observes:
            objective.update(now.game, samples, scores.views.get(objective.name, {}))
    if now.gan.augment is not None:
        now.gan.augment.update(scores.reals.logits, gather)


# --- Over the replicas of a strategy ----------------------------------------------------------


def share(term: Term):
    """This replica's part of a term, scalar: the parts of all replicas add up to its value."""
    replicas = tf.distribute.get_replica_context().num_replicas_in_sync
    if term.weights is None:
        return tf.reduce_sum(term.values) / (term.values.shape[0] * replicas)
    total = all_reduce_sum(tf.reduce_sum(term.weights))
    return tf.math.divide_no_nan(tf.reduce_sum(term.weights * term.values), total)


def equal_share(value):
    """This replica's part of a value that all replicas have."""
    return value / tf.distribute.get_replica_context().num_replicas_in_sync


def all_reduce_sum(value):
    """The sum over replicas, on each of them."""
    replica = tf.distribute.get_replica_context()
    if replica.num_replicas_in_sync == 1:
        return value
    return replica.all_reduce(tf.distribute.ReduceOp.SUM, value)


def gather(value):
    """Rows [n, ...] of all replicas, [N, ...] on each of them; gradients flow back to their own."""
    replica = tf.distribute.get_replica_context()
    if replica.num_replicas_in_sync == 1:
        return value
    gathered = replica.all_gather(value, axis=0)
    gathered.set_shape([value.shape[0] * replica.num_replicas_in_sync, *value.shape[1:]])
    return gathered


def clipped(optimizer, gradients: list) -> list:
    """Gradients whose sum over replicas is clipped as the optimiser says.

    Keras clips what one replica has, before it adds them up; what this returns it leaves as it is.
    """
    replicas = tf.distribute.get_replica_context().num_replicas_in_sync
    clips = (optimizer.clipnorm, optimizer.clipvalue, optimizer.global_clipnorm)
    if replicas == 1 or not any(clips):
        return gradients
    total = [all_reduce_sum(gradient) for gradient in gradients]
    return [gradient / replicas for gradient in keras_insides.clipped(optimizer, total)]
