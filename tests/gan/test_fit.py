"""GAN under Keras' own compile and fit: arrays, tf.data, labels, what is refused."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from fast_ones import slow_but
from keras import layers
from small_gan import make, values

from compare_gan_tf import UserError, data, from_arrays, train
from compare_gan_tf.architectures import mlp
from compare_gan_tf.data.images import from_uint8
from compare_gan_tf.layers import batch_norm
from compare_gan_tf.objectives import GradientPenalty, losses

pytestmark = pytest.mark.optimised_graphs

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(256, size=(50, 4, 4, 1), dtype=np.uint8)
LABELS = np.arange(50) % 3


class Batches(keras.callbacks.Callback):
    """Counts the steps of each epoch."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_epoch_begin(self, epoch, logs=None):
        self.steps.append(0)

    def on_train_batch_end(self, batch, logs=None):
        self.steps[-1] += 1


def fitted(gan, x, y=None, **options):
    counted = Batches()
    history = gan.fit(x, y, verbose=0, callbacks=[counted], **options).history
    assert all(np.isfinite(one).all() for one in history.values())
    return counted.steps


def stream(*parts):
    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0])


@pytest.mark.parametrize("d_steps", [1, 3])
def test_arrays_are_fitted_for_epochs_of_whole_batches(d_steps):
    gan = make(d_steps=d_steps)
    before = values(gan.generator, trainable=True)
    gan.compile()
    assert fitted(gan, IMAGES, batch_size=8, epochs=2) == [6, 6]
    assert gan.current_step == 12
    assert any((a != b).any() for a, b in zip(before, values(gan.generator, True), strict=True))
    assert fitted(gan, IMAGES, batch_size=8, epochs=5, initial_epoch=3) == [6, 6]
    assert fitted(gan, IMAGES, batch_size=8, steps_per_epoch=2) == [2]


def test_fit_of_arrays_is_train_in_every_bit(tmp_path):
    """The same batches and noise, whether Keras' door is taken or ours."""
    gan = make(d_steps=2, conditional=True)
    fitted(gan, IMAGES, LABELS, batch_size=10, epochs=2)
    trained = train(
        str(tmp_path), dataset={"train": (IMAGES, LABELS)}, training_steps=10, batch_size=10,
        model=lambda sample_shape, num_classes, seed: make(d_steps=2, conditional=True), seed=1,
    )  # fmt: skip
    for a, b in zip(gan.variables, trained.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_floats_mean_what_they_mean_in_data_sets():
    made = []
    for images in (IMAGES, IMAGES / 255, IMAGES / 127.5 - 1):
        gan = make()
        fitted(gan, images, batch_size=25)
        made.append(np.concatenate([v.ravel() for v in values(gan)]))
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_array_equal(made[0], made[2])


STREAMS = {
    "batches": stream(IMAGES).batch(8),
    "batches of one size": stream(IMAGES).batch(8, drop_remainder=True),
    "samples": stream(IMAGES),
    "grey without an axis": stream(IMAGES[..., 0]).batch(8),
    "with labels that are not used": stream(IMAGES, LABELS).batch(8),
    "a dict": tf.data.Dataset.from_tensor_slices({"image": IMAGES, "label": LABELS}).batch(8),
}


@pytest.mark.parametrize("form", slow_but(STREAMS, "batches", "samples", "a dict"))
def test_tf_data_is_fitted(form):
    size = {"batch_size": 8} if form == "samples" else {}
    assert fitted(make(d_steps=2), STREAMS[form], epochs=2, **size) == [6, 6]


def test_an_epoch_of_tf_data_may_be_of_so_many_steps():
    assert fitted(make(), stream(IMAGES).batch(8).repeat(), epochs=2, steps_per_epoch=9) == [9, 9]


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], np.eye(3)[LABELS]])
def test_labels_are_fitted(labels):
    soft = labels.ndim == 2 and labels.shape[1] == 3
    from compare_gan_tf.architectures.conditioning import SoftLabels

    d = functools.partial(
        mlp.discriminator, units=5, **({"conditioning": SoftLabels()} if soft else {})
    )
    for given in ((IMAGES, labels), (stream(IMAGES, labels).batch(8),)):
        gan = make(conditional=True, discriminator=d)
        assert fitted(gan, *given, **({} if len(given) == 1 else {"batch_size": 8})) == [6]


