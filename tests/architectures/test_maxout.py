import types

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.architectures import maxout
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.layers.state import views_of_pass


def test_a_unit_is_the_largest_of_its_pieces():
    x = tf.constant([[1.0, -2.0, 3.0, 4.0, 0.0, -1.0]])
    np.testing.assert_array_equal(maxout.MaxPieces(3)(x), [[3.0, 4.0]])
    np.testing.assert_array_equal(maxout.MaxPieces(2)(x), [[1.0, 4.0, 0.0]])


def test_kernels_begin_as_published():
    """U(-0.05, 0.05) in G and U(-0.005, 0.005) in D: standard deviations limit / sqrt 3."""
    generator = maxout.generator((28, 28, 1), 100)
    discriminator = maxout.discriminator((28, 28, 1))
    for model, name, limit in [
        (generator, "dense1", 0.05),
        (generator, "out", 0.05),
        (discriminator, "maxout0_pieces", 0.005),
    ]:
        kernel = model.get_layer(name).kernel.numpy()
        assert limit * 0.99 < np.abs(kernel).max() <= limit
        assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.01)


@pytest.fixture
def dropout():
    layer = maxout.Dropout(0.2, seed=3)
    layer.build((None, 1000))
    return layer


def test_dropout_drops_its_share_and_scales_the_rest(dropout):
    found = dropout(tf.ones([100, 1000]), training=True).numpy()
    assert set(np.unique(found)) == {np.float32(0.0), np.float32(1.25)}
    # The share of 1e5 Bernoulli draws has a standard deviation of 0.0013.
    assert (found == 0).mean() == pytest.approx(0.2, abs=0.005)
    assert np.abs((found == 0).mean(0) - 0.2).max() < 0.2  # 5 deviations of 100 draws
    np.testing.assert_array_equal(dropout(tf.ones([2, 1000])), np.ones([2, 1000]))


def test_masks_change_with_each_update_and_go_on_after_a_restart(dropout):
    x = tf.ones([4, 1000])
    first = dropout(x, training=True).numpy()
    saved = dropout.get_weights()
    second = dropout(x, training=True).numpy()
    assert not np.array_equal(first, second)
    resumed = maxout.Dropout(0.2, seed=3)
    resumed.build((None, 1000))
    resumed.set_weights(saved)
    np.testing.assert_array_equal(resumed(x, training=True), second)
    assert maxout.Dropout(0.2).seed != maxout.Dropout(0.2).seed


def test_inference_and_frozen_passes_leave_the_masks_as_they_are(dropout):
    x = tf.ones([4, 1000])
    dropout(x)
    with frozen_state():
        frozen = dropout(x, training=True).numpy()
    assert int(dropout.calls) == 0
    np.testing.assert_array_equal(dropout(x, training=True), frozen)
    assert int(dropout.calls) == 1


@pytest.mark.parametrize("replicas", [2, 4])
def test_masks_do_not_depend_on_the_number_of_replicas(dropout, monkeypatch, replicas):
    """A pass over 8 reals and 16 fakes, or over the parts of them that a replica has."""

    def masks(number, replica):
        context = types.SimpleNamespace(
            num_replicas_in_sync=number, replica_id_in_sync_group=tf.constant(replica)
        )
        monkeypatch.setattr(tf.distribute, "get_replica_context", lambda: context)
        sizes = [8 // number, 16 // number]
        with frozen_state(), views_of_pass(sizes):
            found = dropout(tf.ones([sum(sizes), 1000]), training=True).numpy()
        return np.split(found, [sizes[0]])

    whole = masks(1, 0)
    parts = [masks(replicas, replica) for replica in range(replicas)]
    for view, expected in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([part[view] for part in parts]), expected)
    assert not np.array_equal(whole[0], whole[1][:8])


def test_masks_are_the_same_under_xla(dropout):
    x = tf.ones([4, 1000])
    compiled = tf.function(lambda x: dropout(x, training=True), jit_compile=True)
    found = compiled(x).numpy()
    dropout.calls.assign(0)
    np.testing.assert_array_equal(dropout(x, training=True), found)


def test_the_discriminator_drops_only_in_training():
    model = maxout.discriminator((8, 8, 1), units=20)
    images = tf.ones([2, 8, 8, 1])
    logits = [model({"images": images}, training=training)["logits"] for training in (0, 0, 1)]
    np.testing.assert_array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])
    bare = maxout.discriminator((8, 8, 1), units=20, input_dropout=0.0, dropout=0.0)
    logits = [bare({"images": images}, training=training)["logits"] for training in (0, 1)]
    np.testing.assert_array_equal(*logits)


def test_a_share_of_all_is_refused():
    with pytest.raises(UserError, match=r"1.0.*\[0, 1\)"):
        maxout.discriminator((8, 8, 1), dropout=1.0)
