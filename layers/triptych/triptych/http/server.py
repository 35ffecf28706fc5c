"""The server: what it is, whether it works, its documents, and what of the protocol it does not offer."""

from __future__ import annotations

from collections.abc import Callable

from triptych import __version__
from triptych.errors import NotSupported
from triptych.http.models import InferenceServices
from triptych.http.request import Request
from triptych.http.response import Response, json_response
from triptych.protocol.media_types import JSON

EXTENSIONS = (
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository(index)",
    "statistics",
    "rows",
    "jobs",
)


def metadata(_services: InferenceServices, _request: Request) -> Response:
    """Returns name, version and extensions."""
    return json_response({"name": "triptych", "version": __version__, "extensions": EXTENSIONS})


def live(_services: InferenceServices, _request: Request) -> Response:
    """Answers, which shows that the function runs."""
    return json_response({"live": True})


def ready(services: InferenceServices, _request: Request) -> Response:
    """Answers when the model repository can be read.

    Raises:
        RepositoryUnavailable: It cannot.
    """
    services.repository.names()
    return json_response({"ready": True})


def openapi(services: InferenceServices, _request: Request) -> Response:
    """Returns the OpenAPI document, made ahead of time."""
    return Response(200, (services.documents / "openapi.json").read_bytes(), JSON)


def docs(services: InferenceServices, _request: Request) -> Response:
    """Returns the API page, made ahead of time."""
    return Response(200, (services.documents / "docs.html").read_bytes(), "text/html; charset=utf-8")


def _not_supported(reason: str) -> Callable[[InferenceServices, Request], Response]:
    """Makes an endpoint that answers 501 with a reason: that part of the protocol has no use on Lambda."""

    def endpoint(_services: InferenceServices, _request: Request) -> Response:
        raise NotSupported(reason)

    return endpoint


no_loading = _not_supported(
    "models load by themselves on first use; put a new version into the repository instead"
)
no_shared_memory = _not_supported(
    "there is no shared memory between a client and a function; send tensors in the request"
)
no_tracing = _not_supported("trace settings are not supported; every request is traced by X-Ray")
no_logging = _not_supported("log settings are not supported at run time; they are parameters of the stack")
