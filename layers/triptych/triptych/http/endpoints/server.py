"""The server: what it is, and whether it works."""

from __future__ import annotations

from triptych import __version__
from triptych.http.request import Request
from triptych.http.response import Response, json_response
from triptych.http.services import Services

EXTENSIONS = (
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository(index)",
    "statistics",
    "rows",
    "jobs",
)


def metadata(_services: Services, _request: Request) -> Response:
    """Tells name, version and extensions."""
    return json_response({"name": "triptych", "version": __version__, "extensions": EXTENSIONS})


def live(_services: Services, _request: Request) -> Response:
    """Tells that the function runs."""
    return json_response({"live": True})


def ready(services: Services, _request: Request) -> Response:
    """Tells that the model repository can be read.

    Raises:
        RepositoryUnavailable: It cannot.
    """
    services.repository.names()
    return json_response({"ready": True})
