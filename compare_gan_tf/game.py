"""One update's arithmetic: D scores each view once, terms are reduced over all replicas."""

from collections.abc import Callable

import keras
import tensorflow as tf

from compare_gan_tf.architectures import is_conditional
from compare_gan_tf.architectures.conditioning import as_taken
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.layers.state import training_pass, views_of_pass
from compare_gan_tf.objectives.base import Objective, Scored, Term, View

_OWN = ("logits", "features")  # D's outputs that have a field in Scored


def couples_batch(discriminator) -> bool:
    """Whether one sample's score depends on the others in its pass, as with batch norm."""
    nested = discriminator._flatten_layers() if discriminator.layers else ()
    return any(getattr(layer, "couples_batch", _is_batch_norm(layer)) for layer in nested)


def _is_batch_norm(layer) -> bool:
    """Whether it is Keras' own."""
    return isinstance(layer, keras.layers.BatchNormalization)


def score(
    discriminator, views: dict[str, dict[str, View]], augment: Callable | None = None
) -> dict[str, dict[str, Scored]]:
    """Scores every view once, however many objectives name it.

    All views share one pass of D. Only a view whose input gradient is needed has a pass of its
    own, which spares the others the inner gradient, unless D couples the batch: then there is one
    pass in any case. The first pass may write D's state, the others never do.

    Args:
      discriminator: the model.
      views: {objective: {name: View}}.
      augment: function (images, tag) on what D is shown; input gradients go through it.

    Returns:
      {objective: {name: Scored}}.
    """
    distinct, tags = _distinct(views)
    plain = [view for view in distinct if not view.needs_gradient]
    groups = [plain] + [[view] for view in distinct if view.needs_gradient]
    if couples_batch(discriminator):
        groups = [distinct]
    scores = {}
    for group in filter(None, groups):
        shown = _shown(augment, [tags[_identity(view)] for view in group])
        with frozen_state(bool(scores)):
            scored = _score_group(discriminator, group, shown)
        scores |= {_identity(view): result for view, result in zip(group, scored, strict=True)}
    return {
        objective: {name: scores[_identity(view)] for name, view in named.items()}
        for objective, named in views.items()
    }


def _identity(view: View):
    return id(view.images), id(view.labels)


def _distinct(views: dict[str, dict[str, View]]) -> tuple[list[View], dict]:
    """The views without repetition, and {identity: tag for the noise of its augmentation}."""
    found: dict = {}
    tags: dict = {}
    for objective, named in views.items():
        for name, view in named.items():
            key = _identity(view)
            needs = view.needs_gradient or (key in found and found[key].needs_gradient)
            found[key] = view._replace(needs_gradient=needs)
            tags.setdefault(key, f"{objective}/{name}")
    return list(found.values()), tags


def _shown(augment, tags: list[str]) -> Callable:
    """Function of the images of several views: side by side, as D is shown them."""

    def shown(images: list):
        if augment is not None:
            images = [augment(image, tag) for image, tag in zip(images, tags, strict=True)]
        return tf.concat(images, 0)

    return shown


def _score_group(discriminator, views: list[View], shown: Callable) -> list[Scored]:
    """One pass of D over the views, side by side."""
    images = [view.images for view in views]
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        for view in views:
            if view.needs_gradient:
                tape.watch(view.images)
        inputs = {"images": shown(images)}
        if is_conditional(discriminator):
            inputs["labels"] = tf.concat([as_taken(v.labels, discriminator) for v in views], 0)
        with views_of_pass([view.images.shape[0] for view in views]):
            outputs = training_pass(discriminator, inputs)
        logits = _split(outputs["logits"], views)
    features = _split(outputs["features"], views)
    slopes = [
        gradients(tape, logit, [view.images])[0] if view.needs_gradient else None
        for logit, view in zip(logits, views, strict=True)
    ]
    more = {name: _split(rows, views) for name, rows in outputs.items() if name not in _OWN}
    heads = [{name: rows[index] for name, rows in more.items()} for index in range(len(views))]
    return [Scored(*row) for row in zip(images, logits, features, slopes, heads, strict=True)]


def gradients(tape: tf.GradientTape, target, sources: list) -> list:
    """Of the sum of the target's elements, as `tape.gradient`; zeros where nothing leads there.

    In a graph they are equal in every bit, call by call: what flows back to a tensor from its many
    uses is added pair by pair. A tape adds it by one AddN, which begins with whichever of its terms
    is free to be overwritten, and that is chance.
    """
    zero = tf.UnconnectedGradients.ZERO  # such as of a bias under a gradient penalty alone
    if tf.executing_eagerly():
        return tape.gradient(target, sources, unconnected_gradients=zero)
    pairs = tf.AggregationMethod.EXPERIMENTAL_TREE
    return tf.gradients(target, sources, aggregation_method=pairs, unconnected_gradients=zero)


def _split(rows, views: list[View]) -> list:
    if len(views) == 1:
        return [rows]  # without a split, whose gradient would copy
    return tf.split(rows, [view.images.shape[0] for view in views])


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
            scored = score(game.discriminator, {objective.name: local}, augment)
            return getattr(objective, player)(inside, samples, scored[objective.name])

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
                f"{type(objective).__name__}.every is {objective.every} but its terms are of the "
                "global batch, which on several replicas only every = 1 can have"
            )
        return value

    return gather_in_branch


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
    return [gradient / replicas for gradient in optimizer._clip_gradients(total)]
