"""The flag --profile: a flag with or without a value."""

import pytest

from compare_gan_tf.bin import command, train
from compare_gan_tf.errors import UserError


def parsed(*arguments):
    return command.parse_flags(
        ["compare-gan", "--model_dir=run", *arguments], train.define_flags
    ).profile


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), None),
        (("--profile",), True),
        (("--profile=10,20",), (10, 20)),
        (("--profile= 3, 3",), (3, 3)),
        (("--noprofile",), None),
        (("--profile", "--schedule=train"), True),  # the next argument is no value of it
    ],
)
def test_it_takes_two_steps_or_none(arguments, expected):
    assert parsed(*arguments) == expected


@pytest.mark.parametrize("value", ["10", "10,", "a,b", "-1,3", "1.5,2", "1,2,3", ""])
def test_other_values_are_refused_in_one_line(value):
    with pytest.raises(UserError) as caught:
        parsed(f"--profile={value}")
    assert "--profile" in str(caught.value)
    assert "it must be the first and the last step, such as 10,20" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_is_for_training():
    with pytest.raises(UserError, match="trains nothing"):
        parsed("--profile", "--schedule=continuous_eval")


def test_the_help_shows_that_the_value_may_be_left_out():
    text = command.help_text("train", train)
    assert "  --profile[=...]\n" in text
    assert "--[no]allow_config_change" in text


def test_a_short_training_refuses_it_before_anything_is_written(small, run_verb, tmp_path):
    code, _, err = run_verb(train, *small, "--profile=3,9")
    assert code == 1
    assert "profile = 3,9: this training has 4 steps left; choose FIRST,LAST of 1 to 4" in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_the_folder_of_a_profile_is_printed(small, run_verb, tmp_path):
    code, out, err = run_verb(train, *small, "--profile=2,3")
    assert code == 0, err
    (folder,) = (tmp_path / "run/logs/tensorboard/plugins/profile").iterdir()
    assert f"steps 2 to 3 are profiled in {folder}\n" in out
