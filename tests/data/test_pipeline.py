import numpy as np
import pytest

from compare_gan_tf.data import Split
from compare_gan_tf.data.pipeline import batches

SPLIT = Split(
    np.arange(37, dtype=np.uint8).reshape(37, 1, 1, 1), np.arange(37, dtype=np.int32) + 100
)


def read(split=SPLIT, **settings):
    settings = dict(key=7, batch_size=8, slices=3, start=0, stop=20) | settings
    return [tuple(np.array(x) for x in element) for element in batches(split, **settings)]


def sequence(elements):
    """The samples in the order of (step, slice, row)."""
    return np.concatenate([images[..., 0, 0, 0].T.reshape(-1) for images, _ in elements])


def test_each_epoch_is_another_permutation_of_all():
    order = sequence(read())
    epochs = order[: 37 * 12].reshape(12, 37)
    for epoch in epochs:
        assert sorted(epoch) == list(range(37))
    assert len({tuple(epoch) for epoch in epochs}) == 12


def test_labels_stay_with_their_images():
    for images, labels in read():
        np.testing.assert_array_equal(images[..., 0, 0, 0] + 100, labels)


def test_a_later_start_continues_the_same_sequence():
    whole, rest = read(), read(start=13)
    for (images, labels), (other_images, other_labels) in zip(whole[13:], rest, strict=True):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(labels, other_labels)


@pytest.mark.parametrize("replicas", [2, 4])
def test_replicas_share_the_batches_of_one(replicas):
    one, many = read(), read(replicas=replicas, local_replicas=replicas)
    assert len(many) == replicas * len(one)
    for step, (images, _) in enumerate(one):
        parts = [many[step * replicas + replica][0] for replica in range(replicas)]
        np.testing.assert_array_equal(np.concatenate(parts), images)


def test_workers_read_their_replicas_only():
    everything = read(replicas=4, local_replicas=4)
    second = read(replicas=4, first_replica=2, local_replicas=2)
    for step in range(20):
        for local in range(2):
            np.testing.assert_array_equal(
                second[2 * step + local][0], everything[4 * step + 2 + local][0]
            )


def test_another_key_is_another_order():
    assert not np.array_equal(sequence(read()), sequence(read(key=8)))
    far = 2**40  # beyond 32 bits the key still counts
    assert not np.array_equal(sequence(read(key=far + 1)), sequence(read(key=far * 2 + 1)))


def test_sets_without_labels_give_images_alone():
    (element,) = batches(
        Split(SPLIT.images), key=1, batch_size=4, slices=2, start=0, stop=1
    ).as_numpy_iterator()
    assert element.shape == (4, 2, 1, 1, 1)


def test_shapes_are_static_as_a_tpu_needs():
    spec = batches(SPLIT, key=1, batch_size=8, slices=2, start=0, stop=1).element_spec
    assert [tuple(s.shape) for s in spec] == [(8, 2, 1, 1, 1), (8, 2)]
