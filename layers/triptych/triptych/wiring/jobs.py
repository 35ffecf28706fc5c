"""The function that takes jobs and tells about them over HTTP."""

from __future__ import annotations

from triptych.clock import Clock
from triptych.http.application import Application
from triptych.http.job_routes import JOB_ROUTES
from triptych.http.job_services import JobServices
from triptych.jobs.service import Desk, Submitter
from triptych.jobs.telemetry import JobTelemetry
from triptych.settings import JobSettings, Settings, from_environment, jobs_from_environment
from triptych.wiring.keeping import keeping, wall_clock
from triptych.wiring.places import model_repository
from triptych.wiring.start_up import start_up_seconds


def jobs_application(
    settings: Settings | None = None, jobs: JobSettings | None = None, clock: Clock = wall_clock
) -> Application[JobServices]:
    """Makes the application.

    Args:
        settings: The function's settings; read from the environment when not given.
        jobs: Its settings for jobs; read from the environment when not given.
        clock: Tells the time.
    """
    settings = settings or from_environment()
    kept = keeping(jobs or jobs_from_environment())
    telemetry = JobTelemetry(*settings.telemetry)
    services = JobServices(
        repository=model_repository(settings),
        submitter=Submitter(kept.jobs, kept.inputs, kept.queue, telemetry, clock),
        desk=Desk(kept.jobs, kept.endings, kept.queue, telemetry, clock),
        inputs=kept.inputs,
        results=kept.results,
        limits=kept.limits,
        clock=clock,
    )
    return Application(JOB_ROUTES, services, telemetry, start_up_seconds(settings))
