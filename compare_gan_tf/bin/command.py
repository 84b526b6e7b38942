"""What the verbs share: flags, help without TensorFlow, one line per error, exit codes.

A verb is a module of `compare_gan_tf.bin` whose docstring is its help and which has
`define_flags(flag_values)`, `run(flag_values)` and a `main` that calls `main` below.
"""

import os
import re
import signal
import sys
import textwrap
from collections.abc import Callable, Sequence

from absl import app, flags, logging

from compare_gan_tf.config import gin_errors, gin_imports
from compare_gan_tf.errors import Stopped, UserError, file_error, first_line

PROGRAM = "compare-gan"
_MOST_SAID = 2000  # characters


def main(
    verb: str,
    text: str,
    define_flags: Callable[[flags.FlagValues], None],
    run: Callable[[flags.FlagValues], None],
    argv: Sequence[str] | None = None,
    *,
    needs_model_dir: bool = True,
) -> None:
    """Runs a verb as an absl program and exits.

    Args:
      verb: its name, for messages.
      text: its help, without the flags.
      define_flags: defines the verb's own flags.
      run: does the work.
      argv: program name and arguments; None for those of the process.
      needs_model_dir: whether the verb works on a run's folder only.
    """
    argv = list(sys.argv if argv is None else argv)
    if any(argument in ("-h", "-help", "--help", "--helpshort") for argument in argv[1:]):
        show(help_text(verb, text, define_flags))
        sys.exit(0)
    app.run(
        lambda values: _guarded(verb, lambda: run(values)),
        argv=argv,
        flags_parser=lambda arguments: _parse_or_exit(
            verb, arguments, define_flags, needs_model_dir
        ),
    )


# --- Flags ------------------------------------------------------------------------------------


def _define_common_flags(flag_values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "model_dir",
        None,
        "Folder of the run: checkpoints, logs, scores, modules and report. May be remote (gs://).",
        flag_values=flag_values,
    )
    flags.DEFINE_multi_string(
        "gin_config",
        [],
        "Gin file: a path, or the name of a packaged config. Repeatable; later ones win."
        " Default: config.gin of the run, if it is there.",
        flag_values=flag_values,
    )
    flags.DEFINE_multi_string(
        "gin_bindings",
        [],
        "One gin binding, such as 'train.seed = 1'. Repeatable; wins over the files.",
        flag_values=flag_values,
    )
    flags.DEFINE_multi_string(
        "allow_imports",
        [],
        "Modules of yours that configs may import, such as my_losses: they run code. Repeatable, or"
        " with commas. A run that was trained with some needs no flag on the machine it was trained"
        " on.",
        flag_values=flag_values,
    )


def _own_flags(define_flags: Callable[[flags.FlagValues], None]) -> flags.FlagValues:
    flag_values = flags.FlagValues()
    _define_common_flags(flag_values)
    define_flags(flag_values)
    return flag_values


def parse_flags(
    argv: Sequence[str],
    define_flags: Callable[[flags.FlagValues], None],
    needs_model_dir: bool = True,
) -> flags.FlagValues:
    """Returns the verb's flags, and sets absl's own (--verbosity, --pdb, ...).

    Raises:
      UserError: a flag that is unknown, has a wrong value or is missing.
    """
    values = _own_flags(define_flags)
    names = list(values)
    for name in flags.FLAGS:
        if name not in values:  # a short name comes with its long one
            values[flags.FLAGS[name].name] = flags.FLAGS[name]
    try:
        rest = values(list(argv))[1:]
    except flags.UnrecognizedFlagError as error:
        nearest = gin_errors.did_you_mean(error.flagname, names)
        raise UserError(f"no flag --{error.flagname}{nearest}") from error
    except (flags.Error, ValueError) as error:  # of --noflag=value, absl raises the latter
        raise UserError(str(error)) from error
    if rest:
        raise UserError(f"cannot use {rest[0]!r}: all arguments are flags, as --name=value")
    if needs_model_dir and not values.model_dir:
        raise UserError("--model_dir is missing: name the folder of the run")
    if values.model_dir and "://" not in values.model_dir:
        values.model_dir = os.path.expanduser(values.model_dir)
        try:
            values.model_dir.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"--model_dir={values.model_dir!r} is not UTF-8, which TensorFlow needs: rename it"
            ) from error
    names = ",".join(values.allow_imports).split(",")
    gin_imports.allow(name.strip() for name in names if name.strip())
    flags.FLAGS.mark_as_parsed()
    return values


