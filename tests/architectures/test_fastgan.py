"""FastGAN's players: numbers of parameters, excitations, patches, and the maps that they offer."""

import functools

import keras
import numpy as np
import pytest
from numpy_layers import draw, weights, with_drawn_weights
from parameter_counts import counted

from compare_gan_tf import GAN, Normal, layers
from compare_gan_tf.architectures import fastgan
from compare_gan_tf.architectures.local_features import with_outputs
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import dtype_policy
from compare_gan_tf.objectives import PatchHinge, Reconstruction
from compare_gan_tf.optimizers import adam

NARROW = {"width": 4, "norm": layers.no_norm, "kernel_norm": None}


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_the_players_have_the_authors_numbers_of_parameters(golden, side):
    found = [
        counted(fastgan.generator, (side, side, 3), golden("fastgan")["latent_dim"]),
        counted(fastgan.discriminator, (side, side, 3)),
    ]
    assert found == golden("fastgan")["sides"][str(side)]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_an_excitation_multiplies_channels_by_gates_of_small_maps():
    """Eq. 1: y = F(x_low) x_high; F pools to 4x4, and has two convolutions and a swish."""
    small, large = keras.Input((8, 8, 3)), keras.Input((32, 32, 5))
    parts = fastgan._Parts(layers.no_norm, None)
    made = parts.excited(large, small, name="excited")
    model = with_drawn_weights(keras.Model([small, large], made))
    low, high = draw(2, 8, 8, 3), 2 + draw(2, 32, 32, 5)
    pooled = low.reshape(2, 4, 2, 4, 2, 3).mean((2, 4))
    h = np.einsum("nabi,abio->no", pooled, weights(model, "excited_conv0")[0])
    gates = sigmoid((h * sigmoid(h)) @ weights(model, "excited_conv1")[0][0, 0])
    found = model([low.astype(np.float32), high.astype(np.float32)])
    np.testing.assert_allclose(found, high * gates[:, None, None], rtol=1e-4)


def test_gated_linear_units_halve_the_channels():
    x = draw(2, 3, 4)
    found = fastgan.GatedLinear(dtype="float64")(x)
    np.testing.assert_allclose(found, x[..., :2] * sigmoid(x[..., 2:]), rtol=1e-12)


def test_a_halving_block_is_the_mean_of_two_paths():
    parts = fastgan._Parts(layers.no_norm, None)
    x = keras.Input((8, 8, 3))
    model = with_drawn_weights(keras.Model(x, parts.halved(x, 4, name="b")))
    images = draw(2, 8, 8, 3)

    def leaky(h):
        return np.where(h > 0, h, 0.2 * h)

    pooled = images.reshape(2, 4, 2, 4, 2, 3).mean((2, 4))
    direct = leaky(pooled @ weights(model, "b_direct")[0][0, 0])
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    kernel = weights(model, "b_conv0")[0]
    h = sum(
        padded[:, a : a + 8 : 2, b : b + 8 : 2] @ kernel[a, b] for a in range(4) for b in range(4)
    )
    h = np.pad(leaky(h), ((0, 0), (1, 1), (1, 1), (0, 0)))
    kernel = weights(model, "b_conv1")[0]
    h = sum(h[:, a : a + 4, b : b + 4] @ kernel[a, b] for a in range(3) for b in range(3))
    found = model(images.astype(np.float32))
    np.testing.assert_allclose(found, (leaky(h) + direct) / 2, rtol=1e-4, atol=1e-5)


def test_the_logit_is_the_mean_of_50_patches_and_the_maps_are_on_offer():
    plain = fastgan.discriminator((256, 256, 3), 3, **NARROW)
    assert set(plain.output) == {"logits", "features"}
    model = with_outputs(plain, ["patches", *Reconstruction.reads])
    images = draw(2, 256, 256, 3).astype(np.float32)
    found = model({"images": images, "labels": np.array([0, 1])})
    assert found["patches"].shape == (2, 50)
    np.testing.assert_allclose(found["logits"], found["patches"].numpy().mean(1), atol=1e-6)
    np.testing.assert_array_equal(found["seen"], images)
    shapes = {name: tuple(found[name].shape[1:]) for name in Reconstruction.reads[1:]}
    expected = {"whole_maps": (8, 8, 32), "part_maps": (16, 16, 16), "small_maps": (8, 8, 16)}
    assert shapes == expected


@pytest.mark.parametrize("side", [32, 64, 128])
def test_smaller_images_leave_blocks_out(side):
    """The second path has half the side; an excitation needs maps of eight times the side."""
    model = fastgan.discriminator((side, side, 3), **NARROW)
    assert model.get_layer("small").output.shape == (None, side // 2, side // 2, 3)
    names = {layer.name for layer in model.layers}
    gated = {low for low in (8, 16, 32) if 8 * low <= side}
    assert {low for low in (8, 16, 32) if f"b{low}_excited" in names} == gated
    maps = with_outputs(model, list(Reconstruction.reads)).output
    assert maps["whole_maps"].shape[1:] == (8, 8, 32) and maps["part_maps"].shape[1:3] == (16, 16)
    images = fastgan.generator((side, side, 3), 8, **NARROW)
    assert images.output.shape == (None, side, side, 3)
    assert sum("excited_gates" in layer.name for layer in images.layers) == (side >= 64) + (
        side >= 128
    )


def test_pooling_for_the_gates_is_in_full_precision():
    """In float16 sums of 64 x 64 values lost a third of D's logits."""
    with dtype_policy("mixed_float16"):
        model = fastgan.discriminator((256, 256, 3), **NARROW)
    pools = [layer for layer in model.layers if layer.name.endswith("excited_pool")]
    assert len(pools) == 3 and {pool.compute_dtype for pool in pools} == {"float32"}


@pytest.mark.parametrize("side", [48, 300])
def test_other_sides_are_refused(side):
    with pytest.raises(UserError, match=f"sides of 32, 64, 128, 256, 512, 1024.*{side}"):
        fastgan.generator((side, side, 3), 8)
    with pytest.raises(UserError, match=f"sides of 32, 64, 128, 256, 512, 1024.*{side}"):
        fastgan.discriminator((side, side, 3))


@pytest.mark.slow
def test_decoders_learn_what_is_in_the_images():
    """Pictures of 2 x 2 colours, from which grey is 0.5 away in each of the three distances."""
    keras.utils.set_random_seed(0)
    colours = np.random.default_rng(0).integers(0, 256, (320, 2, 2, 3), dtype=np.uint8)
    gan = GAN(
        (32, 32, 3),
        generator=functools.partial(fastgan.generator, width=8),
        discriminator=functools.partial(fastgan.discriminator, width=8),
        latents=Normal(16),
        objectives=[PatchHinge(), Reconstruction(width=8)],
        g_optimizer=adam(learning_rate=1e-3, beta_1=0.5),
        d_optimizer=adam(learning_rate=1e-3, beta_1=0.5),
        ema_decay=0.9,
    )
    distances = []
    log = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: distances.append(logs["discriminator/reconstruction"])
    )
    images = colours.repeat(16, 1).repeat(16, 2)
    gan.fit(images, batch_size=8, epochs=3, verbose=0, callbacks=[log])
    assert np.mean(distances[-10:]) < 0.65 * np.mean(distances[:10]) < 1.0
    assert np.isfinite(gan.sample(2)).all()
