"""What happens to jobs, noted as it happens, and what of it must not be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from triptych.aws.table import deserialized
from triptych.jobs.job import FINAL, Job, Status
from triptych.lifecycle.store import record_of

type End = tuple[str, int, str]
"""How a job ended: its id, how often it had been redriven, and its state."""


@dataclass
class History:
    """Looks at the calls of AWS.

    Attributes:
        known: Gives the record of a job as it is now.
        last: Records as they were written last.
        ends: All ends that were written.
        told: Ends that were told, by who was told: `sns` or `events`.
        shown: Ends that callers saw.
        wrong: What must not be.
    """

    known: Callable[[str], Job | None]
    last: dict[str, Job] = field(default_factory=dict)
    ends: set[End] = field(default_factory=set)
    told: dict[str, set[End]] = field(default_factory=lambda: {"sns": set(), "events": set()})
    shown: set[End] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def before(self, name: str, parameters: dict[str, Any]) -> None:
        """Notes what is about to be told: it must be true."""
        match name:
            case "PublishBatch":
                for entry in parameters["PublishBatchRequestEntries"]:
                    self._telling("sns", json.loads(entry["Message"]))
            case "PutEvents":
                for entry in parameters["Entries"]:
                    self._telling("events", json.loads(entry["Detail"]))

    def after(self, name: str, parameters: dict[str, Any]) -> None:
        """Notes what was written: an end stays, but for a redrive."""
        if name == "PutItem":
            self._written(record_of(Job, deserialized(parameters["Item"])))

    def seen(self, described: dict[str, Any]) -> None:
        """Notes what a caller was shown of a job."""
        if described["status"] in FINAL:
            self.shown.add((described["id"], described["redrives"], described["status"]))

    def _telling(self, who: str, notification: dict[str, Any]) -> None:
        described = notification["job"]
        job = self.known(described["id"])
        end = (described["id"], described["redrives"], described["status"])
        if job is None or end != end_of(job):
            self.wrong.append(f"{who} is told {end}, but the record is {job}")
        self.told[who].add(end)

    def _written(self, job: Job) -> None:
        last = self.last.get(job.id)
        if last and last.final and last.status is not job.status and not _redriven(last, job):
            self.wrong.append(f"an end changed: {last} became {job}")
        if job.final:
            self.ends.add(end_of(job))
        self.last[job.id] = job


def end_of(job: Job) -> End:
    """Returns how a job ended."""
    return job.id, job.redrives, job.status.value


def _redriven(last: Job, job: Job) -> bool:
    return (last.status, job.status, job.redrives) == (Status.FAILED, Status.QUEUED, last.redrives + 1)
