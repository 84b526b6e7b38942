"""The two ways a run ends that are not bugs: the user can cure it, or a signal stopped it."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator


class UserError(ValueError):
    """Input or environment that the user can cure; the message is one line naming value and cure.

    The command line tools print it on stderr without a traceback and exit with code 1.
    """

    def __init_subclass__(cls):
        """Gin makes a subclass for an error that passes it, whose text goes on about the call."""
        with_call = cls.__str__
        cls.__str__ = lambda self: re.split(_APPENDED, with_call(self))[0]


class Stopped(Exception):
    """A signal ended the work, and nothing is lost; the exit code is 128 + signal.

    Args:
      signal_number: of it.
      step: of training, of which a checkpoint was written; None of other work.
    """

    def __init__(self, signal_number: int, step: int | None = None):
        where = "" if step is None else f" at step {step}; a checkpoint is written, "
        super().__init__(
            f"stopped by signal {signal_number}{where or '; '}the same command resumes"
        )
        self.signal_number = signal_number
        self.step = step


# What cures that a file cannot be written, by the cause; TensorFlow tells causes in words alone.
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
    """The number of the file system's error that Python or TensorFlow reports; None if none is."""
    if isinstance(error, OSError) and error.errno in _CURES:
        return error.errno
    said = str(error).lower()
    return next((number for number in _CURES if os.strerror(number).lower() in said), None)


def unwritable(what: str, error: Exception, otherwise: str = "choose another place") -> str:
    """One line for an error of the file system: what cannot be done, the cause, and its cure.

    Args:
      what: such as "cannot write report/index.html".
      error: an OSError, or one of TensorFlow.
      otherwise: the cure where the cause tells none.
    """
    return f"{what}: {_cause(error)}; {_CURES.get(file_error(error), otherwise)}"


def _cause(error: Exception) -> str:
    """What a library says, on one line: without paths and operations, which are named elsewhere."""
    cause = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
    cause = re.sub(r"\{\{.*?\}\}|\[Op:\w+\]", "", " ".join(cause.split())).strip()[:300]
    return cause or type(error).__name__


@contextlib.contextmanager
def as_user_error(what: str, *kinds: type[Exception], cure: str = "") -> Iterator[None]:
    """Turns errors of a library in its block into a `UserError`: "what: the cause; cure".

    Args:
      what: went wrong, such as "the text notes.txt cannot be read".
      *kinds: classes of the errors. A `UserError` passes as it is.
      cure: what to do about it; "" where the cause tells.

    Raises:
      UserError: instead of such an error.
    """
    try:
        yield
    except UserError:
        raise
    except kinds as error:
        raise UserError(f"{what}: {_cause(error)}{cure and f'; {cure}'}") from error


# What calling a function raises that does not fit its place.
MISFITS = (TypeError, ValueError, AttributeError, LookupError)

# What gin appends to a message, about the call that it came from, and what follows one of ours.
_APPENDED = r"\n  (?:In call to configurable|No values supplied|Gin had values)|\n\n"
# What Keras writes around the message of an error in a layer.
_IN_KERAS = r"Exception encountered when calling .*?\n\n\x1b\[1m(.*?)\x1b\[0m"


def first_line(error: BaseException) -> str:
    """What an error says, on one line: without what gin and Keras add about where it arose."""
    text = str(error)
    if in_keras := re.match(_IN_KERAS, text, re.DOTALL):
        text = in_keras[1]
    text = re.split(_APPENDED, text)[0]
    return " ".join(line.strip() for line in text.splitlines()) or type(error).__name__
