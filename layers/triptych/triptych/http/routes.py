"""Every path and method of the API, what answers it, and the query parameters that it has.

One table for each function: a function imports its own endpoints only. The API events of the template and the
OpenAPI document list the same routes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from triptych.http.request import Request
from triptych.http.response import Response
from triptych.protocol.names import check_known

if TYPE_CHECKING:
    from triptych.http.batches import BatchServices
    from triptych.http.jobs import JobServices
    from triptych.http.models import InferenceServices

type Endpoint[S] = Callable[[S, Request], Response]
"""Answers requests with the help of some services."""

type Routes[S] = Mapping[tuple[str, str], Endpoint[S]]
"""Endpoints by method and resource."""

_MODEL = "/v2/models/{model}"
_VERSION = "/v2/models/{model}/versions/{version}"


def realtime_routes() -> Routes[InferenceServices]:
    """Returns what the function for real-time inference answers."""
    from triptych.http import inference, models, server  # noqa: PLC0415 - for this function only

    return {
        ("GET", "/v2"): server.metadata,
        ("GET", "/v2/health/live"): server.live,
        ("GET", "/v2/health/ready"): server.ready,
        ("GET", _MODEL): models.metadata,
        ("GET", _VERSION): models.metadata,
        ("GET", _MODEL + "/ready"): models.ready,
        ("GET", _VERSION + "/ready"): models.ready,
        ("GET", _MODEL + "/config"): models.config,
        ("GET", _VERSION + "/config"): models.config,
        ("GET", "/v2/models/stats"): models.all_statistics,
        ("GET", _MODEL + "/stats"): models.statistics,
        ("GET", _VERSION + "/stats"): models.statistics,
        ("POST", _MODEL + "/infer"): inference.infer,
        ("POST", _VERSION + "/infer"): inference.infer,
        ("POST", _MODEL + "/predict"): inference.predict,
        ("POST", _VERSION + "/predict"): inference.predict,
        ("POST", "/v2/repository/index"): models.index,
        ("POST", "/v2/repository/models/{model}/load"): server.no_loading,
        ("POST", "/v2/repository/models/{model}/unload"): server.no_loading,
        ("GET", "/v2/systemsharedmemory/{proxy+}"): server.no_shared_memory,
        ("POST", "/v2/systemsharedmemory/{proxy+}"): server.no_shared_memory,
        ("GET", "/v2/cudasharedmemory/{proxy+}"): server.no_shared_memory,
        ("POST", "/v2/cudasharedmemory/{proxy+}"): server.no_shared_memory,
        ("GET", "/v2/trace/setting"): server.no_tracing,
        ("POST", "/v2/trace/setting"): server.no_tracing,
        ("GET", _MODEL + "/trace/setting"): server.no_tracing,
        ("POST", _MODEL + "/trace/setting"): server.no_tracing,
        ("GET", "/v2/logging"): server.no_logging,
        ("POST", "/v2/logging"): server.no_logging,
        ("POST", "/openai/v1/embeddings"): _embeddings,
        ("GET", "/openai/v1/models"): _openai_models,
        ("POST", "/v1/rerank"): _rerank,
        ("GET", "/openapi.json"): server.openapi,
        ("GET", "/docs"): server.docs,
    }


# Modules of other APIs are imported with their first request: all other starts do without.


def _embeddings(services: InferenceServices, request: Request) -> Response:
    from triptych.http import openai  # noqa: PLC0415

    return openai.embeddings(services, request)


def _openai_models(services: InferenceServices, request: Request) -> Response:
    from triptych.http import openai  # noqa: PLC0415

    return openai.models(services, request)


def _rerank(services: InferenceServices, request: Request) -> Response:
    from triptych.http import rerank  # noqa: PLC0415

    return rerank.rerank(services, request)


def job_routes() -> Routes[JobServices]:
    """Returns what the function for jobs answers."""
    from triptych.http import jobs  # noqa: PLC0415 - for this function only

    return {
        ("POST", _MODEL + "/jobs"): jobs.submit,
        ("POST", _VERSION + "/jobs"): jobs.submit,
        ("POST", "/v2/uploads"): jobs.create_upload,
        ("GET", "/v2/jobs"): jobs.newest,
        ("GET", "/v2/jobs/{id}"): jobs.one,
        ("DELETE", "/v2/jobs/{id}"): jobs.cancel,
        ("GET", "/v2/jobs/{id}/result"): jobs.result,
        ("POST", "/v2/jobs/{id}/redrive"): jobs.redrive,
    }


def batch_routes() -> Routes[BatchServices]:
    """Returns what the function for batches and their predictions answers."""
    from triptych.http import batches  # noqa: PLC0415 - for this function only

    return {
        ("POST", "/v2/batches"): batches.submit,
        ("GET", "/v2/batches"): batches.newest,
        ("GET", "/v2/batches/{id}"): batches.one,
        ("DELETE", "/v2/batches/{id}"): batches.cancel,
        ("POST", "/v2/batches/{id}/redrive"): batches.redrive,
        ("GET", _MODEL + "/predictions/{key}"): batches.prediction,
        ("POST", _MODEL + "/predictions:lookup"): batches.predictions,
    }


_ROWS = ("join", "outputs", "delimiter")
_RAW = ("raw",)
_JOB = ("time_to_live", "delay", "target", "accept", *_ROWS)
_PAGE = ("limit", "next")

QUERY: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("POST", _MODEL + "/infer"): _RAW,
    ("POST", _VERSION + "/infer"): _RAW,
    ("POST", _MODEL + "/predict"): (*_ROWS, *_RAW),
    ("POST", _VERSION + "/predict"): (*_ROWS, *_RAW),
    ("POST", _MODEL + "/jobs"): _JOB,
    ("POST", _VERSION + "/jobs"): _JOB,
    ("GET", "/v2/jobs"): ("model", "status", *_PAGE),
    ("GET", "/v2/jobs/{id}"): ("wait",),
    ("POST", "/v2/jobs/{id}/redrive"): ("time_to_live",),
    ("GET", "/v2/batches"): ("model", "status", *_PAGE),
    ("GET", "/v2/batches/{id}"): ("wait",),
}
"""Names of query parameters by method and resource; a route that is not here has none."""

_SIGNATURE = "x-amz-"
"""How the names of parameters begin that sign a URL for IAM."""


def check_query(method: str, resource: str, given: Iterable[str]) -> None:
    """Checks that a route has the query parameters that came: a misspelt one would be ignored in silence.

    Args:
        method: HTTP method, in capitals.
        resource: Path with its parameters unfilled.
        given: Names of the parameters that came.

    Raises:
        BadRequest: The route has no parameter of this name.
    """
    named = (name for name in given if not name.lower().startswith(_SIGNATURE))
    check_known(named, QUERY.get((method, resource), ()))
