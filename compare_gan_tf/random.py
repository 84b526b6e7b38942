"""Noise as a pure function of (seed, tag, step, substep, global sample index).

Nothing random is stored: a resumed run, or one on another number of replicas, draws exactly the
noise that the uninterrupted run on one device would have drawn.

TensorFlow's stateless floats differ with and without XLA; the bits of Philox do not, so floats are
made of them here. Row i of every draw depends on the seed and on i alone.
"""

import hashlib

import tensorflow as tf

_PHILOX = 1  # TensorFlow's number for it
SUBSTEPS = 1024  # of one training step; more updates than that are refused


def key(seed: int, tag: str) -> int:
    """A 63-bit key of a run's seed and of what the noise is for."""
    digest = hashlib.blake2b(f"{seed}/{tag}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def bits(shape, seed):
    """uint32 of `shape` by Philox 4x32-10 (Salmon et al., 2011).

    Args:
      shape: of the result.
      seed: int [2], Philox's key and the upper half of its counter; the lower half counts on.
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
    """float32 of `shape`, uniform on the 2^23 midpoints (k + 1/2) 2^-23 of (0, 1), all exact."""
    return (tf.cast(tf.bitwise.right_shift(bits(shape, seed), 9), tf.float32) + 0.5) * 2.0**-23


def integers(shape, seed, limit: int):
    """int32 of `shape`, uniform on [0, limit) up to limit / 2^32."""
    return tf.cast(tf.math.floormod(bits(shape, seed), tf.constant(limit, tf.uint32)), tf.int32)


class Noise:
    """Draws for one update; each replica gets its rows of the draw for the global batch."""

    def __init__(self, seed: int, step, substep: int):
        self._seed = seed
        self._position = tf.cast(step, tf.int64) * SUBSTEPS + substep
        replica = tf.distribute.get_replica_context()
        self._replicas = replica.num_replicas_in_sync
        self._replica = replica.replica_id_in_sync_group

    def seed(self, tag: str):
        """A seed int64 [2] for TensorFlow's stateless draws."""
        return tf.stack([tf.constant(key(self._seed, tag), tf.int64), self._position])

    def _rows(self, values, num: int):
        """This replica's `num` rows of values drawn for the global batch."""
        if self._replicas == 1:
            return values
        rest = values.shape[1:]
        begin = tf.stack([self._replica * num] + [0] * len(rest))
        return tf.slice(values, begin, [num, *rest])

    def draw(self, tag: str, sample, num: int):
        """`num` rows of `sample(num, seed)`, whose row i must not depend on `num`."""
        return self._rows(sample(num * self._replicas, self.seed(tag)), num)

    def uniform(self, tag: str, shape):
        """float32 of `shape` (this replica's), uniform on (0, 1)."""
        return self.draw(tag, lambda num, seed: uniform([num, *shape[1:]], seed), shape[0])

    def integers(self, tag: str, num: int, limit: int):
        """int32 [num], uniform on [0, limit)."""
        return self.draw(tag, lambda total, seed: integers([total], seed, limit), num)
