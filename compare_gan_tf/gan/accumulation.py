"""Accumulation of gradients: a batch in k equal micro-batches, one after the other.

The activations of one micro-batch are in memory at a time. The gradients add up to those of the
whole batch: a micro-batch has the rows, the noise and the share of the loss that a replica would
have among k times as many replicas.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan.passes import all_reduce_sum
from compare_gan_tf.objectives.base import DISCRIMINATOR

CURE = "GAN.remat = True saves memory without it; else set GAN.accumulation = 1"


def accumulated(context, batch: tuple, begin: Callable, play: Callable, minimise: Callable):
    """`play` and `minimise` on the micro-batches of a replica's batch.

    Args:
      context: of the update.
      batch: (real, real_labels), see `update.update`.
      begin: function without arguments that makes the context of a micro-batch.
      play, minimise: those of `update`.

    Returns:
      Of the whole batch: the shares, the samples, the scores, the gradients. Samples and scores are
      None where no part of the GAN observes them.

    Raises:
      UserError: the batch has no such parts, or a part of the GAN needs the whole batch.
    """
    gan, totals = context.gan, {}
    observers = [one for one in gan.objectives if one.observes]
    is_observed = context.player == DISCRIMINATOR and (observers or gan.augment is not None)

    def weights_of_part(*rows):
        play(begin(), *rows, totals=(own := _Own()))
        return dict(own), None

    def of_part(*rows):
        part = begin()
        played = play(part, *rows, totals=totals)
        joined = (played.samples, played.scores) if is_observed else (None, None)
        return (played.shares, minimise(part, played)), joined

    if any(objective.weighs for objective in gan.objectives):
        totals, _ = over_micro_batches(gan, weights_of_part, batch, writes=False)
        totals = {name: all_reduce_sum(total) for name, total in totals.items()}
    (shares, gradients), (samples, scores) = over_micro_batches(gan, of_part, batch)
    return shares, samples, scores, gradients


class _Own(dict):
    """{name of a term: the sum of a micro-batch's weights}, to be filled."""


def total_of(name: str, own, totals: dict):
    """The sum of a term's weights over the global batch, of which `own` is a micro-batch's.

    Raises:
      UserError: it is not known before the terms.
    """
    if isinstance(totals, _Own):
        totals[name] = own
        return own
    if name not in totals:
        raise UserError(
            f"GAN.accumulation cuts the batch, and the term {name} has weights: its objective must "
            f"say so by `weighs = True`; {CURE}"
        )
    return totals[name]


def over_micro_batches(gan, run: Callable, batch: tuple, *, writes: bool = True) -> tuple:
    """Runs a function on the micro-batches of this replica, one after the other.

    Each of them sees the variables as they were before the first one. The state that one writes is
    written once, after the last.

    Args:
      gan: the `GAN`.
      run: function (*rows of a micro-batch) -> (structure of tensors to be added, structure of
        rows to be joined).
      batch: rows of this replica, [n, ...] or None, in a tuple.
      writes: whether state is written.

    Returns:
      Both structures, added and joined in the order of the micro-batches.
    """
    part = _MicroBatch(gan, run, batch)
    if tf.executing_eagerly():
        found = [part(tf.constant(index)) for index in range(gan.accumulation)]
        every_added, every_joined, states = zip(*found, strict=True)
        added = [sum(values[1:], values[0]) for values in zip(*every_added, strict=True)]
        joined = [tf.concat(rows, 0) for rows in zip(*every_joined, strict=True)]
        state = states[0]
        _check_equal(part.written, states)
    else:
        added, joined, state = _looped(part, gan.accumulation)
    if writes:
        for variable, value in zip(part.written, state, strict=True):
            variable.assign(value)
    return _unflatten(part.structures[0], added), _unflatten(part.structures[1], joined)


class _MicroBatch:
    """A call computes one micro-batch, as a pure function of its index.

    Args:
      gan, run, batch: see `over_micro_batches`.
    """

    def __init__(self, gan, run: Callable, batch: tuple):
        self.number, self.run, self.batch = gan.accumulation, run, batch
        self.size = size_of_part(self.number, batch[0].shape[0])
        parts = [gan.generator, gan.discriminator, *gan.objectives, gan.augment]
        self.variables = [one for part in parts if part is not None for one in part.variables]
        self.values = [tf.convert_to_tensor(variable.value) for variable in self.variables]
        self.structures: tuple = ()  # of what `run` has returned
        self.written: list = []  # the variables that it has written

    def __call__(self, index):
        """(tensors to be added, rows to be joined, values that were written), three flat lists."""
        rows = [None if every is None else self._rows(every, index) for every in self.batch]
        own = zip(self.variables, map(tf.identity, self.values), strict=True)
        with keras.StatelessScope(list(own)) as scope, random.micro_batch(index, self.number):
            before = list(map(scope.get_current_value, self.variables))
            self.structures = self.run(*rows)
        after = map(scope.get_current_value, self.variables)
        pairs = zip(self.variables, before, after, strict=True)
        changed = [(variable, new) for variable, old, new in pairs if new is not old]
        self.written = [variable for variable, _ in changed]
        _check_state(changed, index)
        return *map(_flatten, self.structures), [value for _, value in changed]

    def _rows(self, every, index):
        begin = tf.stack([index * self.size] + [0] * (len(every.shape) - 1))
        return tf.slice(every, begin, [self.size, *every.shape[1:]])


def size_of_part(number: int, batch: int) -> int:
    """The samples of a micro-batch.

    Args:
      number: of micro-batches.
      batch: samples of a replica.

    Raises:
      UserError: the number does not divide the batch.
    """
    if batch % number:
        fits = [k for k in range(2, min(number, batch + 1)) if batch % k == 0] or [1]
        raise UserError(
            f"GAN.accumulation is {number}, which does not divide the {batch} samples that a "
            f"replica has of a batch: use {fits[-1]}, or another batch size"
        )
    return batch // number


def _check_state(changed: list, index) -> None:
    """Refuses weights that a pass writes, and state that depends on the samples.

    Raises:
      UserError: a layer writes such a variable.
    """
    for variable, value in changed:
        if variable.trainable or _depends(value, index):
            _refuse_written(variable)


def _check_equal(variables: list, states: tuple) -> None:
    """As `_check_state`, in eager mode, from what all micro-batches have written."""
    for variable, *values in zip(variables, *states, strict=True):
        if any(tf.reduce_any(value != values[0]) for value in values):
            _refuse_written(variable)


def _refuse_written(variable):
    raise UserError(
        f"GAN.accumulation cuts the batch, but a pass writes {variable.path}, which would be "
        f"another with the whole batch; {CURE}"
    )


def _depends(tensor, source) -> bool:
    """Whether a tensor of a graph depends on another; see `_check_equal` for eager mode."""
    if tf.executing_eagerly():
        return False
    seen, left = set(), [tensor.op]
    while left:
        operation = left.pop()
        if operation is source.op:
            return True
        if operation not in seen:
            seen.add(operation)
            left += [one.op for one in operation.inputs]
    return False


def _looped(part: _MicroBatch, number: int) -> tuple:
    """The three lists of `_MicroBatch`: the sum of the first, the rows of the second, the third.

    Nothing of an iteration outlives it but what is added or joined, and the next one begins after
    it, also under XLA.
    """
    # A function of its own, which is traced before the loop and tells the shapes.
    index = tf.TensorSpec((), tf.int32)
    once = tf.function(part, autograph=False).get_concrete_function(index)
    added, joined, state = once.structured_outputs
    arrays = [tf.TensorArray(one.dtype, number, element_shape=one.shape) for one in joined]

    def body(index, added, arrays, state):
        more, rows, state = once(index)
        added = [total + one for total, one in zip(added, more, strict=True)]
        arrays = [array.write(index, one) for array, one in zip(arrays, rows, strict=True)]
        return index + 1, added, arrays, state

    zeros, first = ([tf.zeros(one.shape, one.dtype) for one in some] for some in (added, state))
    start = tf.constant(0), zeros, arrays, first
    _, added, arrays, state = tf.while_loop(
        lambda *_: True, body, start, parallel_iterations=1, maximum_iterations=number
    )
    rows = [
        tf.reshape(array.stack(), [-1, *like.shape[1:]])
        for array, like in zip(arrays, joined, strict=True)
    ]
    return added, rows, state


def _flatten(structure: Any) -> list:
    """The tensors of a structure, each once, without None."""
    return list({id(one): one for one in tf.nest.flatten(structure) if one is not None}.values())


def _unflatten(structure: Any, tensors: list):
    """The structure with other tensors."""
    others = dict(zip(map(id, _flatten(structure)), tensors, strict=True))
    return tf.nest.map_structure(lambda one: None if one is None else others[id(one)], structure)
