"""Code shared by all verbs: flags, help without TensorFlow, one-line errors, exit codes.

A verb is a module of `compare_gan_tf.bin`. Its docstring is its help text, and it defines
`define_flags(flag_values)` and `run(flag_values)`. Optional attributes of the module are:

  NEEDS_MODEL_DIR  False if --model_dir is not required
  COMMON_FLAGS     the common flags that it takes, if not all
  HELP             {name of a common flag: its text}, where it means something else in this verb
  ARGUMENTS        name of the flag that collects arguments without a flag name
"""

import functools
import os
import re
import signal
import sys
import textwrap
import types
from collections.abc import Callable, Sequence

from absl import app, flags, logging

from compare_gan_tf.bin import interrupts, quiet
from compare_gan_tf.config import gin_errors, gin_imports
from compare_gan_tf.errors import (
    PeerLost,
    Stopped,
    UserError,
    as_line,
    as_user_error,
    cure,
    file_error,
    first_line,
)
from compare_gan_tf.storage import programs

PROGRAM = "compare-gan"
COMMON_FLAGS = ("model_dir", "gin_config", "gin_bindings", "allow_imports")


def main(verb: types.ModuleType, argv: Sequence[str]) -> None:
    """Runs a verb as an absl program and exits.

    Args:
      verb: the verb's module.
      argv: program name and arguments.
    """
    name = verb.__name__.partition(".bin.")[2].replace(".", " ")
    if any(argument in ("-h", "-help", "--help", "--helpshort") for argument in argv[1:]):
        show(help_text(name, verb))
        sys.exit(0)
    app.run(
        functools.partial(_guarded, name, verb.run),
        argv=list(argv),
        flags_parser=functools.partial(_parse_or_exit, name, verb),
    )


# --- Flags ------------------------------------------------------------------------------------


def _define_common_flags(flag_values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "model_dir",
        None,
        "Folder of the run, for checkpoints, logs, scores, modules and report. It may be remote"
        " (gs://).",
        flag_values=flag_values,
    )
    repeatable = {
        "gin_config": "Gin config file: a path, or the name of a packaged config. Repeatable; later"
        " files override earlier ones. Default: config.gin of the run, if it exists.",
        "gin_bindings": "One gin binding, such as 'train.seed = 1'. Repeatable; overrides the"
        " files.",
        "allow_imports": "Your own Python modules that configs may import, such as my_losses, and"
        " networks that they may load, by their paths; both run code. Repeatable, or"
        " comma-separated. Later commands on the run need no flag, on the machine it was trained"
        " on.",
    }
    for name, text in repeatable.items():
        flags.DEFINE_multi_string(name, [], text, flag_values=flag_values)


def own_flags(
    define_flags: Callable[[flags.FlagValues], None], common: Sequence[str] = COMMON_FLAGS
) -> flags.FlagValues:
    """The flags of a verb, common and own, without those of absl."""
    flag_values = flags.FlagValues()
    _define_common_flags(flag_values)
    for name in set(COMMON_FLAGS) - set(common):
        delattr(flag_values, name)
    define_flags(flag_values)
    return flag_values


def parse_flags(
    argv: Sequence[str],
    define_flags: Callable[[flags.FlagValues], None],
    needs_model_dir: bool = True,
    common: Sequence[str] = COMMON_FLAGS,
    arguments: str | None = None,
) -> flags.FlagValues:
    """Parses the verb's flags, and absl's own (--verbosity, --pdb, ...).

    Args:
      argv: program name and arguments.
      define_flags: the verb's function that defines its flags.
      needs_model_dir: whether --model_dir is required.
      common: names of the common flags that the verb takes.
      arguments: name of the flag that collects arguments without a flag name; None for none.

    Raises:
      UserError: a flag is unknown or missing, or its value is wrong.
    """
    values = own_flags(define_flags, common)
    names = list(values)
    for name in flags.FLAGS:
        if name not in values:  # a flag's short name is added together with its long name
            values[flags.FLAGS[name].name] = flags.FLAGS[name]
    try:
        rest = values(list(argv))[1:]
    except flags.UnrecognizedFlagError as error:
        nearest = gin_errors.did_you_mean(error.flagname, names)
        raise UserError(f"no flag --{error.flagname}{nearest}") from error
    except (flags.Error, ValueError) as error:  # absl raises ValueError for --noflag=value
        first = str(error).split("\n")[0]  # of a flag that was not given, absl says --flag=None
        raise UserError(re.sub(r"^flag --\w+=None: (?=--)", "", first)) from error
    if rest and arguments is None:
        raise UserError(f"cannot use {rest[0]!r}: all arguments are flags, as --name=value")
    if rest:
        values[arguments].value = [*values[arguments].value, *rest]
    if needs_model_dir and not values.model_dir:
        raise UserError("--model_dir is missing: name the folder of the run")
    if "model_dir" in values and values.model_dir and "://" not in values.model_dir:
        values.model_dir = _local_folder(values.model_dir)
    if "allow_imports" in values:
        names = ",".join(values.allow_imports).split(",")
        gin_imports.allow(name.strip() for name in names if name.strip())
    if "trust" in values and values.trust:
        programs.trust([programs.EVERYTHING])
    flags.FLAGS.mark_as_parsed()
    return values


