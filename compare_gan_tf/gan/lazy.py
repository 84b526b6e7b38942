"""Lazy regularisation: terms in every k-th training step only (Karras et al., 2020, app. B)."""

from collections.abc import Callable

import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan.passes import score_named
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.objectives.base import Objective, Term


def lazy_terms(objective: Objective, player: str, game, samples, augment=None) -> list[Term]:
    """The terms of an objective with `every` > 1, with D's pass in the due steps only.

    The views are made in every step, because they may gather from all replicas, which a branch of
    a graph cannot do. In eager mode D's pass runs in every step.
    """
    views = objective.views(player, game, samples)
    inside = game._replace(gather=_refuse_to_gather(objective, game.gather))

    def run() -> list[Term]:
        # Copies inside the branch: a tape inside cannot watch tensors from outside.
        own = {id(t): tf.identity(t) for view in views.values() for t in view[:2] if t is not None}
        local = {
            name: view._replace(images=own[id(view.images)], labels=own.get(id(view.labels)))
            for name, view in views.items()
        }
        with frozen_state():
            scored = score_named(game.discriminator, objective.name, local, augment)
            return getattr(objective, player)(inside, samples, scored)

    return _when((game.step + 1) % objective.every == 0, run)


def _when(due, run: Callable[[], list[Term]]) -> list[Term]:
    """`run()` in a due step, else the same terms with zeros as values."""
    made: list[Term] = []

    def branch():
        made[:] = run()
        return [tensor for term in made for tensor in term[1:3] if tensor is not None]

    if tf.executing_eagerly():
        tensors = [tensor * tf.cast(due, tensor.dtype) for tensor in branch()]
    else:
        # `branch` is traced first and fills `made`, which the other branch reads.
        tensors = tf.cond(due, branch, lambda: _like(made))
    rest = iter(tensors)
    return [
        term._replace(values=next(rest), weights=None if term.weights is None else next(rest))
        for term in made
    ]


def _like(terms: list[Term]) -> list:
    """Zeros with the shapes of the terms' values and weights."""
    tensors = [tensor for term in terms for tensor in term[1:3] if tensor is not None]
    return [tf.zeros(tensor.shape, tensor.dtype) for tensor in tensors]


def _refuse_to_gather(objective: Objective, gather: Callable) -> Callable:
    def gather_in_branch(value):
        if tf.distribute.get_replica_context().num_replicas_in_sync > 1:
            raise UserError(
                f"{objective._of('every')} is {objective.every} but its terms are of the "
                "global batch, which on several replicas only every = 1 can have"
            )
        return gather(value)

    return gather_in_branch
