"""What jobs stand on, in memory: real little implementations of the interfaces, which can break."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from triptych.aws.notifications import Notifier
from triptych.aws.queue import Delivery, Queue
from triptych.errors import BadRequest, NotFound, PayloadTooLarge, ServiceUnavailable
from triptych.jobs.inputs import MAX_INPUT, InputStore, StoredInput, UploadForm
from triptych.jobs.job import Job, JobResult
from triptych.jobs.results import ResultStore
from triptych.jobs.store import JobStore
from triptych.lifecycle.store import Page

NOW = 1_767_225_600_000  # 2026-01-01T00:00:00Z
INPUTS = "inputs-bucket"
RESULTS = "results-bucket"
_UPLOAD = re.compile(r"uploads/[0-9a-f-]{36}")
_S3 = re.compile(r"s3://([^/]+)/(.+)", re.DOTALL)


@dataclass
class JobClock:
    """Milliseconds since 1970 that pass only when a test says so.

    Attributes:
        now: The time.
    """

    now: int = NOW

    def __call__(self) -> int:
        """Returns the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += round(1000 * seconds)


class InTurn(Executor):
    """Calls in turn, so that the order is known."""

    def map[Made](  # type: ignore[override]  # of what the worker uses
        self, fn: Callable[..., Made], /, *iterables: Iterable[Any], **_: object
    ) -> Iterator[Made]:
        """Calls in turn."""
        return map(fn, *iterables)


@dataclass
class Breakable:
    """Something that cannot always be reached.

    Attributes:
        broken: Why it cannot be reached, while it cannot.
    """

    broken: str | None = field(default=None, kw_only=True)

    def reach(self) -> None:
        """Fails while it is broken."""
        if self.broken is not None:
            raise ServiceUnavailable(self.broken)


@dataclass
class MemoryJobs(Breakable, JobStore):
    """Jobs by id.

    Attributes:
        jobs: The records.
    """

    jobs: dict[str, Job] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self.jobs.values())

    def get(self, identity: str) -> Job | None:
        """Returns a job."""
        self.reach()
        return self.jobs.get(identity)

    def add(self, record: Job) -> bool:
        """Stores a job whose id is new."""
        self.reach()
        return self.jobs.setdefault(record.id, record) is record

    def replace(self, record: Job) -> bool:
        """Replaces the previous revision of a job."""
        return self._in_place_of(record, record.revision - 1) and self._keep(record)

    def swap(self, record: Job) -> Job | None:
        """Replaces the previous revision of a job, and returns the one that is stored."""
        return record if self.replace(record) else self.get(record.id)

    def remove(self, job: Job) -> bool:
        """Removes a record that has not changed."""
        return self._in_place_of(job, job.revision) and self.jobs.pop(job.id) is not None

    def newest(self, *, after: str | None, limit: int, model: str | None = None) -> Page[Job]:
        """Lists records from the newest; `next` is where the last one stands."""
        self.reach()
        if after is not None and not re.fullmatch(r"\d{13}\.[0-9a-f-]{36}", after):
            raise BadRequest("next: expected what the page before gave")
        found = sorted(
            (job for job in self if model in {None, job.model}), key=lambda job: job.place, reverse=True
        )
        rest = [job for job in found if after is None or job.place < after]
        return Page(rest[:limit], rest[limit - 1].place if len(rest) > limit else None)

    def unattended(self, now: int, limit: int) -> Sequence[str]:
        """Returns ids of jobs that somebody must look after, the most urgent first."""
        self.reach()
        waiting = [(job.attended_until, job.id) for job in self if job.attended_until is not None]
        return [job_id for until, job_id in sorted(waiting) if until <= now][:limit]

    def _in_place_of(self, job: Job, revision: int) -> bool:
        self.reach()
        return job.id in self.jobs and self.jobs[job.id].revision == revision

    def _keep(self, job: Job) -> bool:
        self.jobs[job.id] = job
        return True