def _parse_or_exit(verb: str, argv, define_flags, needs_model_dir) -> flags.FlagValues:
    try:
        values = parse_flags(argv, define_flags, needs_model_dir)
    except UserError as error:
        _say(verb, f"{error}. See {PROGRAM} {verb} --help")
        sys.exit(1)
    if flags.FLAGS["verbosity"].using_default_value:
        # Warnings and errors only: absl's default, INFO, would break the progress bars.
        flags.FLAGS.verbosity = logging.WARNING
        flags.FLAGS["verbosity"].using_default_value = False
    return values


def help_text(verb: str, text: str, define_flags: Callable[[flags.FlagValues], None]) -> str:
    """What `compare-gan VERB --help` prints."""
    values = _own_flags(define_flags)
    common = _own_flags(lambda _: None)
    own = [name for name in values if name not in common]
    parts = [f"{PROGRAM} {verb}: {text.strip()}", "Flags of every verb:"]
    parts += [_describe(values[name]) for name in common]
    if own:
        parts += ["", f"Flags of {verb}:", *(_describe(values[name]) for name in own)]
    parts += ["", "Also absl's flags, such as --verbosity=0 for more messages, or --pdb."]
    return "\n".join([parts[0], "", *parts[1:]])


def _describe(flag: flags.Flag) -> str:
    if isinstance(flag, flags.EnumFlag):
        name, text = f"--{flag.name}={'|'.join(flag.parser.enum_values)}", flag.help
        text = text.removeprefix(f"<{'|'.join(flag.parser.enum_values)}>: ")
    elif flag.boolean:
        name, text = f"--[no]{flag.name}", flag.help
    else:
        name, text = f"--{flag.name}=...", flag.help.split(";\n")[0]
    if flag.default not in (None, [], False, ""):
        text += f" Default: {flag.default}."
    indent = " " * 6
    return f"  {name}\n" + textwrap.fill(
        text, width=96, initial_indent=indent, subsequent_indent=indent
    )


# --- Errors -----------------------------------------------------------------------------------


def show(text: str) -> None:
    """Prints it, also for a reader that has seen enough before its end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _guarded(verb: str, work: Callable[[], None]) -> int:
    """Runs `work`; returns the exit code. What the user can cure is one line, bugs are raised."""
    try:
        work()
    except KeyboardInterrupt:
        _say(verb, "interrupted")
        return 128 + signal.SIGINT
    except Stopped as stopped:
        _say(verb, first_line(stopped))
        return 128 + stopped.signal_number
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        logging.debug("the error in full", exc_info=True)
        _say(verb, message)
        return 1
    return 0


def _say(verb: str, message: str) -> None:
    sys.stdout.flush()
    if len(message) > _MOST_SAID:  # of a value without end
        message = f"{message[: _MOST_SAID // 2]} ... {message[-_MOST_SAID // 2 :]}"
    print(f"{PROGRAM} {verb}: {message}", file=sys.stderr, flush=True)


def explain(error: Exception) -> str | None:
    """One line for an error that the user can cure; None for a bug of ours."""
    if isinstance(error, UserError):
        return first_line(error)
    if isinstance(error, OSError):
        if error.strerror and error.filename:
            return f"{error.strerror}: {error.filename}"
        return first_line(error)
    if _is_file_system_error(error):
        return first_line(error)
    if _is_want_of_memory(error):
        return (
            f"there is not enough memory ({_what_was_wanted(error)}): take a smaller batch, smaller"
            " networks or fewer samples"
        )
    return gin_errors.explain_construction(error)


_OF_REMOTE_FILES = ("file system scheme", "libcurl code")


def _is_file_system_error(error: Exception) -> bool:
    """Whether TensorFlow reports an error of the file system, for which it has its own classes."""
    if "tensorflow" not in sys.modules:
        return False
    import tensorflow as tf

    return isinstance(error, tf.errors.OpError) and (
        file_error(error) is not None
        or any(message in str(error).lower() for message in _OF_REMOTE_FILES)
    )


def _is_want_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return True
    if "tensorflow" not in sys.modules:
        return False
    import tensorflow as tf

    return isinstance(error, tf.errors.ResourceExhaustedError)


def _what_was_wanted(error: Exception) -> str:
    """The part of a message that tells how much."""
    found = re.search(
        r"tensor with shape ?\[[\d,]*\]|[Uu]nable to allocate .*? for an array.*", str(error)
    )
    return found[0] if found else type(error).__name__
