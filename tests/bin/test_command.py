"""Flags, help, exit codes and what becomes one line: the contract of every verb."""

import errno
import logging
import os
import signal
import types

import pytest
import tensorflow as tf
from absl import flags

from compare_gan_tf.bin import command, train
from compare_gan_tf.errors import Stopped, UserError


def define_flags(flag_values):
    flags.DEFINE_integer("rounds", 3, "How often.", flag_values=flag_values)
    flags.DEFINE_enum("mode", "fast", ["fast", "slow"], "How.", flag_values=flag_values)


def parse(*arguments):
    return command.parse_flags(["compare-gan", *arguments], define_flags)


def guarded(error, verb="train"):
    def work():
        raise error

    return command._guarded(verb, work)


def test_flags_are_read_and_the_common_ones_repeat():
    values = parse(
        "--model_dir=runs/x", "--rounds=5", "--gin_config=a.gin", "--gin_config", "b.gin",
        "--gin_bindings=f.x = 1, 2",
    )  # fmt: skip
    assert (values.model_dir, values.rounds, values.mode) == ("runs/x", 5, "fast")
    assert values.gin_config == ["a.gin", "b.gin"]
    assert values.gin_bindings == ["f.x = 1, 2"]


@pytest.mark.parametrize("strange", ["\n", "\r", "\x1b[2J", "\x85", "\u2028", "\x1c"])
def test_what_would_break_a_line_or_steer_a_terminal_is_shown_as_text(strange, capsys):
    assert guarded(UserError(f"no file 'a{strange}b'")) == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and err.rstrip("\n").isprintable()


def test_home_is_expanded_but_not_in_remote_folders(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert parse("--model_dir=~/run").model_dir == "/home/someone/run"
    assert parse("--model_dir=gs://bucket/~run").model_dir == "gs://bucket/~run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model_dir=x", "--round=1"], "no flag --round; did you mean rounds?"),
        (["--model_dir=x", "--zzz=1"], "no flag --zzz"),
        (["--rounds=1"], "--model_dir is missing"),
        ([f"--model_dir={__file__}"], f"--model_dir={__file__} is a file: name the folder"),
        (["--model_dir=x", "runs/y"], "cannot use 'runs/y'"),
        (["--model_dir=x", "--rounds=many"], "--rounds"),
        (["--model_dir=x", "--mode=medium"], "fast|slow"),
        (["--model_dir=x", "--noallow=1"], "no flag"),
        (["--model_dir=a\udcff"], "not UTF-8"),
    ],
)
def test_a_wrong_flag_is_one_line_that_names_it(arguments, message):
    with pytest.raises(UserError) as caught:
        parse(*arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("common", [command.COMMON_FLAGS, ()])
def test_help_tells_the_common_and_the_own_flags_with_their_defaults(common):
    verb = types.SimpleNamespace(
        __doc__="Plays.\n\nFor example: play", define_flags=define_flags, COMMON_FLAGS=common
    )
    text = command.help_text("play", verb)
    assert text.startswith("compare-gan play: Plays.")
    for part in ("Common flags:", "--model_dir=", "--gin_config=", "--gin_bindings="):
        assert (part in text) == bool(common)
    assert "--mode=fast|slow" in text
    assert "How often. Default: 3." in " ".join(text.split())
    assert max(len(line) for line in text.splitlines()) <= 100


def test_a_verb_may_say_what_a_common_flag_means_in_it():
    verb = types.SimpleNamespace(
        __doc__="Plays.", define_flags=define_flags, HELP={"gin_config": "The file of the play."}
    )
    text = command.help_text("play", verb)
    assert "  --gin_config=...\n      The file of the play.\n" in text
    assert "config.gin of the run" not in text
    assert "config.gin of the run" in command.help_text("other", train)


@pytest.mark.parametrize(
    "error",
    [
        UserError("no data set 'digit'; did you mean digits?"),
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/full/ckpt-1"),
        tf.errors.PermissionDeniedError(None, None, "/etc/run; Permission denied"),
        tf.errors.ResourceExhaustedError(None, None, "/full/x; No space left on device"),
        tf.errors.FailedPreconditionError(None, None, "/etc/passwd/run; Not a directory"),
        tf.errors.UnimplementedError(None, None, "File system scheme 's3' not implemented"),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating a tensor"),
        MemoryError("Unable to allocate 8.00 TiB for an array with shape (10**12,)"),
    ],
)
def test_what_the_user_can_cure_is_one_line_on_stderr_and_exit_code_1(error, capsys):
    assert guarded(error) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("compare-gan train: ")
    assert err.count("\n") == 1


def test_an_os_error_names_its_file(capsys):
    guarded(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/full/ckpt-1"))
    said = "compare-gan train: No space left on device: /full/ckpt-1; free space there\n"
    assert capsys.readouterr().err == said
    guarded(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert capsys.readouterr().err.endswith("No space left on device; free space there\n")


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (
            tf.errors.ResourceExhaustedError(
                None, None, "{{node}} OOM when allocating tensor with shape[4,2147483648] and type"
            ),
            "tensor with shape[4,2147483648]",
        ),
        (MemoryError("Unable to allocate 8 TiB for an array with shape (9,)"), "allocate 8 TiB"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_want_of_memory_says_how_much_and_what_to_make_smaller(error, wanted, capsys):
    guarded(error)
    err = capsys.readouterr().err
    assert f"not enough memory ({wanted}" in err or f"({wanted}" in err.replace("Unable to ", "")
    assert "a smaller batch" in err


def test_a_value_without_end_is_not_shown_whole(capsys):
    guarded(UserError(f"step {'9' * 100_000} is not there; there are 1, 2"))
    err = capsys.readouterr().err
    assert len(err) < 2100 and err.endswith("9 is not there; there are 1, 2\n")


def test_lines_that_gin_appends_are_left_out_and_others_are_joined(capsys):
    guarded(UserError("a is 1\n  but b is 2\n  In call to configurable 'train' (<function>)"))
    assert capsys.readouterr().err == "compare-gan train: a is 1 but b is 2\n"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        TypeError("f() missing 1 required positional argument: 'x'"),
        tf.errors.InvalidArgumentError(None, None, "shapes do not match"),
    ],
)
def test_a_bug_keeps_its_traceback(error):
    with pytest.raises(type(error)):
        guarded(error)


def test_the_error_in_full_is_shown_when_asked_for(caplog):
    with caplog.at_level(logging.DEBUG, logger="absl"):
        guarded(UserError("bad"))
    assert "UserError: bad" in caplog.text


def test_signals_are_told_by_the_exit_code(capsys):
    assert guarded(Stopped(15, 1200)) == 143
    err = capsys.readouterr().err
    assert "step 1200" in err
    assert "resumes" in err
    assert err.count("\n") == 1
    assert guarded(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "compare-gan train: interrupted by SIGINT\n"
    assert guarded(KeyboardInterrupt(signal.SIGTERM)) == 143


def test_success_is_0():
    assert command._guarded("train", lambda: None) == 0
