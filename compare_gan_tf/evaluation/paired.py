"""By how much two models differ, against the same real samples."""

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import outcomes
from compare_gan_tf.evaluation.outcomes import Outcome
from compare_gan_tf.metrics.base import Collected, Score, UndefinedScore
from compare_gan_tf.metrics.intervals import Jackknifed, paired_difference
from compare_gan_tf.metrics.protocol import Protocol
from compare_gan_tf.metrics.protocol import differences as differing


def check(metric, first: Protocol, second: Protocol) -> None:
    """Refuses two models whose fakes were made under protocols that do not compare.

    What is known of one of them only, such as the truncation of images in a folder, is let pass.

    Raises:
      UserError: names the fields.
    """
    fields = {
        name: pair
        for name, pair in differing(first.to_dict(), second.to_dict()).items()
        if None not in pair
    }
    if fields:
        listed = ", ".join(f"{name} {one!r} and {two!r}" for name, (one, two) in fields.items())
        raise UserError(
            f"the two models cannot be compared by {metric.name}, their protocols differ: {listed}"
        )


def one_difference(metric, real, first, second) -> dict[str, Score]:
    """Scores of the first model minus those of the second; raises UndefinedScore."""
    if isinstance(metric, Jackknifed):
        return paired_difference(metric, real, first, second)
    one, two = metric(real, first), metric(real, second)
    return {name: Score(one[name].value - two[name].value) for name in metric.scores}


def differences(
    metric, real: Collected | str, first: Collected | str, second: Collected | str
) -> list[Outcome]:
    """The difference in each score, with its interval where the metric can tell one."""
    if isinstance(second, str):
        return outcomes.failed(metric, second)
    return outcomes.outcomes(_Difference(metric, second), real, first)


class _Difference:
    """A metric of the first model, whose scores are the differences."""

    def __init__(self, metric, second: Collected):
        self._metric, self._second = metric, second
        self.name, self.needs, self.scores = metric.name, metric.needs, metric.scores
        self.takes_statistics = metric.takes_statistics

    def __call__(self, real: Collected, first: Collected) -> dict[str, Score]:
        reason = outcomes.lacking(self._metric, {"fake": self._second})
        if reason is not None:
            raise UndefinedScore(reason)
        return one_difference(self._metric, real, first, self._second)