def test_all_updates_of_a_step_see_the_one_batch_of_tf_data():
    """As if the batch stood in each of the step's slices."""
    plain, sliced = (make([losses.hinge, GradientPenalty()], d_steps=3) for _ in range(2))
    plain.train_step(IMAGES[:6])
    sliced.train_step(np.repeat(IMAGES[:6, np.newaxis], sliced.slices, 1))
    for a, b in zip(plain.variables, sliced.variables, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("scale", [lambda x: x / 255.0, from_uint8], ids=["[0, 1]", "[-1, 1]"])
def test_float_images_of_tf_data_are_brought_to_one_range(scale):
    whole, floats = make(), make()
    batches = stream(IMAGES).batch(25)
    fitted(whole, batches)
    fitted(floats, batches.map(lambda x: scale(tf.cast(x, tf.uint8) if scale is from_uint8
                                               else tf.cast(x, tf.float32))))  # fmt: skip
    for a, b in zip(values(whole), values(floats), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_a_d_of_batch_norm_and_a_data_set_of_ours():
    gan = make(d_norm=batch_norm)
    assert gan.slices == 2 and fitted(gan, IMAGES, batch_size=10) == [5]
    assert fitted(gan, from_arrays(IMAGES), batch_size=10) == [4]  # its split "train"


def test_keras_alone(tmp_path):
    """What a newcomer writes, with nothing of ours but the class."""
    from compare_gan_tf import GAN

    g = keras.Sequential([layers.Input((3,)), layers.Dense(16, "tanh"), layers.Reshape((4, 4, 1))])
    d = keras.Sequential([layers.Input((4, 4, 1)), layers.Flatten(), layers.Dense(1)])
    gan = GAN(generator=g, discriminator=d, objectives=losses.hinge)
    before = g.get_weights()
    gan.fit(IMAGES, epochs=2, verbose=0)
    assert gan.current_step == 2
    assert not np.array_equal(before[0], g.get_weights()[0])
    np.testing.assert_array_equal(gan.generate({"z": np.ones((2, 3))}), g(np.ones((2, 3))))


REFUSED = {
    "another shape": (lambda: (make(), IMAGES[:, 1:]), {}, r"samples of shape \(3, 4, 1\), but"),
    "another shape of tf.data": (lambda: (make(), stream(IMAGES[:, 1:]).batch(8)), {},
                                 r"samples of shape \(3, 4, 1\), but"),
    "no labels": (lambda: (make(conditional=True), IMAGES), {}, "has no labels: give"),
    "no labels of tf.data": (lambda: (make(conditional=True), stream(IMAGES).batch(8)), {},
                             "has no labels: give"),
    "labels of more classes": (lambda: (make(conditional=True), IMAGES, LABELS + 1), {},
                               r"not in \[0, 3\)"),
    "labels of more classes in tf.data": (
        lambda: (make(conditional=True), stream(IMAGES, LABELS + 1).batch(8)), {},
        r"not in \[0, 3\)"),
    "no whole batch": (lambda: (make(), IMAGES), {"batch_size": 51}, "batch_size is 51, and .* 50"),
    "no whole batch of tf.data": (lambda: (make(), stream(IMAGES)), {"batch_size": 51},
                                  "no whole batch"),
    "nothing in tf.data": (lambda: (make(), stream(IMAGES[:0]).batch(8)), {}, "no whole batch"),
    "no samples in a batch": (lambda: (make(), stream(IMAGES)), {"batch_size": 0},
                              "batch_size = 0 does not divide"),
    "two batch sizes": (lambda: (make(), stream(IMAGES).batch(8)), {"batch_size": 8},
                        "is in batches: leave it out"),
    "large floats": (lambda: (make(), stream(IMAGES * 1.0).batch(8)), {},
                     "must be uint8, or floats"),
    "no end": (lambda: (make(), stream(IMAGES).batch(8).repeat()), {}, "give steps_per_epoch"),
    "labels beside tf.data": (lambda: (make(), stream(IMAGES), LABELS), {}, "leave y out"),
    "validation": (lambda: (make(), IMAGES), {"validation_split": 0.1},
                   r"fit\(validation_split=...\) has no meaning for a GAN"),
    "weights": (lambda: (make(), IMAGES), {"sample_weight": LABELS}, "sample_weight"),
    "order": (lambda: (make(), IMAGES), {"shuffle": False}, "shuffle"),
    "a generator": (lambda: (make(), (x for x in IMAGES)), {}, "it must be arrays"),
    "nothing": (lambda: (make(), None), {}, "it must be arrays"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_fitted_is_refused_in_one_line(case):
    given, options, message = REFUSED[case]
    gan, *x = given()
    with pytest.raises(UserError, match=message) as refused:
        gan.fit(*x, verbose=0, **options)
    assert "\n" not in str(refused.value) and gan.current_step == 0


@pytest.mark.parametrize("options", [{"optimizer": "adam"}, {"loss": "mse"}, {"metrics": ["mae"]}])
def test_compile_takes_no_optimiser_and_no_loss(options):
    with pytest.raises(UserError, match="optimisers are g_optimizer and d_optimizer, losses are"):
        make().compile(**options)


def test_a_data_set_that_is_loaded_is_fitted():
    digits = data.load("digits")
    gan = make(generator=mlp.generator, discriminator=mlp.discriminator, sample_shape=(8, 8, 1))
    assert fitted(gan, digits, batch_size=100) == [len(digits.splits["train"]) // 100]
