"""What batches stand on, in memory: real little implementations of the interfaces, which can break."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from triptych.aws.table import Pacer
from triptych.aws.workflow import Workflow
from triptych.batches.batch import Batch
from triptych.batches.file import FileOutcome, InputFile, Part
from triptych.batches.lookup import Origin, PredictionStore
from triptych.batches.store import BatchStore
from triptych.batches.telemetry import BatchTelemetry
from triptych.clock import Deadline
from triptych.errors import BadRequest
from triptych.inference.piece import Prediction
from triptych.lifecycle.store import Page

from tests.support.job_fakes import Breakable

AT_ONCE = Pacer(1e9, Deadline(math.inf))


@dataclass
class MemoryBatches(Breakable, BatchStore):
    """Records of batches.

    Attributes:
        batches: The records by id.
        kept_parts: Parts by batch, file and start.
        kept_outcomes: What became of files, by batch and number.
        attempts: How often chunks were begun, by batch, file and start.
    """

    batches: dict[str, Batch] = field(default_factory=dict)
    kept_parts: dict[tuple[str, int, int], Part] = field(default_factory=dict)
    kept_outcomes: dict[tuple[str, int], FileOutcome] = field(default_factory=dict)
    attempts: dict[tuple[str, int, int], int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.batches)

    def get(self, identity: str) -> Batch | None:
        """Returns a batch."""
        self.reach()
        return self.batches.get(identity)

    def add(self, record: Batch) -> bool:
        """Stores a batch whose id is new."""
        self.reach()
        return self.batches.setdefault(record.id, record) is record

    def replace(self, record: Batch) -> bool:
        """Replaces the previous revision of a batch."""
        self.reach()
        found = self.batches.get(record.id)
        if found is None or found.revision != record.revision - 1:
            return False
        self.batches[record.id] = record
        return True

    def swap(self, record: Batch) -> Batch | None:
        """Replaces the previous revision of a batch, and returns the one that is stored."""
        return record if self.replace(record) else self.get(record.id)

    def newest(self, *, after: str | None, limit: int, model: str | None = None) -> Page[Batch]:
        """Lists batches from the newest; `next` is where the last one stands."""
        assert model is None, "the index knows no model of batches"
        self.reach()
        if after is not None and not re.fullmatch(r"\d{13}\.[0-9a-f-]{36}", after):
            raise BadRequest("next: expected what the page before gave")
        places = {batch.place: batch for batch in self.batches.values()}
        rest = sorted((place for place in places if after is None or place < after), reverse=True)
        following = rest[limit - 1] if len(rest) > limit else None
        return Page([places[place] for place in rest[:limit]], following)

    def add_part(self, batch_id: str, part: Part) -> bool:
        """Keeps the first part of a file with its start."""
        self.reach()
        return self.kept_parts.setdefault((batch_id, part.file, part.start), part) is part

    def part(self, batch_id: str, file: int, start: int) -> Part | None:
        """Gives the part that begins at a position."""
        self.reach()
        return self.kept_parts.get((batch_id, file, start))

    def parts(self, batch_id: str, file: int | None = None) -> Sequence[Part]:
        """Lists parts by file and start."""
        self.reach()
        found = [part for (of, *_), part in sorted(self.kept_parts.items()) if of == batch_id]
        return [part for part in found if file in {None, part.file}]

    def add_outcome(self, batch_id: str, outcome: FileOutcome) -> bool:
        """Keeps the first outcome of a file."""
        self.reach()
        return self.kept_outcomes.setdefault((batch_id, outcome.number), outcome) is outcome

    def outcome(self, batch_id: str, number: int) -> FileOutcome | None:
        """Returns the outcome of one file."""
        self.reach()
        return self.kept_outcomes.get((batch_id, number))

    def outcomes(self, batch_id: str) -> Sequence[FileOutcome]:
        """Lists outcomes by number of the file."""
        self.reach()
        return [outcome for (of, _), outcome in sorted(self.kept_outcomes.items()) if of == batch_id]

    def forget_outcomes(self, batch_id: str) -> None:
        """Removes the outcomes that may pass."""
        for outcome in self.outcomes(batch_id):
            if outcome.error is not None and outcome.error.retryable:
                del self.kept_outcomes[batch_id, outcome.number]

    def count_attempt(self, batch_id: str, file: int, start: int) -> int:
        """Counts that a chunk is begun."""
        self.reach()
        self.attempts[batch_id, file, start] = self.attempts.get((batch_id, file, start), 0) + 1
        return self.attempts[batch_id, file, start]


@dataclass
class MemoryWorkflow(Breakable, Workflow):
    """Executions in memory.

    Attributes:
        started: Ids of batches by names of executions.
        stopped: Names of executions that were stopped.
    """

    started: dict[str, str] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)

    def start(self, execution: str, batch_id: str) -> None:
        """Starts an execution whose name is new."""
        self.reach()
        self.started.setdefault(execution, batch_id)

    def stop(self, execution: str) -> None:
        """Stops an execution, if there is one."""
        self.reach()
        self.stopped |= {execution} & self.started.keys()


@dataclass
class MemoryPredictions(Breakable, PredictionStore):
    """Predictions by model and key.

    Attributes:
        kept: The latest of each key.
    """

    kept: dict[tuple[str, str], tuple[Prediction, Origin]] = field(default_factory=dict)

    def put(self, predictions: Sequence[Prediction], origin: Origin, pacer: Pacer) -> None:
        """Keeps predictions; those of a later batch stay."""
        self.reach()
        for prediction in predictions:
            pacer.wait(1)
            known = self.kept.get((origin.model, prediction.key))
            if known is None or (known[1].at, known[1].batch) <= (origin.at, origin.batch):
                self.kept[origin.model, prediction.key] = prediction, origin

    def get(self, model: str, keys: Sequence[str]) -> Mapping[str, tuple[Prediction, Origin]]:
        """Gives the latest predictions by key."""
        self.reach()
        return {key: self.kept[model, key] for key in keys if (model, key) in self.kept}


@dataclass
class WatchedBatches(BatchTelemetry):
    """What was seen of batches.

    Attributes:
        accepted: Batches that were accepted.
        runs: Chunks that were transformed, with the id of the batch.
        files: What became of files.
        ended: Batches that ended.
        messages: How many messages were dealt with, and how many of them come again.
        failures: What should not have failed.
    """

    accepted: list[Batch] = field(default_factory=list)
    runs: list[tuple[str, Part]] = field(default_factory=list)
    files: list[FileOutcome] = field(default_factory=list)
    ended: list[Batch] = field(default_factory=list)
    messages: list[tuple[int, int]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def batch_accepted(self, batch: Batch) -> None:
        """Remembers a new batch."""
        self.accepted.append(batch)

    def chunk_ran(self, batch_id: str, file: InputFile, part: Part) -> None:  # noqa: ARG002 - as the interface has it
        """Remembers a run."""
        self.runs.append((batch_id, part))

    def file_ended(self, batch: Batch, outcome: FileOutcome) -> None:  # noqa: ARG002 - as the interface has it
        """Remembers what became of a file."""
        self.files.append(outcome)

    def batch_ended(self, batch: Batch) -> None:
        """Remembers the end of a batch."""
        self.ended.append(batch)

    def messages_ended(self, messages: int, postponed: int) -> None:
        """Remembers how messages went."""
        self.messages.append((messages, postponed))

    def unexpected(self, error: Exception) -> None:
        """Remembers what failed."""
        self.failures.append(error)
