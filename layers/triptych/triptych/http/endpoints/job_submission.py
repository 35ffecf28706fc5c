"""Handing a request over as a job."""

from __future__ import annotations

from triptych.http.job_answer import accepted
from triptych.http.job_input import job_input
from triptych.http.job_services import JobServices
from triptych.http.request import Request
from triptych.http.response import Response
from triptych.jobs.options import options
from triptych.jobs.submission import Submission

_OPTIONS = ("time_to_live", "delay", "target")


def submit(services: JobServices, request: Request) -> Response:
    """Makes a job of what infer or predict would take, or of an input that is kept somewhere.

    Raises:
        NotFound: There is no such model or version.
    """
    model, version = _known_model(services, request)
    key = request.idempotency_key()
    chosen = options({name: request.query.get(name) for name in _OPTIONS}, services.limits)
    how, body, name = job_input(request)
    location = None if name is None else services.inputs.locate(name)
    job = services.submitter.submit(Submission(model, version, how, chosen, body, location), key)
    return accepted(services, request, job)


def _known_model(services: JobServices, request: Request) -> tuple[str, int | None]:
    version = request.version()
    listing = services.repository.listing(request.path["model"])
    known = listing.all()[0] if version is None else listing.one(version)
    request.record.model, request.record.version = known.stored.model, version
    return known.stored.model, version
