"""BigGAN's images and labels, where attention is, its first kernels, and what it refuses."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import layers
from compare_gan_tf.architectures import biggan, biggan_deep, biggan_kernels
from compare_gan_tf.architectures.conditioning import Concatenation
from compare_gan_tf.errors import UserError

FAMILIES = {"biggan": biggan, "biggan_deep": biggan_deep}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("side", "latent_dim"),
    [
        (32, 4),
        pytest.param(64, 5, marks=pytest.mark.slow),
        pytest.param(128, 6, marks=pytest.mark.slow),
    ],
)
def test_images_are_in_range_and_labels_matter(family, side, latent_dim):
    check_both_players(FAMILIES[family], side, latent_dim)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("side", "latent_dim"), [(256, 7), (512, 8)])
def test_large_images_are_in_range_and_labels_matter(family, side, latent_dim):
    check_both_players(FAMILIES[family], side, latent_dim)


def check_both_players(module, side, latent_dim):
    generator = module.generator((side, side, 1), latent_dim, 3, ch=4)
    inputs = {"z": 10 * tf.ones([3, latent_dim]), "labels": tf.constant([0, 2, 2])}
    images = generator(inputs, training=True).numpy()
    assert images.shape == (3, side, side, 1)
    assert np.abs(images).max() <= 1.0
    assert np.abs(images[0] - images[1]).max() > 1e-4
    np.testing.assert_allclose(images[1], images[2], atol=1e-4)
    discriminator = module.discriminator((side, side, 1), 3, ch=4)
    same = tf.repeat(images[:1], 3, 0)
    scores = discriminator({"images": same, "labels": inputs["labels"]})
    assert scores["logits"].shape == (3,)
    assert scores["features"].shape[0] == 3
    assert float(scores["logits"][0]) != float(scores["logits"][1])


@pytest.mark.parametrize("family", FAMILIES)
def test_without_classes_every_block_sees_z(family):
    module = FAMILIES[family]
    generator = module.generator((32, 32, 3), 8, ch=4)
    kinds = {type(layer) for layer in generator.layers}
    assert layers.SelfModulatedBatchNorm in kinds and set(generator.input) == {"z"}
    assert generator({"z": tf.zeros([2, 8])}).shape == (2, 32, 32, 3)
    discriminator = module.discriminator((32, 32, 3), ch=4)
    assert set(discriminator.input) == {"images"}
    assert discriminator({"images": tf.zeros([2, 32, 32, 3])})["logits"].shape == (2,)


@pytest.mark.parametrize("options", [{"norm": layers.batch_norm}, {"norm": layers.self_modulation}])
@pytest.mark.parametrize("family", FAMILIES)
def test_labels_reach_generators_whose_norms_do_not_use_them(family, options):
    if family == "biggan":
        options = options | {"hierarchical_z": False}
    generator = FAMILIES[family].generator((32, 32, 1), 8, 3, ch=4, **options)
    images = generator({"z": tf.ones([2, 8]), "labels": tf.constant([0, 1])})
    assert np.abs(images[0] - images[1]).max() > 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_attends(family):
    module = FAMILIES[family]
    generator = module.generator((32, 32, 1), 8, 3, ch=4, attention=(8, "B3"))
    inputs = {"z": tf.ones([2, 8]), "labels": tf.constant([0, 1])}
    assert_attends(generator, lambda: generator(inputs), 2)
    discriminator = module.discriminator((32, 32, 1), ch=4, attention=(16, "B3"))
    images = {"images": tf.random.stateless_uniform([2, 32, 32, 1], [0, 1], -1, 1)}
    assert_attends(discriminator, lambda: discriminator(images)["logits"], 2)


def assert_attends(model, output, blocks):
    gains = [v for v in model.trainable_variables if v.name == "sigma"]
    before = output()
    assert len(gains) == blocks and all(float(gain) == 0.0 for gain in gains)
    for gain in gains:
        gain.assign(1.0)
        after = output()
        assert np.abs(after - before).max() > 1e-6
        before = after


@pytest.fixture
def unmade_weights():
    """Networks are built, their weights not made."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.utils.clear_session()  # else Keras makes them when the next scope ends