def _local_folder(model_dir: str) -> str:
    """The path with `~` expanded, after a check that TensorFlow can open it as a folder."""
    what = f"--model_dir={model_dir!r} is not UTF-8, which TensorFlow needs"
    with as_user_error(what, UnicodeEncodeError, cure="rename it"):
        model_dir.encode()
    path = os.path.expanduser(model_dir)
    if os.path.exists(path) and not os.path.isdir(path):
        raise UserError(f"--model_dir={model_dir} is a file: name the folder of the run")
    return path


def _parse_or_exit(name: str, verb: types.ModuleType, argv: Sequence[str]) -> flags.FlagValues:
    needs_model_dir = getattr(verb, "NEEDS_MODEL_DIR", True)
    common = getattr(verb, "COMMON_FLAGS", COMMON_FLAGS)
    try:
        arguments = getattr(verb, "ARGUMENTS", None)
        values = parse_flags(argv, verb.define_flags, needs_model_dir, common, arguments)
    except UserError as error:
        end = "" if str(error).endswith("?") else "."
        _say(name, f"{error}{end} See {PROGRAM} {name} --help")
        sys.exit(1)
    if flags.FLAGS["verbosity"].using_default_value:
        # Warnings and errors only: absl's default, INFO, would break the progress bars.
        flags.FLAGS.verbosity = logging.WARNING
        flags.FLAGS["verbosity"].using_default_value = False
        logging.get_absl_handler().python_handler.setFormatter(quiet.Plain(name, PROGRAM))
    return values


def help_text(name: str, verb: types.ModuleType) -> str:
    """The text that `compare-gan VERB --help` prints."""
    chosen = getattr(verb, "COMMON_FLAGS", COMMON_FLAGS)
    values = own_flags(verb.define_flags, chosen)
    common = [name for name in own_flags(lambda _: None, chosen) if name in values]
    own = [name for name in values if name not in common]
    for flag, text in getattr(verb, "HELP", {}).items():
        values[flag].help = text
    parts = [f"{PROGRAM} {name}: {verb.__doc__.strip()}"]
    if common:
        parts += ["", "Common flags:", *(_describe(values[name]) for name in common)]
    if own:
        parts += ["", f"Flags of {name}:", *(_describe(values[name]) for name in own)]
    parts += ["", "absl's flags work too, such as --verbosity=0 for more messages, or --pdb."]
    return "\n".join(parts)


def _describe(flag: flags.Flag) -> str:
    if isinstance(flag, flags.EnumFlag):
        name, text = f"--{flag.name}={'|'.join(flag.parser.enum_values)}", flag.help
        text = text.removeprefix(f"<{'|'.join(flag.parser.enum_values)}>: ")
    elif flag.boolean and not isinstance(flag, flags.BooleanFlag):
        name, text = f"--{flag.name}[=...]", flag.help
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
    """Prints a text. It is no error if the reader, such as `head`, closes the pipe early."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _guarded(verb: str, work: Callable[..., None], *arguments) -> int:
    """Runs `work` and returns the exit code. Prints one line for a user's error; raises bugs."""
    try:
        work(*arguments)
    except KeyboardInterrupt as interrupt:
        number = interrupts.number_of(interrupt)
        _say(verb, f"interrupted by {signal.Signals(number).name}")
        return 128 + number
    except Stopped as stopped:
        _say(verb, first_line(stopped))
        return 128 + stopped.signal_number
    except PeerLost as lost:
        _say(verb, first_line(lost))
        return PeerLost.CODE
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
    print(f"{PROGRAM} {verb}: {as_line(message)}", file=sys.stderr, flush=True)


def explain(error: Exception) -> str | None:
    """A one-line message for an error that the user can fix; None for a bug in this package."""
    if isinstance(error, UserError):
        return first_line(error)
    if isinstance(error, OSError):
        if error.strerror and error.filename:
            return f"{error.strerror}: {error.filename}{cure(error)}"
        return first_line(error) + cure(error)
    if _is_file_system_error(error):
        return first_line(error) + cure(error)
    if _is_out_of_memory(error):
        return (
            f"there is not enough memory ({_requested_size(error)}): use a smaller batch, smaller"
            " networks or fewer samples"
        )
    return gin_errors.explain_construction(error)


_OF_REMOTE_FILES = ("file system scheme", "libcurl code")


def _is_file_system_error(error: Exception) -> bool:
    """Whether it is one of TensorFlow's own exceptions for file system errors."""
    if "tensorflow" not in sys.modules:
        return False
    import tensorflow as tf

    return isinstance(error, tf.errors.OpError) and (
        file_error(error) is not None
        or any(message in str(error).lower() for message in _OF_REMOTE_FILES)
    )


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return True
    if "tensorflow" not in sys.modules:
        return False
    import tensorflow as tf

    return isinstance(error, tf.errors.ResourceExhaustedError)


def _requested_size(error: Exception) -> str:
    """The part of the message about the size of the failed allocation."""
    found = re.search(
        r"tensor with shape ?\[[\d,]*\]|[Uu]nable to allocate .*? for an array.*", str(error)
    )
    return found[0] if found else type(error).__name__
