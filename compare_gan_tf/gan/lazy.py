"""Lazy regularisation: terms that exist in one of so many steps (Karras et al., 2020, app. B)."""

from collections.abc import Callable

import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan.passes import score_named
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.objectives.base import Objective, Term


def lazy_terms(objective: Objective, player: str, game, samples, augment=None) -> list[Term]:
    """Terms of an objective with `every` > 1: D's pass and all else in the steps that are due.

    Their views are made in every step, for they may need all replicas, which a branch cannot reach.
    Outside a graph, for looking at values, nothing is saved.
    """
    views = objective.views(player, game, samples)
    inside = game._replace(gather=_refuse_to_gather(objective))

    def run() -> list[Term]:
        # Tensors of the branch's own: a tape within it cannot watch those from outside.
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
    """`run()` where due, else its terms with values of zero."""
    made: list[Term] = []

    def branch():
        made[:] = run()
        return [tensor for term in made for tensor in term[1:3] if tensor is not None]

    if tf.executing_eagerly():
        tensors = [tensor * tf.cast(due, tensor.dtype) for tensor in branch()]
    else:
        # The branches are traced in this order.
        tensors = tf.cond(due, branch, lambda: _like(made))
    rest = iter(tensors)
    return [
        term._replace(values=next(rest), weights=None if term.weights is None else next(rest))
        for term in made
    ]


def _like(terms: list[Term]) -> list:
    """Zeros, in the shapes of the values and weights of the terms."""
    tensors = [tensor for term in terms for tensor in term[1:3] if tensor is not None]
    return [tf.zeros(tensor.shape, tensor.dtype) for tensor in tensors]


def _refuse_to_gather(objective: Objective) -> Callable:
    def gather_in_branch(value):
        if tf.distribute.get_replica_context().num_replicas_in_sync > 1:
            raise UserError(
                f"{objective._of('every')} is {objective.every} but its terms are of the "
                "global batch, which on several replicas only every = 1 can have"
            )
        return value

    return gather_in_branch
