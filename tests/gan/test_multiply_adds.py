"""Multiply-adds against numbers worked out by hand from the layers' shapes."""

import keras
import pytest
import tensorflow as tf
from keras import layers, ops

from compare_gan_tf.architectures import sndcgan
from compare_gan_tf.gan import multiply_adds
from compare_gan_tf.layers import SpectralNorm, spectral_norm


def total(network):
    return sum(row.multiply_adds for row in multiply_adds.rows(network))


def of(layer, *shapes):
    inputs = [keras.Input(shape) for shape in shapes]
    return total(keras.Model(inputs, layer(inputs if len(inputs) > 1 else inputs[0])))


LAYERS = {
    "dense": (layers.Dense(7), (5,), 5 * 7),
    "dense at every position": (layers.Dense(7), (2, 3, 5), 6 * 5 * 7),
    "conv": (layers.Conv2D(8, 3, padding="same"), (6, 5, 4), 6 * 5 * 9 * 4 * 8),
    "valid conv": (layers.Conv2D(8, (3, 2)), (6, 5, 4), 4 * 4 * 6 * 4 * 8),
    "conv of stride 2": (layers.Conv2D(8, 4, 2, padding="same"), (7, 6, 3), 4 * 3 * 16 * 3 * 8),
    # TensorFlow cuts the image into four of 4 x 4, padded: 2 x 2 results of each, not 3 x 3 in all.
    "dilated conv": (layers.Conv2D(2, 3, dilation_rate=2), (7, 7, 3), 4 * 4 * 9 * 3 * 2),
    "grouped conv": (layers.Conv2D(8, 3, groups=2, padding="same"), (6, 5, 4), 30 * 9 * 2 * 8),
    "conv of one group a channel": (layers.Conv2D(4, 3, groups=4), (5, 5, 4), 9 * 9 * 4),
    "depthwise": (layers.DepthwiseConv2D(3, depth_multiplier=2), (5, 5, 4), 9 * 9 * 8),
    "separable": (layers.SeparableConv2D(6, 3), (5, 5, 4), 9 * 9 * 4 + 9 * 4 * 6),
    "transposed": (layers.Conv2DTranspose(8, 4, 2, padding="same"), (3, 5, 6), 15 * 16 * 6 * 8),
    "transposed of stride 1": (layers.Conv2DTranspose(8, 3), (3, 5, 6), 15 * 9 * 6 * 8),
    "one-dimensional": (layers.Conv1D(8, 3), (9, 4), 7 * 3 * 4 * 8),
    "three-dimensional": (layers.Conv3D(8, 2), (3, 4, 5, 2), 2 * 3 * 4 * 8 * 2 * 8),
    "einsum dense": (layers.EinsumDense("nab,bc->nac", (3, 6)), (3, 5), 3 * 5 * 6),
    "batch norm": (layers.BatchNormalization(), (4, 4, 8), 0),
    "pooling": (layers.AveragePooling2D(2), (4, 4, 8), 0),
    "embedding": (layers.Embedding(10, 4), (3,), 0),
    "gram": (
        layers.Lambda(lambda x: tf.einsum("...ij,...kj->...ik", x, x)),
        (6, 5, 4),
        6 * 5 * 5 * 4,
    ),
    "diagonal": (layers.Lambda(lambda x: tf.einsum("nij->nji", x)), (5, 4), 0),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_counts_its_products(name):
    layer, shape, expected = LAYERS[name]
    assert of(layer, shape) == expected


def test_matrix_products_of_two_inputs():
    assert of(layers.Dot(1), (9,), (9,)) == 9
    transposed = layers.Lambda(lambda pair: tf.matmul(*pair, transpose_a=True))
    assert of(transposed, (6, 4), (6, 5)) == 4 * 6 * 5


def test_spectral_norm_counts_as_its_layer():
    layer = layers.Conv2D(8, 3, padding="same")
    assert of(SpectralNorm(layer, iterations=3), (6, 5, 4)) == 6 * 5 * 9 * 4 * 8


@keras.saving.register_keras_serializable(package="tests")
class SelfAttention(layers.Layer):
    """One that says nothing about its products."""

    def __init__(self):
        super().__init__()
        self.key = SpectralNorm(layers.Dense(2))

    def build(self, shape):
        self.key.build(shape)

    def call(self, x):
        keys = self.key(x)
        scores = ops.einsum("nik,njk->nij", keys, keys)
        return ops.matmul(ops.softmax(scores), x)

    def compute_output_shape(self, shape):
        return shape


def test_layers_inside_of_layers_are_seen():
    # Keys, 10 x 6 by 6 x 2; scores, 10 x 2 by 2 x 10; the mean, 10 x 10 by 10 x 6.
    assert of(SelfAttention(), (10, 6)) == 10 * 6 * 2 + 10 * 10 * 2 + 10 * 10 * 6


def test_a_layer_that_is_called_twice_is_one_row_and_counts_twice():
    shared, x = layers.Dense(5, name="shared"), keras.Input((5,))
    rows = multiply_adds.rows(keras.Model(x, shared(layers.ReLU()(shared(x)))))
    assert [row.layer.name for row in rows][1] == "shared"
    assert len(rows) == 3
    assert rows[1].multiply_adds == 50


def test_bare_operations_are_rows():
    x = keras.Input((3, 4))
    rows = multiply_adds.rows(keras.Model(x, ops.matmul(x, ops.transpose(x, (0, 2, 1)))))
    assert sum(row.multiply_adds for row in rows) == 3 * 4 * 3


def test_a_published_discriminator_by_hand():
    network = sndcgan.discriminator((32, 32, 3), kernel_norm=spectral_norm)
    found = {row.layer.name: row.multiply_adds for row in multiply_adds.rows(network)}
    expected = {
        "conv0": 32 * 32 * 9 * 3 * 64,
        "conv1": 16 * 16 * 16 * 64 * 128,
        "conv2": 16 * 16 * 9 * 128 * 128,
        "conv3": 8 * 8 * 16 * 128 * 256,
        "conv4": 8 * 8 * 9 * 256 * 256,
        "conv5": 4 * 4 * 16 * 256 * 512,
        "conv6": 4 * 4 * 9 * 512 * 512,
        "logit": 4 * 4 * 512,
    }
    assert {name: found[name] for name in expected} == expected
    assert sum(found.values()) == sum(expected.values()) == 215_687_168


def test_counting_changes_nothing():
    layer, x = SpectralNorm(layers.Dense(3)), keras.Input((4,))
    network = keras.Model(x, layer(x))
    before = layer.u.numpy()
    assert total(network) == total(network) == 12
    assert (layer.u.numpy() == before).all()
    assert not tf.config.functions_run_eagerly()
