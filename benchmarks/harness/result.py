"""What was found, as a file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness.machine import machine
from benchmarks.harness.measuring import Spread

RESULTS = Path(__file__).parents[1] / "results"


class Figure(NamedTuple):
    """A contestant's figure in a case.

    Attributes:
        case: What was asked.
        contestant: Who.
        unit: Of what, such as `s`, `jobs/s` or `bytes`.
        value: How much.
    """

    case: str
    contestant: str
    unit: str
    value: Spread


class Goal(NamedTuple):
    """A ratio that is aimed at: of one figure to another, both of the same case and unit.

    Attributes:
        case: The case.
        unit: The unit.
        over: The contestant whose figure is divided.
        under: The contestant by whose it is divided.
        bound: `at most` or `at least`.
        ratio: The ratio.
    """

    case: str
    unit: str
    over: str
    under: str
    bound: str
    ratio: float


class Missing(NamedTuple):
    """Somebody who could not be measured.

    Attributes:
        contestant: Who.
        reason: Why.
    """

    contestant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """What the answer to a question is made of.

    Attributes:
        question: Name of the question's module.
        title: The question.
        effort: `quick` or `full`.
        figures: What was measured.
        goals: What is aimed at.
        missing: Who could not be measured.
        notes: What one must know to read the figures.
        machine: What it was measured on.
        made: When, as a date.
    """

    question: str
    title: str
    effort: str
    figures: list[Figure]
    goals: list[Goal] = field(default_factory=list[Goal])
    missing: list[Missing] = field(default_factory=list[Missing])
    notes: list[str] = field(default_factory=list[str])
    machine: dict[str, str] = field(default_factory=machine)
    made: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())

    def figure(self, case: str, unit: str, contestant: str) -> Spread | None:
        """Returns a figure, if it was measured."""
        found = (figure.value for figure in self.figures if figure[:3] == (case, contestant, unit))
        return next(found, None)

    def save(self, directory: Path = RESULTS) -> Path:
        """Writes it."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.question}.json"
        document = asdict(self) | {
            "figures": [{**figure._asdict(), "value": _rounded(figure.value)} for figure in self.figures],
            "goals": [goal._asdict() for goal in self.goals],
            "missing": [missing._asdict() for missing in self.missing],
        }
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        return path


def load(path: Path) -> Result:
    """Reads a result."""
    document = json.loads(path.read_text(encoding="utf-8"))
    figures = [Figure(**{**figure, "value": Spread(**figure["value"])}) for figure in document["figures"]]
    goals = [Goal(**goal) for goal in document["goals"]]
    missing = [Missing(**missing) for missing in document["missing"]]
    return Result(**{**document, "figures": figures, "goals": goals, "missing": missing})


def _rounded(value: Spread) -> dict[str, float]:
    return {name: float(f"{number:.4g}") for name, number in value._asdict().items()}