def test_attention_is_where_it_is_asked_for(unmade_weights):
    def places(model):
        return [layer.name for layer in model.layers if layer.name.endswith("_attention")]

    deep = functools.partial(biggan_deep.generator, (64, 64, 1), 5, ch=4)
    assert places(deep()) == ["B8_attention"]
    assert places(deep(attention=())) == []
    assert places(deep(attention=(16, "B5"))) == ["B4_attention", "B5_attention"]
    assert places(biggan.generator((32, 32, 1), 4, ch=4)) == []
    assert places(biggan.generator((64, 64, 1), 5, ch=4)) == ["B4_attention"]
    judge = functools.partial(biggan_deep.discriminator, (128, 128, 1), ch=4)
    assert places(judge()) == ["B2_attention"]
    assert places(judge(attention=(32, "B1"))) == ["B1_attention", "B4_attention"]
    assert places(biggan.discriminator((32, 32, 1), ch=4, attention=4)) == ["B4_attention"]


def test_kernels_are_orthogonal_at_the_start_and_each_is_drawn_by_itself():
    norm = functools.partial(layers.conditional_batch_norm, initializer=biggan_kernels.ORTHOGONAL)
    model = biggan.generator((32, 32, 3), 8, 3, ch=4, norm=norm)
    kernels = [v for v in model.trainable_variables if v.name == "kernel"]
    assert len(kernels) == 2 + 3 * 3 + 3 * 4 + 1
    for kernel in kernels:
        matrix = np.reshape(kernel, (-1, kernel.shape[-1]))
        matrix = matrix if len(matrix) >= matrix.shape[1] else matrix.T
        np.testing.assert_allclose(matrix.T @ matrix, np.eye(matrix.shape[1]), atol=1e-5)
    first, second = (model.get_layer(f"B{i}_conv1").kernel for i in (1, 2))
    assert np.abs(first - second).max() > 0.01


def test_orthogonal_kernels_are_spread_as_keras_spreads_them():
    """Columns of a uniform orthogonal matrix with n rows have entries of variance 1 / n."""
    values = np.stack([biggan_kernels.Orthogonal(seed=i)((3, 3, 4, 2)) for i in range(300)])
    assert values.mean() == pytest.approx(0.0, abs=5 * (1 / 36 / values.size) ** 0.5)
    assert values.var(0).mean() == pytest.approx(1 / 36, rel=0.02)


def test_discriminators_may_take_labels_at_the_input_or_not_at_all():
    concatenating = biggan.discriminator((32, 32, 1), 3, ch=4, conditioning=Concatenation())
    assert concatenating.get_layer("B1_conv1").kernel.shape[2] == 4
    assert set(biggan.discriminator((32, 32, 1), 3, ch=4, conditioning=None).input) == {"images"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: biggan.generator((28, 28, 1), 4), r"128, 256, 512 px.*have 28.*dcgan"),
        (lambda: biggan.generator((32, 64, 1), 4), "square.*32 x 64.*dcgan"),
        (lambda: biggan.generator((2,), 4), r"needs images.*\(2,\)"),
        (lambda: biggan.generator((64, 64, 1), 128), "splits z in 5.*128.*multiple of 5"),
        (
            lambda: biggan.generator((32, 32, 1), 8, norm=layers.batch_norm),
            "hierarchical_z.*norm takes none.*hierarchical_z = False",
        ),
        (
            lambda: biggan.generator((32, 32, 1), 8, norm=layers.conditional_batch_norm),
            "needs labels",
        ),
        (
            lambda: biggan.generator((32, 32, 1), 8, attention="B4"),
            r"generator.attention has 'B4'.*B1 \(8 px\), B2 \(16 px\), B3 \(32 px\)",
        ),
        (
            lambda: biggan.discriminator((32, 32, 1), attention=(64,)),
            "discriminator.attention has 64",
        ),
        (lambda: biggan.generator((32, 32, 1), 8, attention=3.5), "attention is 3.5: .* 'B4'"),
        (lambda: biggan.generator((32, 32, 1), 8, multiples=8), "multiples is 8: .* list"),
        (lambda: biggan.generator((32, 32, 1), 8, upsample=layers.no_norm()), "upsample is "),
        (lambda: biggan.discriminator((32, 32, 1), shortcut=len), "shortcut is @len: .*@identity"),
        (lambda: biggan.discriminator((32, 32, 1), halvings=-1), "halvings is -1: .*, 0 or more"),
        (
            lambda: biggan.discriminator((32, 32, 1), halvings=5),
            "halvings is 5.*0 to 4",
        ),
        (lambda: biggan.generator((32, 32, 1), 8, multiples=(4, 4)), "2 numbers.*8 px.*have 32"),
        (lambda: biggan_deep.generator((48, 48, 1), 8), "have 48"),
        (lambda: biggan_deep.discriminator((64, 64, 1), attention=64), "attention has 64"),
    ],
)
def test_what_cannot_be_is_refused(unmade_weights, make, message):
    with pytest.raises(UserError, match=message):
        make()
