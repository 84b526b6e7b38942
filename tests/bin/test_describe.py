"""The verb, from flags to what it prints."""

import json
import os

import pytest

from compare_gan_tf.bin import describe

PLAYERS = ("generator", "discriminator")
KEYS = {
    "trainable_parameters",
    "non_trainable_parameters",
    "trainable_variables",
    "multiply_adds",
    "input_shapes",
    "output_shape",
}
SMALL = """
data.load.name = "gaussian_ring"
train.model = @GAN
GAN.generator = @mlp.generator
GAN.discriminator = @mlp.discriminator
GAN.objectives = [@Adversarial()]
"""
CONFIG = "--gin_config=quickstart.gin"


def test_the_quickstart_as_json(run_verb):
    code, out, err = run_verb(describe, CONFIG, "--json")
    assert code == 0, err
    description = json.loads(out)
    for player in PLAYERS:
        assert KEYS <= description[player].keys()
    generator = description["generator"]
    # z and labels, 32 + 10 numbers, through 256, 256 and 64; a gain and an offset per hidden unit.
    products = 42 * 256 + 256 * 256 + 256 * 64
    assert generator["multiply_adds"] == products
    assert generator["trainable_parameters"] == products + 256 + 256 + 64 + 4 * 256
    assert generator["output_shape"] == [8, 8, 1]
    objectives = {row["name"]: row for row in description["objectives"]}
    assert objectives["gradient_penalty"]["weight"] == 0.3
    assert objectives["gradient_penalty"]["settings"]["points"] == "at_real"


def test_bindings_are_heeded_and_the_text_is_a_table(run_verb):
    units = "--gin_bindings=mlp.generator.units = 10"
    code, out, err = run_verb(describe, CONFIG, units)
    assert code == 0, err
    lines = out.splitlines()
    dense = next(line for line in lines if line.split()[:2] == ["dense0", "Dense"])
    assert dense.split() == ["dense0", "Dense", "10", "430", "420", "420"]
    assert "objectives" in lines
    assert "  1.0 x adversarial: Adversarial(loss=non_saturating)" in lines


def test_a_bad_binding_is_one_line(run_verb):
    code, _, err = run_verb(describe, CONFIG, "--gin_bindings=mlp.generator.unit = 10")
    assert code == 1
    assert len(err.splitlines()) == 1
    assert "unit" in err


def test_a_run_is_described_by_its_own_config(run_verb, tmp_path):
    (tmp_path / "config.gin").write_text(SMALL)
    code, out, err = run_verb(describe, f"--model_dir={tmp_path}", "--json")
    assert code == 0, err
    assert json.loads(out)["generator"]["output_shape"] == [2]
    assert [path.name for path in tmp_path.iterdir()] == ["config.gin"]


def test_without_a_config_it_says_so(run_verb):
    code, _, err = run_verb(describe)
    assert code == 1
    assert "--gin_config" in err


@pytest.mark.parametrize(
    ("config", "shape"),
    [
        ("landscape/sndcgan_cifar10_sn.gin", [32, 32, 3]),
        ("landscape/resnet_lsun.gin", [128, 128, 3]),
        pytest.param("mimicry/sngan_stl10.gin", [48, 48, 3], marks=pytest.mark.slow),
    ],
)
def test_public_data_need_not_be_there(run_verb, tmp_path, monkeypatch, config, shape):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    code, out, err = run_verb(describe, f"--gin_config={config}", "--json")
    assert code == 0, err
    assert json.loads(out)["generator"]["layers"][-1]["output_shape"][-3:] == shape
    assert os.listdir(tmp_path) == []
