"""Uploads of inputs that are too large for a request."""

from __future__ import annotations

from triptych.clock import moment
from triptych.http.job_services import JobServices
from triptych.http.request import Request
from triptych.http.response import Response, json_response


def create(services: JobServices, _request: Request) -> Response:
    """Gives a form that uploads one input straight to S3."""
    form = services.inputs.upload_form(services.clock())
    return json_response(
        {
            "url": form.url,
            "fields": form.fields,
            "input": form.input,
            "expires_at": moment(form.expires),
            "max_bytes": form.max_bytes,
        },
        201,
    )
