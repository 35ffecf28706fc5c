"""The functions of jobs as they are deployed, over the account of the state machine."""

from __future__ import annotations

from pathlib import Path

from triptych.deployment import Deployment
from triptych.settings import JobSettings, Settings, TelemetrySettings

from tests.integration.job_world import REGION, RETENTION, TABLE
from tests.support.hooked_sessions import Hooks
from tests.support.job_fakes import InTurn, JobClock
from tests.support.job_machine_aws import INPUTS, RESULTS, Account
from tests.support.realtime import Function

TELEMETRY = TelemetrySettings("machine", "Triptych", "WARNING")


class Functions:
    """The three functions.

    Args:
        directory: Where models are, and what functions write.
        account: What they work with.
        clock: Their time.
        hooks: What happens before a model runs.
    """

    def __init__(self, directory: Path, account: Account, clock: JobClock, hooks: Hooks) -> None:
        settings = Settings(
            storages=(str(directory / "models"),),
            refresh_seconds=3600,
            preload=(),
            memory_megabytes=1769,
            cache=directory / "cache",
            telemetry=TELEMETRY,
        )
        jobs = JobSettings(
            table=TABLE,
            queue_url=account.queue_url,
            dead_letters_url=account.letters_url,
            max_attempts=3,
            inputs_bucket=INPUTS,
            results_bucket=RESULTS,
            inline_result_size=200,  # some results are smaller, some larger
            topic_arn=account.topic_arn,
            allowed_buckets=(),
            time_to_live=86_400,
            retention=RETENTION,
            retry_seconds=1,
            region=REGION,
        )
        self.api = Function(Deployment(settings, jobs, clock=clock).jobs())
        worker = Deployment(settings, jobs, clock=clock)
        worker.open_session, worker.pool = hooks.open_session, InTurn()
        self.worker = worker.job_worker()
        self.keeper = Deployment(settings, jobs, clock=clock).job_keeper()
