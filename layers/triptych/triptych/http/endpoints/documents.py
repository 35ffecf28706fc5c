"""The API's own documents, made ahead of time."""

from __future__ import annotations

from triptych.http.request import Request
from triptych.http.response import Response
from triptych.http.services import Services
from triptych.protocol.media_types import JSON


def openapi(services: Services, _request: Request) -> Response:
    """Gives the OpenAPI document."""
    return Response(200, (services.documents / "openapi.json").read_bytes(), JSON)


def page(services: Services, _request: Request) -> Response:
    """Gives the API page."""
    return Response(200, (services.documents / "docs.html").read_bytes(), "text/html; charset=utf-8")
