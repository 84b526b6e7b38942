"""What a row of a paper measures, and what must come out for it to be reproduced."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure:
    """One number that a row measures for each seed.

    Attributes:
      name: what it is, with its unit.
      at_least, at_most: where its median over the seeds must lie; None for no bound.
      source: whence the bounds are: a paper, a closed form, or "ours".
    """

    name: str
    at_least: float | None = None
    at_most: float | None = None
    source: str = "ours"

    def holds(self, value: float) -> bool:
        """Whether a value lies within the bounds; NaN does not."""
        above = self.at_least is None or value >= self.at_least
        below = self.at_most is None or value <= self.at_most
        return value == value and above and below

    def reproduced(self, values: Sequence[Mapping[str, float]]) -> bool:
        """Whether the median over the seeds lies within the bounds; without bounds, always."""
        unbounded = self.at_least is None and self.at_most is None
        return unbounded or self.holds(statistics.median(found[self.name] for found in values))

    def bounds(self) -> str:
        """The bounds and their source, in words."""
        parts = [
            f"{sign} {bound:g}"
            for sign, bound in (("≥", self.at_least), ("≤", self.at_most))
            if bound is not None
        ]
        return f"{' and '.join(parts)} ({self.source})" if parts else "reported"


def table(title: str, measures: Sequence[Measure], values: Sequence[Mapping[str, float]]) -> str:
    """Rows of a Markdown table: median, range and verdict of each measure.

    Args:
      title: of the paper's row.
      measures: what was measured.
      values: {measure's name: value} of each seed.

    Raises:
      ValueError: a seed lacks a measure, or has another.
    """
    expected = {measure.name for measure in measures}
    for found in values:
        if set(found) != expected:
            raise ValueError(f"{title}: measured {sorted(found)}, not {sorted(expected)}")
    lines = []
    for measure in measures:
        column = [found[measure.name] for found in values]
        median = statistics.median(column)
        verdict = "yes" if measure.reproduced(values) else "**no**"
        if measure.at_least is None and measure.at_most is None:
            verdict = ""
        shown = f"{median:.4g} [{min(column):.4g}, {max(column):.4g}]"
        name = measure.name.replace("|", r"\|")
        lines.append(f"| {title} | {name} | {shown} | {measure.bounds()} | {verdict} |")
    return "\n".join(lines)
