"""Loading both players of an export, and the models that ship."""

import json
import shutil

import numpy as np
import pytest

from compare_gan_tf import pretrained
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import alphabets
from compare_gan_tf.latents import Coded, Hypersphere, Normal, Uniform, prior_from_config
from compare_gan_tf.pretrained.models import alphabet_from_config


@pytest.fixture(scope="module")
def digits():
    return pretrained.load("digits")


def test_samples_are_uint8_of_the_shape_and_depend_on_the_seed_alone(digits):
    images = digits.sample(5, seed=3)
    assert images.dtype == np.uint8 and images.shape == (5, 8, 8, 1)
    np.testing.assert_array_equal(digits.sample(3, seed=3), images[:3])
    np.testing.assert_array_equal(digits.sample(5, seed=(0, 3)), images)
    assert not np.array_equal(digits.sample(5, seed=4), images)


def test_labels_are_numbers_or_names(digits):
    named = digits.sample(2, labels=["3", "7"])
    np.testing.assert_array_equal(named, digits.sample(2, labels=[3, 7]))
    assert not np.array_equal(named, digits.sample(2, labels=[7, 3]))
    with pytest.raises(UserError, match="no class 'three'"):
        digits.sample(1, labels=["three"])


def test_d_tells_reals_from_noise(digits):
    from sklearn.datasets import load_digits

    found = load_digits()
    reals = (found.images[:200, ..., None] / 8.0 - 1.0).astype(np.float32)
    labels = found.target[:200].astype(np.int32)
    noise = np.random.default_rng(0).uniform(-1, 1, reals.shape).astype(np.float32)

    def score(images):
        return digits.discriminator({"images": images, "labels": labels})["logits"].numpy()

    assert np.mean(score(reals)[:, None] > score(noise)) > 0.75


@pytest.mark.parametrize("name", pretrained.names())
def test_each_model_that_ships_loads_and_its_card_is_whole(name):
    model = pretrained.load(name)
    made = model.sample(4)
    assert len(made) == 4
    if model.card["kind"] == "images":
        assert made.shape[1:] == tuple(model.card["sample_shape"]) and made.std() > 10
    if model.card["kind"] == "text":
        assert all(len(line) == model.card["sample_shape"][0] for line in made)
    seeds = model.card["seeds"]["values"]
    values = sorted(seeds.values())
    assert len(values) == 3 and seeds[str(model.card["seeds"]["shipped"])] == values[1]
    assert model.card["training"]["config"] and model.card["training"]["seconds"] > 0
    assert any(row["split"] == "test" for row in model.card["scores"])
    assert model.card["parameters"]["generator"] == model.generator.count_params()


def test_all_that_ships_is_at_most_15_mb():
    from compare_gan_tf.pretrained import shipped

    assert sum(path.stat().st_size for path in shipped.FOLDER.rglob("*")) < 15e6


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(UserError, match=r"no model 'digit'; did you mean digits"):
        pretrained.load("digit")
    with pytest.raises(UserError, match=r"no model 'digit'; did you mean digits"):
        pretrained.facts("digit")


def test_a_folder_without_the_files_or_with_others_is_told(tmp_path):
    with pytest.raises(UserError, match=r"has no model.json"):
        pretrained.load(str(tmp_path))
    from compare_gan_tf.pretrained import shipped

    copy = tmp_path / "copy"
    shutil.copytree(shipped.FOLDER / "digits", copy)
    assert pretrained.load(copy).card["name"] == "digits"
    shutil.copy(copy / "discriminator.keras", copy / "generator.keras")
    with pytest.raises(UserError, match=r"generator.keras is not the file that was exported"):
        pretrained.load(str(copy))
    (copy / "generator.keras").unlink()
    with pytest.raises(UserError, match=r"has no generator.keras"):
        pretrained.load(str(copy))


@pytest.mark.parametrize(
    "prior", [Normal(3), Uniform(4, limit=2.0), Hypersphere(5), Coded(Uniform(2), [3, 4], 1)]
)
def test_a_prior_is_made_anew_from_its_config(prior):
    config = json.loads(json.dumps(prior.get_config()))
    made = prior_from_config(config)
    assert made.get_config() == config
    np.testing.assert_array_equal(made.sample(3, [0, 1]), prior.sample(3, [0, 1]))


def test_a_prior_of_ones_own_is_told():
    with pytest.raises(UserError, match="kind 'mine'"):
        prior_from_config({"name": "mine", "dim": 3})


@pytest.mark.parametrize(
    ("alphabet", "shape", "symbols"),
    [
        (alphabets.Bits(), (2, 2, 1), None),
        (alphabets.Colours(), (2, 2, 1), np.array([[0], [9], [255]], np.uint8)),
        (alphabets.Characters(), (4,), ("a", "b", " ")),
    ],
)
def test_an_alphabet_is_made_anew_from_its_config(alphabet, shape, symbols):
    alphabet.bind(shape, symbols)
    config = json.loads(json.dumps(alphabet.get_config()))
    made = alphabet_from_config(config, shape)
    assert made.get_config() == config and made.player_shape == alphabet.player_shape


def test_an_unknown_alphabet_is_told():
    with pytest.raises(UserError, match="'runes'"):
        alphabet_from_config({"name": "runes"}, (4,))
