"""The forward passes of D over the views of one update, gradients, and sums over the replicas."""

from collections.abc import Callable

import keras
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.architectures.conditioning import as_taken
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.layers.state import training_pass, views_of_pass
from compare_gan_tf.objectives.base import Scored, View
from compare_gan_tf.settings import keras_insides

_OWN = ("logits", "features")  # D's outputs that have a field in Scored


def coupling_layers(network) -> list:
    """The layers after which a sample depends on the other samples of the pass, as batch norm."""
    nested = keras_insides.nested_layers(network) if network.layers else ()
    return [layer for layer in nested if getattr(layer, "couples_batch", _is_batch_norm(layer))]


def couples_batch(discriminator) -> bool:
    """Whether a sample's score depends on the other samples of the pass."""
    return bool(coupling_layers(discriminator))


def differs_frozen(generator) -> bool:
    """Whether outputs depend on whether, or when, a pass writes state: see `frozen_state`."""
    nested = keras_insides.nested_layers(generator) if generator.layers else ()
    return any(getattr(layer, "differs_frozen", False) for layer in nested)


def _is_batch_norm(layer) -> bool:
    """Whether a layer is Keras' batch normalisation."""
    return isinstance(layer, keras.layers.BatchNormalization)


def score_views(
    discriminator,
    tagged: list[tuple[str, View]],
    augment: Callable | None = None,
    *,
    together: bool = False,
) -> dict[tuple, Scored]:
    """Scores every view once, even if several objectives ask for it.

    All views share one pass of D, with two exceptions. A view that needs an input gradient has its
    own pass, so that the others need no inner gradient. If D couples the batch, all views share one
    pass in any case. Only the first pass may write D's state.

    Args:
      discriminator: the model.
      tagged: pairs (tag, view); the tag is the key of the augmentation's noise. Of equal views the
        first tag counts. A view that is `augmented_as` another comes after it.
      augment: function (images, tag) -> images, applied before D; input gradients flow through it.
      together: whether all views must share one pass, see `couples_batch`.

    Returns:
      {`identity` of a view: its `Scored`}.
    """
    tags, distinct, named = {}, {}, dict(tagged)
    for tag, view in tagged:
        key = identity(view)
        if view.augmented_as:
            tag = tags[identity(named[f"{tag.rpartition('/')[0]}/{view.augmented_as}"])]
        tags.setdefault(key, tag)
        needs = view.needs_gradient or (key in distinct and distinct[key].needs_gradient)
        distinct[key] = view._replace(needs_gradient=needs)
    plain = [view for view in distinct.values() if not view.needs_gradient]
    groups = [plain] + [[view] for view in distinct.values() if view.needs_gradient]
    if together:
        groups = [list(distinct.values())]
    scores = {}
    for group in filter(None, groups):
        shown = _shown(augment, [tags[identity(view)] for view in group])
        with frozen_state(bool(scores)):
            scored = _score_group(discriminator, group, shown)
        scores |= {identity(view): result for view, result in zip(group, scored, strict=True)}
    return scores


def score_named(discriminator, prefix: str, views: dict[str, View], augment=None) -> dict:
    """Scores the views of one objective: {name: Scored}; the tags are "prefix/name"."""
    tagged = [(f"{prefix}/{name}", view) for name, view in views.items()]
    found = score_views(discriminator, tagged, augment)
    return {name: found[identity(view)] for name, view in views.items()}


def identity(view: View) -> tuple:
    """A key that is equal for views of the same tensors."""
    return id(view.images), id(view.labels)


def _shown(augment, tags: list[str]) -> Callable:
    """A function that augments the images of several views and concatenates them."""

    def shown(images: list):
        if augment is not None:
            images = [augment(image, tag) for image, tag in zip(images, tags, strict=True)]
        return tf.concat(images, 0)

    return shown


def logits(discriminator, images, labels):
    """D's logits [n] of images [n, ...], without training; labels [n] or [n, K] if D takes them."""
    inputs = {"images": tf.convert_to_tensor(images)}
    if "labels" in discriminator.input:
        inputs["labels"] = as_taken(tf.convert_to_tensor(labels), discriminator)
    return discriminator(inputs, training=False)["logits"]


def samples_of(generator, z, labels):
    """G's samples of z [n, d] and labels [n], or None, by a training pass."""
    return training_pass(generator, {"z": z} if labels is None else {"z": z, "labels": labels})


def frozen_samples(generator, z, labels):
    """`samples_of` by a pass that writes no state."""
    with frozen_state():
        return samples_of(generator, z, labels)


def frozen_logits(discriminator, images, labels):
    """D's logits [n] of images [n, ...] by a training pass that writes no state; differentiable."""
    inputs = {"images": images}
    if "labels" in discriminator.input:
        inputs["labels"] = as_taken(labels, discriminator)
    with frozen_state():
        return training_pass(discriminator, inputs)["logits"]


def _score_group(discriminator, views: list[View], shown: Callable) -> list[Scored]:
    """One pass of D over the concatenated views."""
    images = [view.images for view in views]
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        for view in views:
            if view.needs_gradient:
                tape.watch(view.images)
        inputs = {"images": shown(images)}
        if "labels" in discriminator.input:
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


def gradients(tape: tf.GradientTape, target, sources: list, upstream=None) -> list:
    """Gradients of the sum of the target's elements; zeros for sources without a connection.

    With `upstream`, of the structure of the target, the elements are weighted by it.

    In a graph they have the same bits in every call: contributions to one tensor are added in
    pairs. A tape would add them by one AddN, which starts with any term whose memory it may
    overwrite, so that the order of summation is random.
    """
    zero = tf.UnconnectedGradients.ZERO  # such as of a bias under a gradient penalty alone
    if tf.executing_eagerly():
        return tape.gradient(target, sources, upstream, unconnected_gradients=zero)
    pairs = tf.AggregationMethod.EXPERIMENTAL_TREE
    return tf.gradients(
        target, sources, upstream, aggregation_method=pairs, unconnected_gradients=zero
    )


def _split(rows, views: list[View]) -> list:
    if len(views) == 1:
        return [rows]  # the gradient of a split would copy
    return tf.split(rows, [view.images.shape[0] for view in views])


# --- Over the replicas of a strategy ----------------------------------------------------------


def equal_share(value):
    """This replica's share of a value that all replicas have."""
    return value / tf.distribute.get_replica_context().num_replicas_in_sync


def all_reduce_sum(value):
    """The sum over all replicas, on each of them."""
    replica = tf.distribute.get_replica_context()
    if replica.num_replicas_in_sync == 1:
        return value
    return replica.all_reduce(tf.distribute.ReduceOp.SUM, value)


def gather(value):
    """Gathers the rows [n, ...] of all replicas into [N, ...] on each of them; differentiable.

    Raises:
      UserError: the rows are those of a micro-batch, and the others are not there.
    """
    replica = tf.distribute.get_replica_context()
    if random.place()[1] > replica.num_replicas_in_sync:
        raise UserError(
            "GAN.accumulation cuts the batch, but an objective or the augmentation takes statistics"
            " of the whole batch, by `Game.gather`: take another, or set GAN.accumulation = 1;"
            " GAN.remat = True saves memory without it"
        )
    if replica.num_replicas_in_sync == 1:
        return value
    gathered = replica.all_gather(value, axis=0)
    gathered.set_shape([value.shape[0] * replica.num_replicas_in_sync, *value.shape[1:]])
    return gathered
