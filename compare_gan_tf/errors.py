"""Exceptions that are not bugs: errors that the user can fix, and a stop by a signal."""

import contextlib
import errno
import os
import re
import struct
import sysconfig
import tokenize
import traceback
import zipfile
import zlib
from collections.abc import Iterator


class UserError(ValueError):
    """An error that the user can fix. The message is one line: the wrong value, and how to fix it.

    The command line prints it on stderr without a traceback and exits with code 1.
    """

    def __init_subclass__(cls):
        """Removes gin's additions from the message.

        When an error passes through a configurable, gin raises a subclass of the error's class,
        and appends a description of the call to the message.
        """
        text_of_gin = cls.__str__
        cls.__str__ = lambda self: re.split(_APPENDED, text_of_gin(self))[0]


class NotFinite(UserError):
    """A loss or a weight of a training is NaN or infinite.

    Args:
      message: one line.
      step: training step.
      term: what is not finite.
    """

    def __init__(self, message: str, step: int, term: str):
        super().__init__(message)
        self.step, self.term = step, term


class Stopped(Exception):
    """A signal stopped the work, and nothing is lost. The exit code is 128 + signal.

    Args:
      signal_number: number of the signal.
      step: training step of the checkpoint that was written; None for work other than training.
    """

    def __init__(self, signal_number: int, step: int | None = None):
        where = "" if step is None else f" at step {step}; a checkpoint is written, "
        super().__init__(
            f"stopped by signal {signal_number}{where or '; '}the same command resumes"
        )
        self.signal_number = signal_number
        self.step = step


class PeerLost(Exception):
    """Another worker of a distributed training has ended. The exit code is `CODE`.

    Args:
      who: the worker, in words.
    """

    CODE = 75  # EX_TEMPFAIL of sysexits.h: try again

    def __init__(self, who: str):
        super().__init__(
            f"contact with {who} is lost, its messages say why; the same command on all workers"
            " resumes from the newest checkpoint"
        )


# {errno: how to fix it}. TensorFlow reports only the text of these errors, without the number.
_CURES = {
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOSPC: "free space there",
    errno.EDQUOT: "free space there",
    errno.EFBIG: "choose another file system",
    errno.EACCES: "make it writable",
    errno.EPERM: "make it writable",
    errno.EROFS: "choose a place that can be written to",
    errno.ENOTDIR: "choose a path through folders alone",
    errno.EISDIR: "name a file",
    errno.ELOOP: "choose a path without links that lead to themselves",
    errno.ENOENT: "choose a folder that exists",
    errno.EIO: "choose another disk",
}


def file_error(error: Exception) -> int | None:
    """The errno of a file system error of Python or TensorFlow; None for any other error."""
    if isinstance(error, OSError) and error.errno in _CURES:
        return error.errno
    text = str(error).lower()
    return next((number for number in _CURES if os.strerror(number).lower() in text), None)


def cure(error: Exception) -> str:
    """How to fix a disk that takes nothing more, such as "; free space there"; "" for others."""
    number = file_error(error)
    is_of_disk = number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return f"; {_CURES[number]}" if is_of_disk else ""


def unwritable(what: str, error: Exception, otherwise: str = "choose another place") -> str:
    """A one-line message about a file system error: what failed, the cause, and how to fix it.

    Args:
      what: what failed, such as "cannot write report/index.html".
      error: an OSError, or an error of TensorFlow.
      otherwise: how to fix it when the cause is not a known errno.
    """
    return f"{what}: {_cause(error)}; {_CURES.get(file_error(error), otherwise)}"


def _cause(error: Exception) -> str:
    """The message of a library's error on one line, without its path and operation name."""
    cause = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
    cause = re.sub(r"\{\{.*?\}\}|\[Op:\w+\]", "", " ".join(cause.split())).strip()[:300]
    return cause or type(error).__name__


