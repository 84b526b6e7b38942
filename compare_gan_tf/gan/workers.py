"""What the workers of a strategy do together: one of them, the chief, writes for all."""

import contextlib
import functools
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from compare_gan_tf.errors import PeerLost, UserError, first_line
from compare_gan_tf.settings import keras_insides

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)
_OF_PEERS = re.compile(r"collective|coordinat|barrier|heartbeat", re.IGNORECASE)
_numbers = itertools.count()  # of meetings; all workers meet in the same order


class Workers:
    """The workers of a strategy, in the order of their replicas.

    Args:
      strategy: of the run. Every strategy but `MultiWorkerMirroredStrategy` has one worker.

    Attributes:
      number: of workers.
      index: of this one, 0 for the chief.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self._strategy, self.number, self.index = strategy, 1, 0
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            resolver = strategy.cluster_resolver
            tasks = resolver.cluster_spec().as_dict()
            self.number = max(1, len(tasks.get("chief", ())) + len(tasks.get("worker", ())))
            if resolver.task_type == "worker":
                self.index = len(tasks.get("chief", ())) + (resolver.task_id or 0)

    @property
    def is_chief(self) -> bool:
        """Whether this worker writes for all."""
        return self.index == 0

    def together(self, work: Callable[[], Any]) -> Any:
        """Calls `work` on the chief, while the others wait for its end.

        Returns:
          What it returns, on the chief; None on the others.

        Raises:
          UserError: it fails on the chief; all workers raise the same error.
        """
        if self.number == 1:
            return work()
        result = failure = None
        if self.is_chief:
            try:
                result = work()
            except UserError as error:
                failure = error
        reason = self.exchange(first_line(failure) if failure else "")[0]
        if reason:
            raise failure or UserError(f"the chief: {reason}")
        return result

    def require_same(self, text: str, what: str) -> None:
        """Refuses workers that are not told the same.

        Args:
          text: lines that must be equal on all workers.
          what: what they are, for the message.

        Raises:
          UserError: they differ; on every worker, with the first of the lines.
        """
        if self.number == 1:
            return
        texts = [one.splitlines() for one in self.exchange(text)]
        for index, other in enumerate(texts):
            if other != texts[0]:
                has, not_has = (
                    _first_extra(*pair) for pair in ((other, texts[0]), (texts[0], other))
                )
                raise UserError(
                    f"{what} of worker {index} differs from that of worker 0:"
                    f" {has or 'nothing'} | {not_has or 'nothing'}; start all with the same command"
                )

    def share(self, variables: Sequence) -> None:
        """Gives to variables of all workers the values that the chief has.

        Args:
          variables: `tf.Variable`s that were made in the scope of the strategy.
        """
        if self.number == 1:
            return
        with self._strategy.scope():
            values = _of_first_replica(self._strategy, [tf.convert_to_tensor(v) for v in variables])
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def highest(self, number: int) -> int:
        """The highest of a number, 0 or more, of each worker. All call it after the same step."""
        if self.number == 1:
            return number
        found = self._highest_of(tf.constant([number], tf.int32))
        return int(self._strategy.experimental_local_results(found)[0])

    @functools.cached_property
    def _highest_of(self) -> Callable:
        def on_replica(number):
            number = tf.identity(number)  # on the device of the replica
            return tf.reduce_max(tf.distribute.get_replica_context().all_gather(number, axis=0))

        return tf.function(lambda n: self._strategy.run(on_replica, (n,)), autograph=False)

    def exchange(self, text: str) -> list[str]:
        """The texts of all workers, in their order. All call it, with a text of their own."""
        meeting = f"compare_gan/{next(_numbers)}"
        with self.lost():
            return keras_insides.exchange(meeting, text, self.index, self.number)

    @contextlib.contextmanager
    def lost(self) -> Iterator[None]:
        """Context manager that turns TensorFlow's errors about another worker into `PeerLost`."""
        try:
            yield
        except _LOST as error:
            if self.number == 1 or not _OF_PEERS.search(str(error)):
                raise
            raise PeerLost(_who(error, self._strategy)) from error


def _first_extra(lines: list[str], others: list[str]) -> str:
    known = set(others)
    return next((line.strip()[:200] for line in lines if line not in known), "")


def _who(error: Exception, strategy) -> str:
    """The lost worker, in words, as far as TensorFlow names it."""
    resolver = strategy.cluster_resolver
    own = resolver.task_type, str(resolver.task_id)
    named = re.findall(r"/job:(chief|worker)(?:/replica:0)?/task:([0-9]+)", str(error))
    for role, index in named:
        if (role, index) != own:
            address = resolver.cluster_spec().task_address(role, int(index))
            return f"{role} {index} ({address})"
    return "another worker"


def _of_first_replica(strategy, values: list) -> list:
    """The values of the first replica, on all workers."""

    def on_replica(values):
        context = tf.distribute.get_replica_context()
        is_first = tf.equal(context.replica_id_in_sync_group, 0)
        wide = [v if v.dtype.is_floating else tf.cast(v, tf.int64) for v in values]
        mine = [tf.where(is_first, value, tf.zeros_like(value)) for value in wide]
        shared = [context.all_reduce(tf.distribute.ReduceOp.SUM, value) for value in mine]
        return [tf.cast(s, v.dtype) for s, v in zip(shared, values, strict=True)]

    found = tf.function(lambda: strategy.run(on_replica, (values,)), autograph=False)()
    return [strategy.experimental_local_results(value)[0] for value in found]
