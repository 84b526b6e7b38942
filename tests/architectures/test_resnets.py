import functools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf import layers
from compare_gan_tf.architectures import residual, resnet5, resnet30, resnet_cifar, resnet_stl
from compare_gan_tf.errors import UserError

FAMILIES = {
    "resnet5": resnet5,
    "resnet30": resnet30,
    "resnet_cifar": resnet_cifar,
    "resnet_stl": resnet_stl,
}
ENDS = {"kernel_norm_at_ends": False}
# What makes a generator's spectral norm compare_gan's.
AS_COMPARE_GAN = {"resnet5": ENDS, "resnet30": ENDS, "resnet_cifar": {}, "resnet_stl": ENDS}
CIFAR = functools.partial(resnet_cifar.generator, (32, 32, 3), 128)


def size(variables):
    return sum(math.prod(v.shape) for v in variables)


@pytest.fixture
def unmade_weights():
    """Networks are built, their weights not made."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.utils.clear_session()  # else Keras makes them when the next scope ends


@pytest.mark.parametrize("family", FAMILIES)
def test_spectral_norm_in_generators_has_compare_gans_number_of_vectors(
    golden, unmade_weights, family
):
    shape, expected = golden("compare_gan")["generator_spectral_norm"][family]
    model = FAMILIES[family].generator(
        tuple(shape), 128, kernel_norm=layers.spectral_norm, **AS_COMPARE_GAN[family]
    )
    assert size(model.non_trainable_variables) == expected


@pytest.mark.parametrize("family", ["resnet5", "resnet30", "resnet_stl"])
def test_spectral_norm_has_the_ends_of_generators_too(golden, unmade_weights, family):
    """Unlike compare_gan's: u of the dense layer's 128 rows and of the last convolution's."""
    shape, ancestor = golden("compare_gan")["generator_spectral_norm"][family]
    last_width = {"resnet5": 64, "resnet30": 16, "resnet_stl": 64}[family]
    model = FAMILIES[family].generator(tuple(shape), 128, kernel_norm=layers.spectral_norm)
    assert size(model.non_trainable_variables) == ancestor + 128 + 9 * last_width


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("without_norm", {"norm": layers.no_norm}),
        ("conditional_batch_norm", {"norm": layers.conditional_batch_norm, "num_classes": 10}),
        ("self_modulation", {"norm": layers.self_modulation}),
        (
            "hierarchical",
            {"norm": layers.conditional_batch_norm, "num_classes": 10, "hierarchical_z": True},
        ),
        (
            "hierarchical_embedded",
            {
                "norm": layers.conditional_batch_norm,
                "num_classes": 10,
                "hierarchical_z": True,
                "embed_z": True,
                "embed_y": True,
            },
        ),
    ],
)
def test_conditional_resnet_cifar_has_compare_gans_numbers_of_parameters(
    golden, unmade_weights, name, options
):
    expected = golden("compare_gan")["resnet_cifar_conditional"][name]
    model = CIFAR(**options)
    assert size(model.trainable_variables) == expected["trainable"]
    assert len(model.trainable_variables) == expected["variables"]
    assert size(model.non_trainable_variables) == expected.get("statistics", 0)


def test_resnet_cifar_projects_as_compare_gan(golden):
    expected = golden("compare_gan")["resnet_cifar_conditional"]["projection"]
    models = [resnet_cifar.discriminator((32, 32, 3), 10) for _ in range(2)]
    assert size(models[0].trainable_variables) == expected["trainable"]
    assert len(models[0].trainable_variables) == expected["variables"]
    first, second = [model.get_layer("label_projection").kernel.numpy() for model in models]
    assert first.std() == pytest.approx(0.02, rel=0.1)  # of 1280 numbers: 2 % off
    assert not np.array_equal(first, second)


