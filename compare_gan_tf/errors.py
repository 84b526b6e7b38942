"""The two ways a run ends that are not bugs: the user can cure it, or a signal stopped it."""


class UserError(ValueError):
    """Input or environment that the user can cure; the message is one line naming value and cure.

    The command line tools print it on stderr without a traceback and exit with code 1.
    """


class Stopped(Exception):
    """A signal ended training after a checkpoint was written; the exit code is 128 + signal."""

    def __init__(self, signal_number: int, step: int):
        super().__init__(
            f"stopped by signal {signal_number} at step {step}; a checkpoint is written, "
            "the same command resumes"
        )
        self.signal_number = signal_number
        self.step = step
