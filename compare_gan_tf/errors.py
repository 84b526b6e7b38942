"""The two ways a run ends that are not bugs: the user can cure it, or a signal stopped it."""

import re


class UserError(ValueError):
    """Input or environment that the user can cure; the message is one line naming value and cure.

    The command line tools print it on stderr without a traceback and exit with code 1.
    """

    def __init_subclass__(cls):
        """Gin makes a subclass for an error that passes it, whose text goes on about the call."""
        with_call = cls.__str__
        cls.__str__ = lambda self: re.split(_APPENDED, with_call(self))[0]


class Stopped(Exception):
    """A signal ended training after a checkpoint was written; the exit code is 128 + signal."""

    def __init__(self, signal_number: int, step: int):
        super().__init__(
            f"stopped by signal {signal_number} at step {step}; a checkpoint is written, "
            "the same command resumes"
        )
        self.signal_number = signal_number
        self.step = step


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
