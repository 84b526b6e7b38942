"""Wrong settings: one line that names the value and the cure, and nothing is written.

In this process and without training: the networks are as small as can be, and a wrong setting is
refused before the first step.
"""

import logging
import pathlib

import gin
import pytest

from compare_gan_tf import config, data, training
from compare_gan_tf.bin import command, train
from compare_gan_tf.config import configurables

SMALL = """
train.model = @GAN
train.training_steps = 1
train.batch_size = 8
GAN.generator = @mlp.generator
GAN.discriminator = @mlp.discriminator
GAN.objectives = [@Adversarial()]
GAN.g_optimizer = @adam()
GAN.d_optimizer = @adam()
mlp.generator.units = 4
mlp.discriminator.units = 4
"""


@gin.configurable(module="wrong_settings")
def of_three(first, second, third, *, slope: float = 1.0):
    return slope * (first + second + third)


@gin.configurable(module="wrong_settings")
def broken_transform(images, noise, tag):
    return images.no_such_attribute


@gin.configurable(module="wrong_settings")
def halving_transform(images, noise, tag):
    return images[:, ::2]


@pytest.fixture(scope="module")
def digits():
    configurables.load()
    gin.clear_config()
    return data.load(name="digits")


@pytest.fixture
def line_of(digits, tmp_path):
    """Returns a function of bindings -> the line that a training with them ends with."""

    def line(*bindings):
        with pytest.raises(Exception) as caught:
            config.parse([], [*SMALL.splitlines(), *bindings])
            prepared = training.prepare(str(tmp_path / "run"), dataset=digits)
            config.check_used()
            prepared.fit(config.operative_text())
        message = command.explain(caught.value)
        assert message is not None, f"a traceback: {caught.value!r}"
        assert "\n" not in message
        assert not (tmp_path / "run").exists()
        return message

    yield line
    gin.clear_config()


def cases() -> list:
    """The bindings and the words of each paragraph of the table."""
    text = (pathlib.Path(__file__).parent / "wrong_settings.txt").read_text()
    lines = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
    found, bindings = [], []
    for line in lines:
        if line.startswith("=>"):
            words = [word.strip() for word in line.removeprefix("=>").split("|")]
            found.append(pytest.param(bindings, words, id="; ".join(bindings)))
            bindings = []
        else:
            bindings.append(line)
    return found


@pytest.mark.parametrize(("bindings", "words"), cases())
def test_a_wrong_setting_is_one_line_with_the_value_and_the_cure(bindings, words, line_of):
    line = line_of(*bindings)
    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    "bindings",
    [
        ["GAN.objectives = [@Adversarial(), @Consistency()]", "flip_and_shift.share = 0.25"],
        ["GAN.augment = @DiffAugment()", "cutout.ratio = 0.25"],
        ["GAN.augment = @ADA()", "integer_translation.most = 0.25"],
        ["Adversarial.loss = @minimax", "minimax.label_smoothing = 0.1", "Adversarial.weight = 0"],
    ],
    ids=str,
)
def test_settings_of_functions_that_are_defaults_are_used(bindings, digits):
    config.parse([], [*SMALL.splitlines(), *bindings])
    training.build(gin.get_bindings("train")["model"], digits)
    try:
        config.check_used([*config.LATER_STAGES, training.__name__])
    finally:
        gin.clear_config()


def test_the_verb_ends_with_the_line_and_code_1(run_verb, tmp_path):
    path = tmp_path / "small.gin"
    path.write_text("data.load.name = 'digits'\n" + SMALL)
    flags = (f"--gin_config={path}", f"--model_dir={tmp_path / 'run'}")
    code, out, err = run_verb(train, *flags, "--gin_bindings=Adversarial.loss = None")
    assert (code, out) == (1, "")
    assert err.startswith("compare-gan train: Adversarial.loss is None: it must be a function")
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_the_place_in_the_code_is_logged_when_asked_for(digits, tmp_path, caplog):
    config.parse([], [*SMALL.splitlines(), "mlp.generator.norm = @conditional_batch_norm"])
    with caplog.at_level(logging.DEBUG, logger="absl"):
        command._guarded("train", lambda: training.train(str(tmp_path / "run"), dataset=digits))
    gin.clear_config()
    assert "Traceback" in caplog.text
    assert "mlp.py" in caplog.text
