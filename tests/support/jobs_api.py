"""The function that takes jobs, inside this process, over fakes of all that jobs stand on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from triptych.http.application import Application
from triptych.http.jobs import JobServices
from triptych.http.routes import job_routes
from triptych.jobs import transitions
from triptych.jobs.document import job_finalizer
from triptych.jobs.job import Job, JobRequest, JobResult
from triptych.jobs.service import JobService
from triptych.jobs.store import JobStorage
from triptych.jobs.submission import OptionLimits
from triptych.lifecycle.record import Failure
from triptych.models.repository import ModelRepository

from tests.support.job_fakes import (
    JobClock,
    MemoryInputs,
    MemoryJobs,
    MemoryNotifier,
    MemoryQueue,
    MemoryResults,
)
from tests.support.realtime import Function
from tests.support.watched_jobs import WatchedJobs
from tests.support.watched_requests import WatchedRequests

DAY = 86_400
LIMITS = OptionLimits(time_to_live=DAY, longest=14 * DAY)
JOB_ID = "3e1f5a52-8c0d-4b7a-9d35-6f1c2b7e9a10"
PASSING = Failure("ServiceUnavailable", "the model store did not answer", retryable=True)
LASTING = Failure("BadRequest", "missing input 'image'", retryable=False)


@dataclass
class JobsApi:
    """The function and all around it.

    Attributes:
        repository: Knows which models there are.
        clock: Its time.
        store: Its records.
        inputs: Its inputs.
        results: Its results.
        queue: Its messages.
        notifier: What was told of jobs.
        jobs: What its job observer saw.
        requests: What its request observer saw.
    """

    repository: ModelRepository
    clock: JobClock = field(default_factory=JobClock)
    store: MemoryJobs = field(default_factory=MemoryJobs)
    inputs: MemoryInputs = field(default_factory=MemoryInputs)
    results: MemoryResults = field(default_factory=MemoryResults)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    notifier: MemoryNotifier[Job] = field(default_factory=MemoryNotifier[Job])
    jobs: WatchedJobs = field(default_factory=WatchedJobs)
    requests: WatchedRequests = field(default_factory=WatchedRequests)

    def __post_init__(self) -> None:
        storage = JobStorage(self.store, self.inputs, self.results)
        finalizer = job_finalizer(storage, self.notifier)
        services = JobServices(
            repository=self.repository,
            jobs=JobService(storage, finalizer, self.queue, self.jobs, self.clock),
            storage=storage,
            limits=LIMITS,
            clock=self.clock,
        )
        self.function = Function(Application(job_routes(), services, self.requests))

    def queued(self, job_id: str = JOB_ID, model: str = "penguins") -> Job:
        """Makes a job that waits, in place of any with its id."""
        now = self.clock()
        job = Job(job_id, model, None, JobRequest("text/csv"), "digest", now, now + 1000 * DAY)
        self.store.jobs[job_id] = job
        return job

    def running(self, job_id: str = JOB_ID) -> Job:
        """Makes a job that runs."""
        return self._keep(transitions.started(self.queued(job_id), self.clock(), self.clock() + 60_000))

    def failed(self, error: Failure = PASSING) -> Job:
        """Makes a job that failed."""
        return self._keep(transitions.failed(self.running(), self.clock(), error))

    def succeeded(
        self, body: bytes = b"species\nAdelie\n", content_type: str = "text/csv", length: int | None = None
    ) -> Job:
        """Makes a job that has this result."""
        job = self.running()
        result = self.results.put(job, body, JobResult("", content_type, length, 0, 1))
        return self._keep(transitions.succeeded(job, self.clock(), result))

    def fail(self, message: str) -> None:
        """Does what a worker does with a message that no model can read."""
        job = self.store.jobs[json.loads(message)["id"]]
        self._keep(transitions.failed(job, self.clock(), LASTING))

    def _keep(self, job: Job) -> Job:
        self.store.jobs[job.id] = job
        return job
