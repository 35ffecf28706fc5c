"""The query parameters of each route; any other is refused, as a misspelt one would be ignored in silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from triptych.protocol.names import check_known

_ROWS = ("join", "outputs", "delimiter")
_JOB = ("time_to_live", "delay", "target", "accept", *_ROWS)
_PAGE = ("limit", "next")

QUERY: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("POST", "/v2/models/{model}/predict"): _ROWS,
    ("POST", "/v2/models/{model}/versions/{version}/predict"): _ROWS,
    ("POST", "/v2/models/{model}/jobs"): _JOB,
    ("POST", "/v2/models/{model}/versions/{version}/jobs"): _JOB,
    ("GET", "/v2/jobs"): ("model", "status", *_PAGE),
    ("GET", "/v2/jobs/{id}"): ("wait",),
    ("POST", "/v2/jobs/{id}/redrive"): ("time_to_live",),
    ("GET", "/v2/batches"): ("model", "status", *_PAGE),
    ("GET", "/v2/batches/{id}"): ("wait",),
}
"""Names by method and resource; a route that is not here has no parameters."""

_SIGNATURE = "x-amz-"
"""What the names of parameters begin with that sign a URL for IAM."""


def check_query(method: str, resource: str, given: Iterable[str]) -> None:
    """Refuses query parameters that a route does not have.

    Args:
        method: HTTP method, in capitals.
        resource: Path with its parameters unfilled.
        given: Names of the parameters that came.

    Raises:
        BadRequest: The route has no parameter of this name.
    """
    named = (name for name in given if not name.lower().startswith(_SIGNATURE))
    check_known(named, QUERY.get((method, resource), ()))
