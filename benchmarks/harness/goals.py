"""Whether what was aimed at is reached."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.harness.result import Goal, Result


class Verdict(NamedTuple):
    """What became of a goal.

    Attributes:
        goal: The goal.
        ratio: The ratio of the medians; None where one of them was not measured.
    """

    goal: Goal
    ratio: float | None

    @property
    def met(self) -> bool:
        """Whether it is reached."""
        if self.ratio is None:
            return False
        return (
            self.ratio <= self.goal.ratio if self.goal.bound == "at most" else self.ratio >= self.goal.ratio
        )

    @property
    def word(self) -> str:
        """The outcome in at most two words."""
        if self.ratio is None:
            return "not measured"
        return "met" if self.met else "**not met**"


def verdicts(result: Result) -> list[Verdict]:
    """Judges the goals of a result."""
    return [verdict(result, goal) for goal in result.goals]


def verdict(result: Result, goal: Goal) -> Verdict:
    """Judges a goal by the figures of a result."""
    over = result.figure(goal.case, goal.unit, goal.over)
    under = result.figure(goal.case, goal.unit, goal.under)
    return Verdict(goal, over.median / under.median if over and under and under.median else None)
