"""Recomputes activations in the backward pass, instead of keeping them: less memory, more time.

Chen et al. (2016), Training deep nets with sublinear memory cost, section 4.1: a network is cut
into about sqrt(n) segments. The forward pass keeps what crosses the cuts alone; the backward pass
computes a segment again before it computes the segment's gradient.
"""

import itertools
import math
from typing import NamedTuple

import keras
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan.passes import gradients
from compare_gan_tf.layers.state import is_frozen, same_context
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR
from compare_gan_tf.settings import keras_insides


class Segment(NamedTuple):
    """A part of a network."""

    model: keras.Model  # from what enters, in order, to what leaves
    enters: list[int]  # ids of the symbolic tensors
    leaves: list[int]


class Recomputed:
    """Calls a functional model as `model(inputs, training=True)`, segment by segment.

    Values, gradients of every order and the state that layers write are those of the model.

    Args:
      model: a functional model.
      player: its name, for messages.

    Raises:
      UserError: the network cannot be cut.
    """

    def __init__(self, model: keras.Model, player: str):
        self.model = keras_insides.flat(model)
        self.segments = segments(self.model)
        if len(self.segments) < 2:
            raise UserError(
                f"GAN.remat = True, but the {player} cannot be cut where a single map passes: it "
                "must be a functional model of several layers; use GAN.remat = False"
            )

    def __call__(self, inputs: dict):
        """The outputs for inputs {name: tensor}, in the structure of `model.output`."""
        known = {id(symbol): inputs[name] for name, symbol in self.model.input.items()}
        for segment in self.segments:
            entering = [known[key] for key in segment.enters]
            known |= zip(segment.leaves, _recomputed(segment.model, entering), strict=True)
        return tf.nest.map_structure(lambda symbol: known[id(symbol)], self.model.output)


def segments(model: keras.Model) -> list[Segment]:
    """Cuts a functional model into about sqrt(n) segments of like size.

    n is the number of places where at most one map [n, H, W, C] passes; the size of a segment is
    that of the outputs of its layers.
    """
    calls = keras_insides.calls(model)
    last_use = {id(output): len(calls) for output in model.outputs}
    for index, (taken, _) in reversed(list(enumerate(calls))):
        last_use = {id(tensor): index for tensor in taken} | last_use
    sizes = [sum(math.prod(tensor.shape[1:]) for tensor in made) for _, made in calls]
    places = [at for at in range(1, len(calls)) if _maps_across(calls, last_use, at) <= 1]
    goal = sum(sizes) / max(1, math.isqrt(len(places)))
    cuts = [0]
    for at, following in itertools.pairwise([*places, len(calls)]):
        if sum(sizes[cuts[-1] : following]) > goal:
            cuts.append(at)
    return [
        _segment(calls[begin:end], last_use, begin, end)
        for begin, end in zip(cuts, [*cuts[1:], len(calls)], strict=True)
    ]


def _maps_across(calls: list, last_use: dict[int, int], at: int) -> int:
    """The number of maps that calls before `at` make, and calls from `at` on take."""
    made = [tensor for _, outputs in calls[:at] for tensor in outputs]
    return sum(len(tensor.shape) > 2 and last_use.get(id(tensor), 0) >= at for tensor in made)


def _segment(calls: list, last_use: dict[int, int], begin: int, end: int) -> Segment:
    made = {id(tensor): tensor for _, outputs in calls for tensor in outputs}
    taken = {id(tensor): tensor for inputs, _ in calls for tensor in inputs}
    enters = {key: tensor for key, tensor in taken.items() if key not in made}
    leaves = {key: tensor for key, tensor in made.items() if last_use.get(key, 0) >= end}
    part = keras.Model(list(enters.values()), list(leaves.values()), name=f"calls_{begin}_to_{end}")
    return Segment(part, list(enters), list(leaves))


def _recomputed(part: keras.Model, entering: list) -> list:
    """`part(entering, training=True)`, with its activations recomputed in the backward pass.

    The weights and the state are read once, before, and are arguments: so the second pass is a pure
    function, and sees what the first has seen.
    """
    variables, context, written = part.variables, same_context(), {}

    def forward(arguments):
        tensors, values = arguments[: len(entering)], arguments[len(entering) :]
        pairs = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=pairs) as scope:
            outputs = part(tensors, training=True)
        return tf.nest.flatten(outputs), [scope.get_current_value(one) for one in variables]

    @tf.custom_gradient
    def call(*arguments):
        outputs, state = forward(arguments)
        written["state"] = state

        def backward(*upstream):
            again = [_after(upstream, argument) for argument in arguments]
            sources = [argument for argument in again if argument.dtype.is_floating]
            with (
                tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape,
                context(),
            ):
                tape.watch(sources)
                outputs, _ = forward(again)
            found = iter(gradients(tape, outputs, sources, upstream))
            return [next(found) if one.dtype.is_floating else None for one in again]

        return outputs, backward

    outputs = call(*entering, *[tf.convert_to_tensor(variable.value) for variable in variables])
    if not is_frozen():
        for variable, value in zip(variables, written["state"], strict=True):
            if not variable.trainable:
                variable.assign(value)
    return outputs


def _after(upstream, tensor):
    """A copy of a tensor, made after the upstream gradients are there.

    Without it the second pass could run at once, or be merged with the first by TensorFlow's
    optimiser of graphs or by XLA, neither of which would save memory. Adding zero depends on the
    gradient's value, which no optimiser knows.
    """
    if not tensor.dtype.is_floating:
        return tensor
    one = tf.reshape(upstream[0], [-1])[:1]
    zero = tf.stop_gradient(tf.reduce_sum(tf.where(one == one, 0.0, 0.0)))
    return tensor + tf.cast(zero, tensor.dtype)


def recompute(gan, remat: bool) -> None:
    """Makes both players of a GAN recompute their activations in training, if `remat`.

    Raises:
      UserError: a network cannot be cut.
    """
    for player in (GENERATOR, DISCRIMINATOR) if remat else ():
        model = getattr(gan, player)
        model.recomputed = Recomputed(model, player)
