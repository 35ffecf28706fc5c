"""Where jobs, their inputs and results are kept, and who is told how they end."""

from __future__ import annotations

import time
from typing import NamedTuple

from triptych.aws.clients import AwsClients
from triptych.aws.queue import SqsQueue
from triptych.jobs.finalize import Endings, Ledger
from triptych.jobs.inputs import S3Inputs
from triptych.jobs.notification import job_notifier
from triptych.jobs.options import MAX_TIME_TO_LIVE, OptionLimits
from triptych.jobs.results import S3Results
from triptych.jobs.store import DynamoJobs
from triptych.settings import JobSettings


class Keeping(NamedTuple):
    """What every function that deals with jobs works with.

    Attributes:
        jobs: Keeps records.
        inputs: Keeps inputs.
        results: Keeps results.
        queue: Where messages come from or go to.
        dead_letters: Where messages go that are given up.
        ledger: Moves jobs.
        endings: Settles jobs that have ended.
        limits: What options of jobs may be.
    """

    jobs: DynamoJobs
    inputs: S3Inputs
    results: S3Results
    queue: SqsQueue
    dead_letters: SqsQueue
    ledger: Ledger
    endings: Endings
    limits: OptionLimits


def keeping(settings: JobSettings) -> Keeping:
    """Makes what every function that deals with jobs works with, but no client of AWS before it is used."""
    clients = AwsClients()
    jobs = DynamoJobs(clients, settings.table, settings.retention)
    results = S3Results(clients, settings.results_bucket)
    ledger = Ledger(jobs)
    longest = min(settings.retention, MAX_TIME_TO_LIVE)
    return Keeping(
        jobs=jobs,
        inputs=S3Inputs(clients, settings.inputs_bucket, settings.allowed_buckets),
        results=results,
        queue=SqsQueue(clients, settings.queue_url),
        dead_letters=SqsQueue(clients, settings.dead_letters_url),
        ledger=ledger,
        endings=Endings(ledger, results, job_notifier(clients, settings.topic_arn, settings.region)),
        limits=OptionLimits(min(settings.time_to_live, longest), longest),
    )


def wall_clock() -> int:
    """Gives the milliseconds since 1970."""
    return time.time_ns() // 1_000_000
