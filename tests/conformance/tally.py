"""What came of every case, counted."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts for the reader of a test run.

    Attributes:
        models: How many models there are.
        answers: Models by what came of asking them.
        refusals: Refused models by status and reason.
    """

    models: int = 0
    answers: Counter[str] = field(default_factory=Counter[str])
    refusals: Counter[tuple[int, str]] = field(default_factory=Counter[tuple[int, str]])

    def lines(self) -> list[str]:
        """Returns the report, a line for each count."""
        refused = self.refusals.total()
        return [
            f"ONNX operator cases: {self.models} models, {self.models - refused} served, {refused} refused",
            *(f"{count:6} {what}" for what, count in sorted(self.answers.items())),
            *(f"{count:6} refused: {status} {why}" for (status, why), count in sorted(self.refusals.items())),
        ]


_KINDS = (
    (r"is optional\(", "optional types"),
    (r"is seq\(", "sequences"),
    (r"is tensor\(float8", "8-bit floats"),
    (r"is tensor\(u?int[24]\)", "integers of less than 8 bits"),
    (r"implementation for (\w+\(\d+\))", r"ONNX Runtime does not implement \1 for these types"),
    (r"kernel for (\w+\(\d+\))", r"ONNX Runtime does not implement \1 for these types"),
    (r"([\w.]+:\w+)\(-1\) is not a registered", r"ONNX Runtime does not know \1"),
    (r"Exception during initialization: onnxruntime::(\w+)", r"ONNX Runtime's \1 refuses its attributes"),
)


def kind_of_refusal(message: str) -> str:
    """Sums up why a model is refused.

    Args:
        message: The error that was answered.

    Raises:
        ValueError: It is none of the known reasons.
    """
    for pattern, kind in _KINDS:
        match = re.search(pattern, message)
        if match:
            return match.expand(kind)
    raise ValueError(f"an unknown reason: {message}")
