"""The function that runs jobs."""

from __future__ import annotations

import logging
import threading

from triptych.aws.consumer import SqsTrigger
from triptych.clock import Clock
from triptych.inference.grouping import Grouping
from triptych.jobs.attempts import Attempts, Backoff, Limit
from triptych.jobs.consumer import Intake
from triptych.jobs.large import LargeJobs
from triptych.jobs.runner import Each, InThreads, Runner
from triptych.jobs.telemetry import JobTelemetry
from triptych.jobs.worker import Worker
from triptych.models.model import Model
from triptych.settings import JobSettings, Settings, from_environment, jobs_from_environment
from triptych.wiring.keeping import keeping, wall_clock
from triptych.wiring.memory import stay_within_memory
from triptych.wiring.open_models import model_store
from triptych.wiring.places import model_repository

_LOGGER = logging.getLogger("triptych")


def job_worker(
    settings: Settings | None = None,
    jobs: JobSettings | None = None,
    clock: Clock = wall_clock,
    each: Each | None = None,
) -> SqsTrigger:
    """Makes the worker.

    Args:
        settings: The function's settings; read from the environment when not given.
        jobs: Its settings for jobs; read from the environment when not given.
        clock: Tells the time.
        each: Does many things at once that wait for the network; threads when not given.
    """
    settings, jobs = settings or from_environment(), jobs or jobs_from_environment()
    stay_within_memory(settings)
    kept = keeping(jobs)
    threading.stack_size(2**20)  # each thread's counts in full against the bound, whatever it uses
    each = each or InThreads()
    telemetry = JobTelemetry(*settings.telemetry)
    backoff = Backoff(jobs.retry_seconds)
    limit = Limit(jobs.max_attempts, kept.dead_letters)
    # Nobody waits for the first answer, and batches are large: weights are laid out for speed.
    models = model_store(model_repository(settings), settings, telemetry, "prepacked")
    worker = Worker(
        intake=Intake(kept.jobs, kept.inputs, kept.limits, clock),
        attempts=Attempts(kept.ledger, kept.endings, kept.results, telemetry, backoff, limit, clock),
        runner=Runner(kept.inputs, models, Grouping(_tell_refused), telemetry, each),
        large=LargeJobs(
            kept.inputs, models, kept.ledger, telemetry, settings.cache.with_name("triptych-jobs")
        ),
        queue=kept.queue,
        observer=telemetry,
        backoff=backoff,
        each=each,
        clock=clock,
    )
    return SqsTrigger(worker.process, kept.queue, telemetry)


def _tell_refused(model: Model) -> None:
    _LOGGER.warning(
        "model %s, version %s: its rows are not independent, so its jobs run one by one; "
        "group = false under [jobs] in model.toml says so without a trial",
        model.name,
        model.version,
    )
