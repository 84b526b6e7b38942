"""Counts the multiply-adds of a whole training step, from the graph that is trained.

The forward passes, both derivatives and what depends on weights alone, such as power iterations,
all count, as they are computed; see `multiply_adds` for what a multiply-add is. Of a condition,
such as that of a lazy regularisation, the larger branch counts. The body of a loop counts as often
as its `maximum_iterations`, else once.
"""

import collections
import contextlib
from collections.abc import Iterator

import tensorflow as tf

from compare_gan_tf.gan.multiply_adds import COUNTS
from compare_gan_tf.settings import keras_insides


@contextlib.contextmanager
def counted(gan) -> Iterator[collections.Counter]:
    """Counts the products of the step that the block traces first.

    Args:
      gan: a GAN that is not traced yet.

    Yields:
      {dtype of the products: multiply-adds of all replicas}, filled by the trace.
    """
    found, step = collections.Counter(), gan.train_step

    def train_step(data):
        graph = tf.compat.v1.get_default_graph()
        start = len(graph.get_operations())
        values = step(data)
        traced.append((graph, start))
        return values

    traced = []
    gan.train_step = train_step
    try:
        yield found
    finally:
        del gan.train_step
    if traced:  # the replicas are traced in turn, into one graph
        graph, start = traced[0][0], min(begin for _, begin in traced)
        found.update(products(graph, start))


def products(graph, start: int = 0) -> collections.Counter:
    """{dtype: multiply-adds} of a function's graph and of the functions that it calls.

    Args:
      graph: of a function.
      start: number of operations, the first ones, that do not count.
    """
    found, live = collections.Counter(), _live(graph)
    for operation in graph.get_operations()[start:]:
        if operation not in live:
            continue
        if count := COUNTS.get(operation.type):
            found[operation.outputs[0].dtype.name] += count(operation)
        else:
            found += _called(operation)
    return found


def _live(graph) -> set:
    """The operations that outputs or variables depend on; TensorFlow removes all others.

    A gradient is traced for both factors of a product, also where one is not needed.
    """
    wanted = [output.op for output in graph.outputs]
    wanted += [one for one in graph.get_operations() if one.op_def.is_stateful]
    live = set()
    while wanted:
        operation = wanted.pop()
        if operation not in live:
            live.add(operation)
            wanted += [tensor.op for tensor in operation.inputs] + operation.control_inputs
    return live


def _called(operation) -> collections.Counter:
    inside = map(products, keras_insides.called_graphs(operation))
    largest = max(inside, key=lambda counts: counts.total(), default=collections.Counter())
    times = keras_insides.most_iterations(operation)
    return collections.Counter({dtype: times * count for dtype, count in largest.items()})