def test_zero_insertion_is_compare_gans_unpool():
    """Its test: [[1, 2], [3, 4]] becomes [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], 0]."""
    x = tf.reshape([1.0, 2.0, 3.0, 4.0], [1, 2, 2, 1])
    layer = residual.zero_insertion(name="up")
    expected = [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(layer(x)[0, :, :, 0], expected)
    compiled = tf.function(layer, jit_compile=True)
    np.testing.assert_array_equal(compiled(x)[0, :, :, 0], expected)
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    np.testing.assert_array_equal(residual.nearest(name="up")(x)[0, :, :, 0], expected)


def test_zero_insertion_keeps_channels_and_sides_that_differ_apart():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    found = residual.zero_insertion()(x).numpy()
    assert found.shape == (2, 6, 8, 5)
    np.testing.assert_array_equal(found[:, ::2, ::2], x)
    assert np.count_nonzero(found) == np.count_nonzero(x)


@pytest.mark.parametrize("family", FAMILIES)
def test_upsampling_has_no_parameters(unmade_weights, family):
    make = functools.partial(FAMILIES[family].generator, (128, 128, 3), 128)
    found = [
        [v.shape for v in make(upsample=upsample).variables]
        for upsample in (residual.nearest, residual.zero_insertion)
    ]
    assert found[0] == found[1]


def test_a_shortcut_may_be_1x1(unmade_weights):
    """Nine kernels of 256 x 256 become three of 3 x 3 shortcuts: 8 x 256^2 less in 3 blocks."""
    learned, direct = [size(CIFAR(shortcut_kernel=k).trainable_variables) for k in (3, 1)]
    assert learned - direct == 3 * 8 * 256 * 256


@pytest.mark.parametrize(
    ("family", "shape", "possible"),
    [
        ("resnet_cifar", (30, 28, 1), "multiples of 4.*30 x 28"),
        ("resnet_stl", (50, 48, 3), "multiples of 8.*50 x 48"),
        ("resnet5", (48, 48, 3), "4, 8, 16, 32, 64, 128.*48 x 48"),
        ("resnet5", (256, 256, 3), "4, 8, 16, 32, 64, 128.*256 x 256"),
        ("resnet5", (64, 32, 3), "squares.*64 x 32"),
        ("resnet30", (48, 48, 3), "multiples of 32.*48 x 48"),
    ],
)
def test_sizes_that_a_generator_cannot_make_are_refused(family, shape, possible):
    with pytest.raises(UserError, match=f"{family}.generator makes .*{possible}.*dcgan"):
        FAMILIES[family].generator(shape, 4)


def test_options_of_resnet_cifar_that_would_do_nothing_are_refused():
    make = functools.partial(resnet_cifar.generator, (8, 8, 1), width=2)
    with pytest.raises(UserError, match="splits z in 4.*6.*multiple of 4"):
        make(6, norm=layers.self_modulation, hierarchical_z=True)
    with pytest.raises(UserError, match="norm takes none.*conditional_batch_norm"):
        make(8, 3, hierarchical_z=True)
    with pytest.raises(UserError, match="needs labels.*conditional"):
        make(8, norm=layers.conditional_batch_norm, hierarchical_z=True)


def test_hierarchical_z_without_labels_goes_to_self_modulation():
    model = resnet_cifar.generator(
        (8, 8, 1), 8, width=2, norm=layers.self_modulation, hierarchical_z=True
    )
    assert model.get_layer("dense").kernel.shape == (2, 2)
    first, last = model.get_layer("block0_norm0"), model.get_layer("out_norm")
    assert first.hidden.kernel.shape[0] == 2
    assert last.hidden.kernel.shape[0] == 8


def test_labels_are_appended_where_no_norm_takes_them():
    make = functools.partial(resnet_cifar.generator, (8, 8, 1), 8, 3, width=2)
    assert make().get_layer("dense").kernel.shape[0] == 8 + 3
    assert make(embed_y=True).get_layer("dense").kernel.shape[0] == 8 + 8
    conditional = make(norm=layers.conditional_batch_norm)
    assert conditional.get_layer("dense").kernel.shape[0] == 8


@pytest.mark.parametrize("family", ["resnet5", "resnet_cifar", "resnet_stl"])
def test_no_relu_cuts_images_that_may_be_negative(family):
    make = functools.partial(FAMILIES[family].discriminator, (8, 8, 1), width=2)
    assert "block0_relu0" in {layer.name for layer in make().layers}
    names = {layer.name for layer in make(unit_interval=False).layers}
    assert "block0_relu0" not in names and "block1_relu0" in names


def test_a_saved_network_is_the_same_network(tmp_path):
    model = resnet_cifar.generator(
        (8, 8, 1),
        8,
        3,
        width=2,
        norm=layers.conditional_batch_norm,
        kernel_norm=layers.spectral_norm,
        upsample=residual.zero_insertion,
        hierarchical_z=True,
    )
    model.save(tmp_path / "model.keras")
    inputs = {"z": tf.random.normal([2, 8]), "labels": tf.constant([0, 2])}
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(inputs), model(inputs), atol=1e-6)
