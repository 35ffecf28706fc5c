"""Counts and times of inference, per model version, in the terms of Triton's statistics extension.

They live as long as the process: on Lambda, one execution environment. CloudWatch metrics have the whole.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from triptych.clock import wall_clock
from triptych.models.model import Model


@dataclass(slots=True)
class Duration:
    """How often something happened and how long it took in all."""

    count: int = 0
    nanoseconds: int = 0

    def add(self, nanoseconds: int) -> None:
        """Counts one more."""
        self.count += 1
        self.nanoseconds += nanoseconds

    def as_json(self) -> dict[str, int]:
        """Returns the protocol's form."""
        return {"count": self.count, "ns": self.nanoseconds}


class Timings(NamedTuple):
    """Where the time of one inference went, in nanoseconds."""

    compute_input: int
    compute_infer: int
    compute_output: int


@dataclass(slots=True)
class ModelStatistics:
    """Statistics of one model version."""

    rows: int = 0
    executions: int = 0
    last_inference: int = 0
    success: Duration = field(default_factory=Duration)
    fail: Duration = field(default_factory=Duration)
    compute_input: Duration = field(default_factory=Duration)
    compute_infer: Duration = field(default_factory=Duration)
    compute_output: Duration = field(default_factory=Duration)

    def succeeded(self, rows: int, timings: Timings) -> None:
        """Counts a successful inference of that many rows."""
        self.rows += rows
        self.executions += 1
        self.last_inference = wall_clock()
        self.success.add(timings.compute_input + timings.compute_infer + timings.compute_output)
        self.compute_input.add(timings.compute_input)
        self.compute_infer.add(timings.compute_infer)
        self.compute_output.add(timings.compute_output)

    def as_json(self) -> dict[str, Any]:
        """Returns the protocol's form; there is no queue and no cache, so those stay at zero."""
        nothing = Duration().as_json()
        return {
            "last_inference": self.last_inference,
            "inference_count": self.rows,
            "execution_count": self.executions,
            "inference_stats": {
                "success": self.success.as_json(),
                "fail": self.fail.as_json(),
                "queue": nothing,
                "compute_input": self.compute_input.as_json(),
                "compute_infer": self.compute_infer.as_json(),
                "compute_output": self.compute_output.as_json(),
                "cache_hit": nothing,
                "cache_miss": nothing,
            },
            "batch_stats": [],
        }


class Statistics:
    """Statistics of all model versions that this process has served."""

    def __init__(self) -> None:
        self._models: defaultdict[tuple[str, int], ModelStatistics] = defaultdict(ModelStatistics)

    def of(self, model: Model) -> ModelStatistics:
        """Returns the statistics of a model version, new ones for a new version."""
        return self._models[model.name, model.version]

    def of_version(self, name: str, version: int) -> ModelStatistics:
        """Returns the statistics of a model version by name and number; zeros when it was never run."""
        return self._models.get((name, version), ModelStatistics())

    def versions(self) -> list[tuple[str, int]]:
        """Lists what has been served, sorted."""
        return sorted(self._models)