@dataclass
class MemoryInputs(Breakable, InputStore):
    """Inputs by location.

    Attributes:
        objects: What is kept; `body` is always there.
        allowed: Buckets that inputs may come from.
    """

    objects: dict[str, StoredInput] = field(default_factory=dict)
    allowed: tuple[str, ...] = (INPUTS,)

    def keep(self, location: str, body: bytes, content_type: str | None = None) -> str:
        """Puts an input where a caller would upload it to."""
        self.objects[location] = StoredInput(location, len(body), _tag(body), content_type, None, body)
        return location

    def put(self, name: str, body: bytes) -> str:
        """Keeps the input of a job."""
        self.reach()
        return self.keep(f"s3://{INPUTS}/inputs/{name}", body)

    def locate(self, name: str) -> str:
        """Returns the location of what a caller names."""
        if _UPLOAD.fullmatch(name):
            return f"s3://{INPUTS}/{name}"
        found = _S3.fullmatch(name)
        if not found or found[1] not in self.allowed:
            raise BadRequest(f"input: expected an uploaded key or s3://bucket/key of {self.allowed}")
        return name

    def fetch(self, location: str, limit: int) -> StoredInput:
        """Looks an input up."""
        self.reach()
        stored = self.objects.get(location)
        if stored is None:
            raise BadRequest(f"input: there is nothing at {location}")
        if stored.size > MAX_INPUT:
            raise PayloadTooLarge(f"the input has {stored.size} bytes")
        return stored if stored.size <= limit else stored._replace(body=None)

    def download(self, stored: StoredInput, path: Path) -> None:
        """Writes an input to a file, if it is still what it was."""
        kept = self.fetch(stored.location, MAX_INPUT)
        if kept.tag != stored.tag:
            raise BadRequest(f"input: {stored.location} was changed")
        path.write_bytes(kept.body or b"")

    def upload_form(self, now: int) -> UploadForm:
        """Makes a form for a new key."""
        key = f"uploads/{uuid.uuid4()}"
        url = f"https://{INPUTS}.s3.eu-central-1.amazonaws.com/"
        return UploadForm(url, {"key": key, "policy": "abc"}, key, now + 900_000, MAX_INPUT)


@dataclass
class MemoryResults(Breakable, ResultStore):
    """Results by location.

    Attributes:
        objects: What is kept, and what it is.
        inline: Bytes up to which a result is part of the record of its job.
    """

    objects: dict[str, tuple[bytes, JobResult]] = field(default_factory=dict)
    inline: int = 0

    def __len__(self) -> int:
        return len(self.objects)

    def put(self, job: Job, body: bytes | Path, described: JobResult) -> JobResult:
        """Keeps the first result of a job."""
        self.reach()
        content = body.read_bytes() if isinstance(body, Path) else body
        if self.inline and len(content) <= self.inline:
            return described._replace(location=None, size=len(content), body=content)
        result = described._replace(location=self.location(job), size=len(content))
        return self.objects.setdefault(self.location(job), (content, result))[1]

    def read(self, result: JobResult) -> bytes:
        """Reads a result."""
        self.reach()
        if result.body is not None:
            return result.body
        if result.location not in self.objects:
            raise NotFound("the result was deleted")
        return self.objects[str(result.location)][0]

    def url(self, result: JobResult) -> str:
        """Makes a URL that looks like a presigned one."""
        key = str(result.location).removeprefix(f"s3://{RESULTS}/")
        return f"https://{RESULTS}.s3.eu-central-1.amazonaws.com/{key}?X-Amz-Signature=abc"

    def delete(self, job: Job) -> None:
        """Deletes the result of a job, if there is one."""
        self.reach()
        self.objects.pop(self.location(job), None)

    def location(self, job: Job) -> str:
        """Returns where the result of a job is, or would be."""
        return f"s3://{RESULTS}/results/{job.id}/{job.redrives}"


@dataclass
class MemoryQueue(Breakable, Queue):
    """Messages in memory.

    Attributes:
        sent: Text and delay in seconds of each message, in the order they were sent.
        postponed: Seconds by receipt.
        receives: How often each message was handed over, by its id.
        consumer: Is given each message as soon as it is sent, if there is one.
    """

    sent: list[tuple[str, int]] = field(default_factory=list)
    postponed: dict[str, int] = field(default_factory=dict)
    receives: dict[str, int] = field(default_factory=dict)
    consumer: Callable[[str], None] | None = None

    def send(self, message: str, delay: int = 0) -> None:
        """Keeps a message."""
        self.reach()
        self.sent.append((message, delay))
        if self.consumer is not None:
            self.consumer(message)

    def postpone(self, deliveries: Mapping[str, int]) -> None:
        """Remembers when messages come again."""
        self.postponed |= deliveries

    def deliveries(self, now: int = NOW) -> list[Delivery]:
        """Hands every message over, once more than before; ids stay, receipts do not."""
        return [self._delivery(number, body, now) for number, (body, _) in enumerate(self.sent)]

    def _delivery(self, number: int, body: str, now: int) -> Delivery:
        message_id = str(uuid.UUID(int=number))
        self.receives[message_id] = self.receives.get(message_id, 0) + 1
        receives = self.receives[message_id]
        return Delivery(message_id, body, f"{message_id}/{receives}", receives, now)


@dataclass
class MemoryNotifier[Ended](Breakable, Notifier[Ended]):
    """What was told.

    Attributes:
        published: Jobs, or batches, as they were when it was told how they ended.
    """

    published: list[Ended] = field(default_factory=list[Ended])

    def publish(self, ended: Sequence[Ended], /) -> None:
        """Remembers some ends."""
        self.reach()
        self.published += ended


def _tag(body: bytes) -> str:
    return sha256(body).hexdigest()
