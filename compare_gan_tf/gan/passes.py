"""D's pass over the views of one update, and gradients through it."""

from collections.abc import Callable

import keras
import tensorflow as tf

from compare_gan_tf.architectures.conditioning import as_taken
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.layers.state import training_pass, views_of_pass
from compare_gan_tf.objectives.base import Scored, View
from compare_gan_tf.settings import keras_insides

_OWN = ("logits", "features")  # D's outputs that have a field in Scored


def couples_batch(discriminator) -> bool:
    """Whether one sample's score depends on the others in its pass, as with batch norm."""
    nested = keras_insides.nested_layers(discriminator) if discriminator.layers else ()
    return any(getattr(layer, "couples_batch", _is_batch_norm(layer)) for layer in nested)


def _is_batch_norm(layer) -> bool:
    """Whether it is Keras' own."""
    return isinstance(layer, keras.layers.BatchNormalization)


def score_views(
    discriminator,
    tagged: list[tuple[str, View]],
    augment: Callable | None = None,
    *,
    together: bool = False,
) -> dict[tuple, Scored]:
    """Scores every view once, however many objectives name it.

    All views share one pass of D. Only a view whose input gradient is needed has a pass of its
    own, which spares the others the inner gradient, unless D couples the batch: then all go
    together in any case. The first pass may write D's state, the others never do.

    Args:
      discriminator: the model.
      tagged: (tag, view) of each, the tag to key the noise of its augmentation; where two views are
        one, the first tag counts.
      augment: function (images, tag) on what D is shown; input gradients go through it.
      together: whether there must be one pass: `couples_batch`.

    Returns:
      {`identity` of a view: what D says of it}.
    """
    tags, distinct = {}, {}
    for tag, view in tagged:
        key = identity(view)
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
    """{name: Scored} of the views of one objective; their tags begin with a prefix."""
    tagged = [(f"{prefix}/{name}", view) for name, view in views.items()]
    found = score_views(discriminator, tagged, augment)
    return {name: found[identity(view)] for name, view in views.items()}


def identity(view: View) -> tuple:
    """What two views have in common that name the same tensors."""
    return id(view.images), id(view.labels)


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