@contextlib.contextmanager
def as_user_error(what: str, *kinds: type[Exception], cure: str = "") -> Iterator[None]:
    """Context manager that converts errors of a library into a `UserError`: "what: cause; cure".

    Args:
      what: what went wrong, such as "the text notes.txt cannot be read".
      *kinds: exception classes to convert. A `UserError` passes unchanged.
      cure: how to fix it; "" when the cause already says it.

    Raises:
      UserError: in place of an error of these classes.
    """
    try:
        yield
    except UserError:
        raise
    except kinds as error:
        raise UserError(f"{what}: {_cause(error)}{cure and f'; {cure}'}") from error


# What numpy raises at a damaged .npz file, whose headers are Python literals.
DAMAGED_ARRAYS = (
    *(OSError, ValueError, EOFError, LookupError, TypeError, OverflowError, MemoryError),
    *(SyntaxError, NotImplementedError, RuntimeError, RecursionError, tokenize.TokenError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)

# What Python raises when a function does not take the arguments it is called with, or when an
# object of the wrong type is used.
MISFITS = (TypeError, ValueError, AttributeError, LookupError)

# The start of what gin appends to a message: a description of the call that raised the error.
_APPENDED = r"\n  (?:In call to configurable|No values supplied|Gin had values)|\n\n"
# The text that Keras puts around the message of an error in a layer.
_IN_KERAS = r"Exception encountered when calling .*?\n\n\x1b\[1m(.*?)\x1b\[0m"
# What TensorFlow puts around the message of an error in an operation.
_IN_TENSORFLOW = r"^\{\{.*?\}\} ?| ?\[Op:\w+\](?: name:)?"
# Folders of code that is not the user's.
_PACKAGES = re.compile(r"[\\/](?:site|dist)-packages[\\/]")
_NOT_OF_USERS = (os.path.dirname(__file__), sysconfig.get_path("stdlib"), "<")


def first_line(error: BaseException) -> str:
    """The message of an error on one line, without what gin and Keras add about its origin."""
    text = str(error)
    if in_keras := re.match(_IN_KERAS, text, re.DOTALL):
        text = in_keras[1]
    text = re.sub(_IN_TENSORFLOW, "", re.split(_APPENDED, text)[0])
    return " ".join(line.strip() for line in text.splitlines()) or type(error).__name__


def with_origin(error: BaseException) -> str:
    """Kind and message of an error, and the innermost line of the user's code that it came through.

    For example "NameError: name 'alpha' is not defined, in /home/me/my_losses.py line 7".
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_of_user(frame.filename)]
    place = f", in {own[-1].filename} line {own[-1].lineno}" if own else ""
    return f"{type(error).__name__}: {first_line(error)}{place}"


def _is_of_user(file: str) -> bool:
    return not (file.startswith(_NOT_OF_USERS) or _PACKAGES.search(file)) and os.path.isfile(file)


# --- Secrets ----------------------------------------------------------------------------------

_OF_URLS = (
    (re.compile(r"(://[^/@:\s]*:)[^\s]*@"), r"\1***@"),  # also of a password with an @ or a colon
    (
        re.compile(r"([?&](?:\w*password|passwd|pwd|token|\w*key|secret)=)[^&\s'\"]*", re.I),
        r"\1***",
    ),
)
_SECRET_NAME = re.compile(
    r"TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|(API|ACCESS|PRIVATE)_?KEY|_KEY$"
)
_SHORTEST = 6  # characters of a value that is searched for; shorter ones are in many words


def without_secrets(text: str) -> str:
    """A text as it may be shown and kept: *** for passwords in URLs and for tokens.

    Tokens are the values of environment variables whose names say so, such as HF_TOKEN, KAGGLE_KEY
    and PGPASSWORD.
    """
    for pattern, kept in _OF_URLS:
        text = pattern.sub(kept, text)
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and value in text and _SECRET_NAME.search(name.upper()):
            text = text.replace(value, "***")
    return text


_LONGEST_LINE = 2000  # characters
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # of a terminal, or new lines


def as_line(message: str) -> str:
    """A message as the command line prints it: without secrets, and on one line of some length."""
    line = _CONTROLS.sub(lambda found: repr(found[0])[1:-1], without_secrets(message))
    if len(line) > _LONGEST_LINE:  # it quotes a very long value
        line = f"{line[: _LONGEST_LINE // 2]} ... {line[-_LONGEST_LINE // 2 :]}"
    return line
