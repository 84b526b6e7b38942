"""The description against the reference's counts of parameters and hand-worked products."""

import functools
import json
import types

import keras
import pytest

from compare_gan_tf import latents
from compare_gan_tf.architectures import mlp, sndcgan
from compare_gan_tf.augment import APA, Adaptive, DiffAugment
from compare_gan_tf.augment.transforms import color
from compare_gan_tf.gan import GAN, alphabets
from compare_gan_tf.gan import description as describe
from compare_gan_tf.layers import batch_norm, spectral_norm
from compare_gan_tf.objectives import Adversarial, GradientPenalty, gradient_penalty, losses


def make_gan(objectives, sample_shape=(8, 8, 1), **settings):
    players = {
        "generator": functools.partial(mlp.generator, units=6, depth=1, norm=batch_norm),
        "discriminator": functools.partial(mlp.discriminator, units=6, depth=1),
    }
    return GAN(sample_shape, latents=latents.Normal(3), objectives=objectives, **players | settings)


def parts(objectives, augment=None):
    """What `describe` looks at, for settings that a `GAN` would check."""
    gan = make_gan([Adversarial()])
    players = {"generator": gan.generator, "discriminator": gan.discriminator}
    settings = {"objectives": objectives, "augment": augment, "alphabet": None}
    settings |= {"d_steps": 1, "g_steps": 1, "precision": "float32", "accumulation": 1}
    settings["post_hoc"] = None
    return types.SimpleNamespace(**settings, **players)


def test_networks_have_the_counts_of_the_reference():
    generator = describe.describe_network(sndcgan.generator((32, 32, 3), 128))
    assert generator["trainable_parameters"] == 3_828_739
    assert generator["non_trainable_parameters"] == 17_280
    assert generator["trainable_variables"] == 18
    assert generator["input_shapes"] == {"z": [128]}
    assert generator["output_shape"] == [32, 32, 3]
    dense, first, second, third, last = (
        128 * 4 * 4 * 512, 16 * 16 * 512 * 256, 64 * 16 * 256 * 128, 256 * 16 * 128 * 64,
        32 * 32 * 9 * 64 * 3,
    )  # fmt: skip
    assert generator["multiply_adds"] == dense + first + second + third + last

    network = sndcgan.discriminator((32, 32, 3), kernel_norm=spectral_norm)
    discriminator = describe.describe_network(network)
    assert discriminator["trainable_parameters"] == 5_860_865
    assert discriminator["non_trainable_parameters"] == 23_451
    assert discriminator["trainable_variables"] == 16
    assert discriminator["input_shapes"] == {"images": [32, 32, 3]}
    assert discriminator["output_shape"] == {"logits": [], "features": [8192]}


def test_layers_add_up_to_the_network():
    for network in describe.describe(make_gan([Adversarial()])).values():
        if not isinstance(network, dict):
            continue
        parameters = network["trainable_parameters"] + network["non_trainable_parameters"]
        assert sum(layer["parameters"] for layer in network["layers"]) == parameters > 0
        products = sum(layer["multiply_adds"] for layer in network["layers"])
        assert products == network["multiply_adds"] > 0


def test_a_layer_by_hand():
    network = describe.describe_network(mlp.discriminator((3,), units=5, kernel_norm=spectral_norm))
    layer = next(layer for layer in network["layers"] if layer["name"] == "dense0")
    assert layer == {
        "name": "dense0",
        "kind": "SpectralNorm(Dense)",
        "output_shape": [5],
        "parameters": 3 * 5 + 5 + 3,  # the last is the stored vector
        "multiply_adds": 15,
        "computed_multiply_adds": 15,
    }


def test_labels_are_inputs_of_a_conditional_player():
    gan = make_gan([Adversarial()], num_classes=4, conditional=True)
    description = describe.describe(gan)
    assert description["generator"]["input_shapes"] == {"z": [3], "labels": []}
    assert description["discriminator"]["input_shapes"] == {"images": [8, 8, 1], "labels": []}


def test_objectives_tell_their_weights_and_settings():
    penalty = GradientPenalty(gradient_penalty.at_real, target=0.0, weight=0.5, name="r1")
    description = describe.describe(make_gan([Adversarial(losses.hinge, weight=2.0), penalty]))
    first, second = description["objectives"]
    assert first == {
        "name": "adversarial",
        "kind": "Adversarial",
        "weight": 2.0,
        "settings": {"loss": "hinge"},
    }
    assert (second["name"], second["kind"], second["weight"]) == ("r1", "GradientPenalty", 0.5)
    expected = {"points": "at_real", "target": 0.0, "epsilon": 1e-4, "one_sided": False}
    assert second["settings"].items() >= expected.items()


def test_settings_may_be_functions_with_parameters_schedules_and_lists():
    def shifted(real_logits, fake_logits, margin=1.0):
        return losses.hinge(real_logits - margin, fake_logits)

    schedule = keras.optimizers.schedules.CosineDecay(1.0, 100)
    adversarial = Adversarial(functools.partial(shifted, margin=2.0))
    adversarial.weight = schedule
    (found,) = describe.describe(parts([adversarial]))["objectives"]
    assert found["settings"] == {"loss": "shifted(margin=2.0)"}
    assert found["weight"].startswith("CosineDecay(initial_learning_rate=1.0, decay_steps=100")

    gan = parts([Adversarial(losses.hinge)], augment=[losses.hinge, None, 1])
    description = describe.describe(gan, lambda function: {"width": [1, 2]})
    assert description["augment"] == ["hinge(width=[1, 2])", None, 1]
    assert description["objectives"][0]["settings"] == {"loss": "hinge(width=[1, 2])"}


def test_an_augmentation_tells_its_settings():
    augment = APA(Adaptive(speed=1000.0, p=0.25))
    expected = "APA(controller=Adaptive(target=0.6, speed=1000.0, interval=4, p=0.25))"
    assert describe.describe(parts([Adversarial()], augment))["augment"] == expected


def test_an_alphabet_and_further_updates_are_told():
    plain = describe.as_text(describe.describe(make_gan([Adversarial()])))
    assert "alphabet" not in plain and "updates" not in plain
    alphabet = alphabets.Bits(alphabets.Concrete(temperature=0.5))
    description = describe.describe(make_gan([Adversarial()], alphabet=alphabet, g_steps=3))
    assert description["alphabet"] == "Bits(relaxation=Concrete(temperature=0.5))"
    assert (description["d_steps"], description["g_steps"]) == (1, 3)
    text = describe.as_text(description)
    assert "  Bits(relaxation=Concrete(temperature=0.5))" in text
    assert "  1 of the discriminator, then 3 of the generator" in text


def test_it_is_json():
    description = describe.describe(make_gan([Adversarial(), GradientPenalty()]))
    assert json.loads(json.dumps(description)) == description


@pytest.mark.parametrize("augment", [None, DiffAugment([color])])
def test_the_text_has_every_layer_total_and_objective(augment):
    gan = parts([Adversarial(), GradientPenalty(weight=3.5)], augment=augment)
    description = describe.describe(gan)
    text = describe.as_text(description)
    for player in ("generator", "discriminator"):
        assert f"{description[player]['trainable_parameters']:,} trainable parameters" in text
        for layer in description[player]["layers"]:
            assert layer["name"] in text
            assert f"{layer['multiply_adds']:,}" in text
    assert "3.5 x gradient_penalty: GradientPenalty(points=between" in text
    assert "8x8x1" in text
    assert ("  DiffAugment(transforms=['color'])" in text) == (augment is not None)
