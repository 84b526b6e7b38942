"""Noise as a pure function of (seed, tag, step, substep, global sample index).

No random state is stored: a resumed run, or a run on another number of replicas, draws exactly the
same noise as an uninterrupted run on one device.

TensorFlow's stateless floats differ with and without XLA. The bits of Philox do not, so this module
computes floats from these bits. Row i of every draw depends on the seed and on i only.
"""

import contextlib
import hashlib
import threading

import tensorflow as tf

_PHILOX = 1  # TensorFlow's identifier of the algorithm Philox
SUBSTEPS = 1024  # largest number of updates in one training step; more are refused
_local = threading.local()  # each replica of a strategy traces in its own thread


def key(seed: int, tag: str) -> int:
    """A 63-bit Philox key, a hash of the run's seed and of the tag, which names a use of noise."""
    digest = hashlib.blake2b(f"{seed}/{tag}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def bits(shape, seed):
    """Random bits, uint32 of shape `shape`, by Philox 4x32-10 (Salmon et al., 2011).

    Args:
      shape: shape of the result.
      seed: int [2]: Philox's key, and the upper half of its counter. The lower half starts at 0.
    """
    seed = tf.bitcast(tf.cast(seed, tf.int64), tf.uint64)
    return tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=shape,
        key=seed[:1],
        counter=tf.stack([tf.constant(0, tf.uint64), seed[1]]),
        alg=_PHILOX,
        dtype=tf.uint32,
    )


def uniform(shape, seed):
    """float32 of shape `shape` in (0, 1), uniform on the 2^23 exact midpoints (k + 1/2) 2^-23.

    `shape` and `seed` are those of `bits`.
    """
    return (tf.cast(tf.bitwise.right_shift(bits(shape, seed), 9), tf.float32) + 0.5) * 2.0**-23


def integers(shape, seed, limit: int):
    """int32 of shape `shape`, uniform on [0, limit) up to a bias of limit / 2^32."""
    return tf.cast(tf.math.floormod(bits(shape, seed), tf.constant(limit, tf.uint32)), tf.int32)


@contextlib.contextmanager
def micro_batch(index, number: int):
    """A context for one of the equal parts of a replica's batch, see `place`.

    Args:
      index: of the part, int32 scalar.
      number: of parts.
    """
    before = getattr(_local, "part", (0, 1))
    _local.part = index, number
    try:
        yield
    finally:
        _local.part = before


def place() -> tuple:
    """(index, number): the global batch has this number of equal parts, and the code its part.

    A replica has one part, or one for each of its micro-batches.
    """
    index, number = getattr(_local, "part", (0, 1))
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return index, number
    return replica.replica_id_in_sync_group * number + index, replica.num_replicas_in_sync * number


class Noise:
    """Random draws for one update. Noise is drawn for the global batch; a part takes its rows.

    Args:
      seed: the run's seed.
      step: integer scalar, the training step.
      substep: index of the update within the step, in [0, SUBSTEPS).
    """

    def __init__(self, seed: int, step, substep: int):
        self._seed = seed
        self._position = tf.cast(step, tf.int64) * SUBSTEPS + substep
        self._part, self._parts = place()

    def seed(self, tag: str):
        """int64 [2], a seed for TensorFlow's stateless random functions."""
        return tf.stack([tf.constant(key(self._seed, tag), tf.int64), self._position])

    def _rows(self, values, num: int):
        """This part's `num` rows of values drawn for the global batch."""
        if self._parts == 1:
            return values
        rest = values.shape[1:]
        begin = tf.stack([self._part * num] + [0] * len(rest))
        return tf.slice(values, begin, [num, *rest])

    def draw(self, tag: str, sample, num: int):
        """This part's `num` rows of a draw for the global batch.

        Args:
          tag: name of what the noise is used for; different tags give independent noise.
          sample: function (number of rows, seed int [2]) -> tensor [rows, ...], whose row i must
            not depend on the number of rows.
          num: rows of this part, see `place`.
        """
        return self._rows(sample(num * self._parts, self.seed(tag)), num)

    def uniform(self, tag: str, shape):
        """float32 of shape `shape`, this part's, uniform on (0, 1)."""
        return self.draw(tag, lambda num, seed: uniform([num, *shape[1:]], seed), shape[0])

    def integers(self, tag: str, num: int, limit: int):
        """int32 [num], this part's, uniform on [0, limit)."""
        return self.draw(tag, lambda total, seed: integers([total], seed, limit), num)
