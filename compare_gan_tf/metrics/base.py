"""What every metric shares."""


class UndefinedScore(ValueError):
    """The samples have no such score; the message is the reason a row of scores records."""
