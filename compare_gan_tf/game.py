"""One update's arithmetic: D scores each view once, terms are reduced over all replicas."""

import tensorflow as tf

from compare_gan_tf.architectures import is_conditional
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.objectives.base import Scored, Term, View


def couples_batch(discriminator) -> bool:
    """Whether one sample's score depends on the others in its pass, as with batch norm."""
    return any(getattr(layer, "couples_batch", False) for layer in discriminator.layers)


def score(discriminator, views: dict[str, dict[str, View]]) -> dict[str, dict[str, Scored]]:
    """Scores every view once, however many objectives name it.

    All views share one pass of D. Only a view whose input gradient is needed has a pass of its
    own, which spares the others the inner gradient, unless D couples the batch: then there is one
    pass in any case. The first pass may write D's state, the others never do.

    Args:
      discriminator: the model.
      views: {objective: {name: View}}.

    Returns:
      {objective: {name: Scored}}.
    """
    distinct = _distinct(view for named in views.values() for view in named.values())
    plain = [view for view in distinct if not view.needs_gradient]
    groups = [plain] + [[view] for view in distinct if view.needs_gradient]
    if couples_batch(discriminator):
        groups = [distinct]
    scores = {}
    for group in filter(None, groups):
        with frozen_state(bool(scores)):
            scored = _score_group(discriminator, group)
        scores |= {_identity(view): result for view, result in zip(group, scored, strict=True)}
    return {
        objective: {name: scores[_identity(view)] for name, view in named.items()}
        for objective, named in views.items()
    }


def _identity(view: View):
    return id(view.images), id(view.labels)


def _distinct(views) -> list[View]:
    found: dict = {}
    for view in views:
        before = found.get(_identity(view))
        needs = view.needs_gradient or (before is not None and before.needs_gradient)
        found[_identity(view)] = view._replace(needs_gradient=needs)
    return list(found.values())


def _score_group(discriminator, views: list[View]) -> list[Scored]:
    """One pass of D over the views, side by side."""
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        for view in views:
            if view.needs_gradient:
                tape.watch(view.images)
        inputs = {"images": tf.concat([view.images for view in views], 0)}
        if is_conditional(discriminator):
            inputs["labels"] = tf.concat([view.labels for view in views], 0)
        outputs = discriminator(inputs, training=True)
        logits = _split(outputs["logits"], views)
    features = _split(outputs["features"], views)
    gradients = [
        tape.gradient(logit, view.images) if view.needs_gradient else None
        for logit, view in zip(logits, views, strict=True)
    ]
    images = [view.images for view in views]
    return [Scored(*row) for row in zip(images, logits, features, gradients, strict=True)]


def _split(rows, views: list[View]) -> list:
    if len(views) == 1:
        return [rows]  # without a split, whose gradient would copy
    return tf.split(rows, [view.images.shape[0] for view in views])


def share(term: Term):
    """This replica's part of a term, scalar: the parts of all replicas add up to its value."""
    replicas = tf.distribute.get_replica_context().num_replicas_in_sync
    if term.weights is None:
        return tf.reduce_sum(term.values) / (term.values.shape[0] * replicas)
    total = all_reduce_sum(tf.reduce_sum(term.weights))
    return tf.math.divide_no_nan(tf.reduce_sum(term.weights * term.values), total)


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
    return replica.all_gather(value, axis=0)
